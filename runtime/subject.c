/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A container or a cgroup, opened to be measured or watched. */
#include "runtime/subject.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/path.h"
#include "base/sys.h"
#include "runtime/group.h"

/* A group, or a cgroup that nobody recorded: whatever hierarchy has a directory of that path. */
static int open_path(struct subject *subject, const char *path, struct err *err)
{
	struct container *container = &subject->container;
	unsigned int parts;

	if (path_has_dotdot(path) || !path[strspn(path, "/.")])
		return err_set(err, ERR_INPUT, "\"%s\" is not the path of a cgroup below the root",
			       path);
	if (group_find_state(container->masu, path, &container->arena, &container->state.cgroup,
			     &parts)) {
		container->cgroup =
			cgroup_open_own(&container->state.cgroup, parts, &container->arena, err);
		return container->cgroup ? 0 : -1;
	}
	if (cgroup_plan(CGROUP_FS, path, "", false, &container->arena, &container->state.cgroup,
			err) < 0 ||
	    container_open_cgroup(container, err) < 0)
		return -1;
	if (cgroup_is_gone(container->cgroup))
		return err_set(err, ERR_NOT_FOUND, "cgroup does not exist");
	return 0;
}

static int open_container(struct subject *subject, struct masu *masu, const char *id,
			  struct err *err)
{
	struct container *container = &subject->container;

	if (container_open(masu, id, STATE_UNLOCKED, false, container, err) < 0)
		return -1;
	if (!container->state.start_time.set || container->pidfd < 0)
		return err_set(err, ERR_STATE, "container not running");
	return container_open_cgroup(container, err);
}

int subject_open(struct masu *masu, const char *name, struct subject *subject, struct err *err)
{
	struct container *container = &subject->container;
	container->masu = masu;
	int opened = name[0] == '/' ? open_path(subject, name, err)
				    : open_container(subject, masu, name, err);
	int *const folders[] = { &container->dir_fd, &container->root_fd };

	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		if (*folders[i] >= 0)
			close(*folders[i]);
		*folders[i] = -1;
	}
	if (opened < 0)
		return -1;
	subject->cgroup = container->cgroup;
	subject->name = arena_strdup(&container->arena, name);
	return subject->name ? 0 : err_sys(err, "open %s", name);
}

void subject_close(struct subject *subject)
{
	container_close(&subject->container);
	subject->cgroup = NULL;
}

bool subject_has_ended(const struct subject *subject)
{
	struct pollfd process = { .fd = subject->container.pidfd, .events = POLLIN };

	return process.fd >= 0 && poll(&process, 1, 0) != 0;
}

int subject_open_network(const struct subject *subject)
{
	char path[40];

	if (!(subject->container.state.namespaces.value & CLONE_NEWNET))
		return -1;
	snprintf(path, sizeof(path), "/proc/%d/net/dev", (int)subject->container.state.pid.value);
	int network = open(path, O_RDONLY | O_CLOEXEC);

	/* the file may be another process's that got the same pid */
	if (network >= 0 && subject_has_ended(subject)) {
		close(network);
		return -1;
	}
	return network;
}
