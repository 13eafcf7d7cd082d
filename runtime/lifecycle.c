/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* kill, delete, pause, resume, update. */
#include "runtime/lifecycle.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/sys.h"
#include "runtime/foreground.h"
#include "runtime/masu.h"
#include "runtime/network.h"
#include "runtime/root.h"
#include "runtime/rows.h"

int container_kill_process(struct container *container, struct err *err)
{
	if (sys_pidfd_send_signal(container->pidfd, SIGKILL) < 0 && errno != ESRCH)
		return err_sys(err, "kill process %d", (int)container->state.pid.value);
	if (process_wait(container->pidfd, err) < 0)
		return -1;
	waitid((idtype_t)P_PIDFD, (id_t)container->pidfd, NULL, WEXITED | __WALL);
	close(container->pidfd);
	container->pidfd = -1;
	return 0;
}

/* What the image, or the spec's annotation, says; SIGTERM where neither does. */
static int stop_signal(const struct container *container, struct err *err)
{
	const struct json_list *annotations = &container->state.annotations;

	for (size_t i = 0; i < annotations->count; i++) {
		const struct json_pair *pair = &JSON_ITEMS(struct json_pair, annotations)[i];

		if (strcmp(pair->key, ROOT_STOP_SIGNAL) == 0)
			return security_parse_signal(pair->value, err);
	}
	return SIGTERM;
}

int container_signal(struct container *container, int signal, bool all, struct err *err)
{
	enum container_status status = container_status(container);

	if (signal == MASU_STOP_SIGNAL) {
		signal = stop_signal(container, err);
		if (signal < 0)
			return -1;
	}
	if (all) {
		if (!container->cgroup_ours)
			return err_set(err, ERR_STATE, "container not running");
		if (container_open_cgroup(container, err) < 0)
			return -1;
		/* also a stopped container may have left processes, where it has no pid namespace
		 * of its own */
		return signal == SIGKILL ? cgroup_kill(container->cgroup, err)
					 : cgroup_signal(container->cgroup, signal, err);
	}
	if (status == CONTAINER_STOPPED || status == CONTAINER_CREATING)
		return err_set(err, ERR_STATE, "container not running");
	if (sys_pidfd_send_signal(container->pidfd, signal) < 0) {
		if (errno == ESRCH)
			return err_set(err, ERR_STATE, "container not running");
		return err_sys(err, "send signal %d", signal);
	}
	/* v1 keeps even SIGKILL pending while frozen; v2 lets it through */
	if (signal == SIGKILL && status == CONTAINER_PAUSED &&
	    cgroup_thaw(container->cgroup, err) < 0)
		return -1;
	/* without a pid namespace of its own the first process does not take the others with it */
	if (signal == SIGKILL && !container->state.own_pids &&
	    container_open_cgroup(container, NULL) == 0)
		return cgroup_kill(container->cgroup, err);
	return 0;
}

int container_delete(struct container *container, bool force, struct err *err)
{
	enum container_status status = container_status(container);

	if (!force && (status == CONTAINER_RUNNING || status == CONTAINER_PAUSED ||
		       status == CONTAINER_CREATING)) {
		err_set(err, ERR_STATE, "cannot delete a container that is not stopped: %s",
			names_text(container_status_names, status));
		return err_hint(err, "`masu kill %s KILL` first, or --force", container->id);
	}
	if (!force && status == CONTAINER_BROKEN) {
		err_set(err, ERR_STATE, "its record is broken");
		return err_hint(err, "--force removes what is left of it");
	}
	if (container->broken)
		return container_destroy_broken(container, err);
	if (network_can_undo(container, err) < 0 ||
	    cgroup_reach(&container->state.cgroup, err) < 0 ||
	    container_kill_all(container, err) < 0)
		return -1;
	container_reap(container); /* where it is our child and nobody waited for it */
	return container_destroy(container, err);
}

int container_pause(struct container *container, struct err *err)
{
	enum container_status status = container_status(container);

	if (status != CONTAINER_RUNNING && status != CONTAINER_CREATED)
		return err_set(err, ERR_STATE, "cannot pause a container that is %s",
			       names_text(container_status_names, status));
	return container_open_cgroup(container, err) < 0 ? -1
							 : cgroup_freeze(container->cgroup, err);
}

int container_resume(struct container *container, struct err *err)
{
	enum container_status status = container_status(container);

	if (status != CONTAINER_PAUSED)
		return err_set(err, ERR_STATE, "container not paused: it is %s",
			       names_text(container_status_names, status));
	return cgroup_thaw(container->cgroup, err);
}

int container_update(struct container *container, const char *resources_json, struct err *err)
{
	enum container_status status = container_status(container);
	void *resources = arena_alloc(&container->arena, cgroup_resources_object.size);

	if (!resources)
		return err_sys(err, "update");
	if (status == CONTAINER_STOPPED || status == CONTAINER_CREATING)
		return err_set(err, ERR_STATE, "container not running");
	if (json_decode("resources", resources_json, strlen(resources_json),
			&cgroup_resources_object, resources, &container->arena, err) < 0 ||
	    container_open_cgroup(container, err) < 0)
		return -1;
	return cgroup_update(container->cgroup, resources, err);
}

int container_update_rdt(struct container *container, const char *l3_cache_schema,
			 const char *mem_bw_schema, struct err *err)
{
	struct cgroup_rdt_spec spec = {
		.present = true,
		.l3_cache_schema = l3_cache_schema,
		.mem_bw_schema = mem_bw_schema,
	};

	if (!container->state.rdt.group) {
		err_set(err, ERR_INPUT, "it has no resctrl group of its own");
		return err_hint(err, "create it with linux.intelRdt");
	}
	if (cgroup_rdt_check(&spec, err) < 0)
		return -1;
	return cgroup_rdt_create(&spec, &container->state.rdt, container->id, err);
}
