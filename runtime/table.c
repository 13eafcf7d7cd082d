/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The start table as the host sees it; destruction walks it backwards. */
#include "base/err.h"
#include "runtime/rows.h"

#define nothing NULL

/* clang-format off */
#define HOST(name, function, undo, when) { SIDE_HOST, name, run_##function, undo, when },
#define WHILE(name, function, when) { SIDE_WHILE, name, run_##function, NULL, when },
#define INIT(name, function, when) { SIDE_INIT, name, NULL, NULL, when },

#define CREATE_STEPS
const struct startup_row startup_create_rows[] = {
#include "runtime/steps.def"
};
#undef CREATE_STEPS

#define EXEC_STEPS
const struct startup_row startup_exec_rows[] = {
#include "runtime/steps.def"
};
#undef EXEC_STEPS
/* clang-format on */

const size_t startup_create_count = sizeof(startup_create_rows) / sizeof(*startup_create_rows);
const size_t startup_exec_count = sizeof(startup_exec_rows) / sizeof(*startup_exec_rows);

int container_destroy(struct container *container, struct err *err)
{
	int result = 0;

	for (size_t i = startup_create_count; i-- > 1;) { /* row 0 is the folder: after the hooks */
		struct err why = { 0 };
		const struct startup_row *row = &startup_create_rows[i];

		if (row->side != SIDE_HOST || !row->undo || row->undo(container, &why) == 0)
			continue;
		if (result == 0 && err) {
			*err = why;
			err_wrap(err, "%s", row->name);
		}
		result = -1;
	}
	if (result < 0)
		return -1; /* the record stays, so that delete can be tried again */
	container_run_hooks(container, SPEC_POSTSTOP, &container->state.hooks.lists[SPEC_POSTSTOP],
			    "stopped", NULL);
	return undo_state_dir(container, err);
}

int container_destroy_broken(struct container *container, struct err *err)
{
	/* where create puts a cgroup when the spec does not say; a scope of systemd's ends with its
	 * last process */
	if (cgroup_plan(CGROUP_FS, NULL, container->id, false, &container->arena,
			&container->state.cgroup, err) < 0)
		return -1;
	container->cgroup_ours = true;
	return container_destroy(container, err);
}
