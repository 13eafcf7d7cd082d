/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The public promise of masu.h, thin: contexts and containers. Images and storage are in
 * storage_api.c. */
#include "runtime/api.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/kernel.h"
#include "base/log.h"
#include "runtime/create.h"
#include "runtime/exec.h"
#include "runtime/features.h"
#include "runtime/foreground.h"
#include "runtime/gc.h"
#include "runtime/intent.h"
#include "runtime/lifecycle.h"
#include "runtime/listing.h"
#include "runtime/masu.h"
#include "runtime/network.h"
#include "runtime/notify.h"
#include "runtime/stats.h"

_Static_assert(sizeof(struct masu_error) == sizeof(struct err), "one layout inside and outside");
_Static_assert(offsetof(struct masu_error, hint) == offsetof(struct err, hint),
	       "one layout inside and outside");
_Static_assert((int)MASU_ERR_INPUT == (int)ERR_INPUT && (int)MASU_ERR_PEER == (int)ERR_PEER,
	       "one numbering");
_Static_assert((int)MASU_LOG_DEBUG == (int)LOG_DEBUG, "one numbering");

enum {
	OPTIONS_MAX = 4096, /* no options struct will ever be larger: a larger size is not one */
	SYSTEMD_TIMEOUT_MAX_S = 86400,
};

struct err *api_error(struct masu_error *error)
{
	if (error)
		memset(error, 0, sizeof(*error));
	return (struct err *)error;
}

/* What an older caller does not know stays zero; what a newer one knows and we do not must be zero,
 * or it would ask for something in vain. */
int api_options(void *to, size_t size, const void *from, struct err *err)
{
	const char *bytes = from;
	size_t theirs = 0;

	memset(to, 0, size);
	if (!from)
		return 0;
	memcpy(&theirs, from, sizeof(theirs));
	if (theirs < sizeof(theirs) || theirs > OPTIONS_MAX)
		return err_set(err, ERR_INPUT, "options: their size is not set");
	for (size_t i = size; i < theirs; i++) {
		if (bytes[i])
			return err_set(err, ERR_UNSUPPORTED,
				       "options: they ask for what libmasu %s does not know",
				       MASU_VERSION);
	}
	memcpy(to, from, theirs < size ? theirs : size);
	return 0;
}

const char *masu_version(void)
{
	return MASU_VERSION;
}

const char *masu_about(enum masu_about what)
{
	return features_about((int)what);
}

void masu_set_log(masu_log_callback *callback, void *data, enum masu_log_level most)
{
	log_set((log_callback *)callback, data, (enum log_level)most);
}

/* A path that means the same in every working directory; the caller's to free. */
static char *make_absolute(const char *path, const char *what, struct err *err)
{
	char whole[PATH_MAX], here[PATH_MAX] = "";
	char *copy = NULL;

	if ((path[0] == '/' || getcwd(here, sizeof(here))) &&
	    str_format(whole, sizeof(whole), "%s%s%s", here, here[0] ? "/" : "", path) == 0)
		copy = strdup(whole);
	if (!copy)
		err_sys(err, "%s %s", what, path);
	return copy;
}

static int choose_root(struct masu *masu, const char *root, struct err *err)
{
	const char *runtime_dir = getenv("XDG_RUNTIME_DIR");
	char path[PATH_MAX] = "/run/masu";

	if (root && (!*root || strspn(root, "/") == strlen(root)))
		return err_set(err, ERR_INPUT, "state directory \"%s\": not allowed", root);
	if (!root && geteuid() != 0 && runtime_dir && runtime_dir[0] == '/' &&
	    str_format(path, sizeof(path), "%s/masu", runtime_dir) < 0)
		return err_sys(err, "state directory below XDG_RUNTIME_DIR");
	masu->root = make_absolute(root ? root : path, "state directory", err);
	return masu->root ? 0 : -1;
}

static enum cgroup_driver choose_driver(enum masu_cgroup_manager manager, bool rootless)
{
	switch (manager) {
	case MASU_CGROUP_DISABLED:
		return CGROUP_DISABLED;
	case MASU_CGROUP_SYSTEMD:
		return rootless ? CGROUP_SYSTEMD_USER : CGROUP_SYSTEMD;
	case MASU_CGROUP_FS:
		break;
	}
	return CGROUP_FS;
}

/* A user who is not root has a store of his own; NULL is root's. */
static int choose_storage_root(struct masu *masu, const char *root, struct err *err)
{
	const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
	char path[PATH_MAX] = "";
	int result = 0;

	if (root)
		result = str_format(path, sizeof(path), "%s", root);
	else if (masu->rootless && data && data[0] == '/')
		result = str_format(path, sizeof(path), "%s/masu", data);
	else if (masu->rootless && home && home[0] == '/')
		result = str_format(path, sizeof(path), "%s/.local/share/masu", home);
	if (result < 0)
		return err_sys(err, "storage directory %s", root ? root : "below HOME");
	if (!path[0])
		return 0;
	masu->storage_root = make_absolute(path, "storage directory", err);
	return masu->storage_root ? 0 : -1;
}

int masu_open(const struct masu_options *given, struct masu **result, struct masu_error *error)
{
	struct err *err = api_error(error);
	struct masu_options options;

	if (api_options(&options, sizeof(options), given, err) < 0 || kernel_require(err) < 0)
		return -1;
	if ((unsigned int)options.cgroup_manager > MASU_CGROUP_SYSTEMD)
		return err_set(err, ERR_INPUT, "cgroup manager %d: there is none of this number",
			       (int)options.cgroup_manager);
	if (options.systemd_timeout_s > SYSTEMD_TIMEOUT_MAX_S)
		return err_set(err, ERR_INPUT, "systemd's time to answer: over %d s",
			       SYSTEMD_TIMEOUT_MAX_S);
	struct masu *masu = calloc(1, sizeof(*masu));

	if (!masu)
		return err_sys(err, "open masu");
	masu->rootless = options.rootless == MASU_ROOTLESS_YES ||
			 (options.rootless == MASU_ROOTLESS_AUTO && geteuid() != 0);
	masu->driver = choose_driver(options.cgroup_manager, masu->rootless);
	masu->systemd_timeout_ms = (int)options.systemd_timeout_s * 1000;
	masu->strict = options.strict;
	if (choose_root(masu, options.root, err) < 0 ||
	    choose_storage_root(masu, options.storage_root, err) < 0) {
		masu_close(masu);
		return -1;
	}
	*result = masu;
	return 0;
}

void masu_close(struct masu *masu)
{
	if (!masu)
		return;
	free(masu->root);
	free(masu->storage_root);
	free(masu);
}

int masu_create(struct masu *masu, const struct masu_create_options *given,
		struct masu_error *error)
{
	struct err *err = api_error(error);
	struct masu_create_options options;
	struct creation creation;

	if (api_options(&options, sizeof(options), given, err) < 0)
		return -1;
	int result = creation_prepare(masu, &options, &creation, err);

	creation.options.wait_start = true;
	if (result == 0)
		result = creation_walk(&creation, err);
	creation_close(&creation);
	return result;
}

/* The end of a run without `keep`; somebody else may have deleted it in the meantime. */
static int delete_after_run(struct container *container, struct err *err)
{
	struct err why = { 0 };

	if (state_relock(container->dir_fd, container->id, &why) < 0) {
		if (why.code == ERR_NOT_FOUND)
			return 0;
		if (err)
			*err = why;
		return -1;
	}
	return container_delete(container, true, err);
}

/* Until the process ends, in the foreground or without; its status when that is wanted. */
static int stay(struct foreground *foreground, struct container *container,
		const struct foreground_process *process, int *status, struct err *err)
{
	int result = foreground->signals >= 0 ? foreground_wait(foreground, container, process, err)
					      : process_wait(process->pidfd, err);

	if (result < 0)
		return -1;
	/* asking reaps: also when nobody wants to know */
	int ended = process_status(process->pidfd);

	if (status)
		*status = ended;
	return 0;
}

/* After the program runs: hooks, notification, waiting, removal. */
static int finish_run(struct creation *creation, struct foreground *foreground,
		      const struct masu_create_options *options, int *status, struct err *err)
{
	struct container *container = &creation->container;
	const struct json_list *poststart = &creation->spec.hooks.lists[SPEC_POSTSTART];

	if (container_after_start(container, poststart, err) < 0)
		return -1;
	/* others may work on it while it runs */
	state_unlock(container->dir_fd);
	struct foreground_process process = {
		.pidfd = container->pidfd,
		.console = creation->startup.console,
		.notify = creation->startup.notify,
		.resolver = creation->resolver,
	};

	if (options->detach)
		return process.notify >= 0 ? notify_wait(container, process.notify, err) : 0;
	if (stay(foreground, container, &process, status, err) < 0)
		return -1;
	return options->keep || container->state.storage.keep ? 0
							      : delete_after_run(container, err);
}

int masu_run(struct masu *masu, const struct masu_create_options *given, int *status,
	     struct masu_error *error)
{
	struct err *err = api_error(error);
	struct masu_create_options options;
	struct creation creation;
	struct foreground foreground = FOREGROUND_INIT;

	if (api_options(&options, sizeof(options), given, err) < 0)
		return -1;
	int result = creation_prepare(masu, &options, &creation, err);

	if (result == 0 && !creation.spec.process)
		result = err_set(err, ERR_INPUT, "process: missing, it names the program to run");
	creation.options.keep_console =
		options.foreground && !options.detach && !options.console_socket;
	creation.options.serve_names = options.foreground && !options.detach;
	if (result == 0 && options.foreground && !options.detach)
		result = foreground_begin(&foreground, !options.no_subreaper, err);
	if (result == 0)
		result = creation_walk(&creation, err);
	if (result == 0)
		result = finish_run(&creation, &foreground, &options, status, err);
	foreground_end(&foreground);
	creation_close(&creation);
	return result;
}

int masu_plan(struct masu *masu, const struct masu_create_options *given, char **text,
	      struct masu_error *error)
{
	struct err *err = api_error(error);
	struct masu_create_options options;
	struct creation creation;

	if (api_options(&options, sizeof(options), given, err) < 0)
		return -1;
	int result = creation_prepare(masu, &options, &creation, err);

	if (result == 0) {
		*text = creation_describe(&creation, err);
		result = *text ? 0 : -1;
	}
	creation_close(&creation);
	return result;
}

int masu_explain(struct masu *masu, const struct masu_create_options *given, char **json,
		 struct masu_error *error)
{
	struct err *err = api_error(error);
	struct masu_create_options options;
	struct creation creation;

	if (api_options(&options, sizeof(options), given, err) < 0)
		return -1;
	int result = creation_prepare(masu, &options, &creation, err);
	const char *text = result == 0 ? intent_explain(&creation, err) : NULL;

	*json = text ? strdup(text) : NULL;
	if (text && !*json)
		err_sys(err, "explain limits");
	creation_close(&creation);
	return *json ? 0 : -1;
}

int masu_effective(struct masu *masu, const char *id, char **json, struct masu_error *error)
{
	struct err *err = api_error(error);
	auto_container struct container container = CONTAINER_INIT;

	if (container_open(masu, id, STATE_UNLOCKED, false, &container, err) < 0)
		return -1;
	const char *text = intent_effective(&container, err);

	if (!text)
		return -1;
	*json = strdup(text);
	return *json ? 0 : err_sys(err, "limits of %s", id);
}

/*
 * A stopped container whose root was kept: all of it but the root is made anew from its spec. What
 * can be found wrong with that is found before the old record goes; if the start fails afterwards,
 * the root is still there for the next run under this id.
 */
static int start_again(struct container *stopped, struct err *err)
{
	const struct masu_create_options options = {
		.size = sizeof(options),
		.id = stopped->id,
		.bundle = stopped->state.bundle,
		.spec_file = stopped->state.spec_file,
		.detach = true,
	};
	struct foreground none = FOREGROUND_INIT;
	struct creation creation;
	int result = creation_prepare(stopped->masu, &options, &creation, err);

	if (result == 0 && !creation.container.state.storage.reused) {
		err_set(err, ERR_STATE, "start it again: its spec does not keep its root any more");
		result = err_hint(err, "masu.storage.keep in %.100s",
				  stopped->state.spec_file ? stopped->state.spec_file
							   : stopped->state.bundle);
	}
	if (result == 0)
		result = creation_check_terminal(&creation, err);
	stopped->state.storage.root = NULL;
	if (result == 0)
		result = container_delete(stopped, false, err);
	if (result == 0)
		result = creation_walk(&creation, err);
	if (result == 0)
		result = finish_run(&creation, &none, &options, NULL, err);
	creation_close(&creation);
	return result;
}

int masu_start(struct masu *masu, const char *id, struct masu_error *error)
{
	struct err *err = api_error(error);
	auto_container struct container container = CONTAINER_INIT;

	if (container_open(masu, id, STATE_LOCKED, false, &container, err) < 0)
		return -1;
	if (container.state.storage.keep && container_status(&container) == CONTAINER_STOPPED)
		return start_again(&container, err);
	return container_start(&container, err);
}

static int finish_exec(struct execution *execution, struct foreground *foreground,
		       const struct masu_exec_options *options, int *status, struct err *err)
{
	struct foreground_process process = {
		.pidfd = execution->startup.pidfd,
		.console = execution->startup.console,
		.notify = -1,
	};

	return options->detach ? 0 : stay(foreground, &execution->container, &process, status, err);
}

int masu_exec(struct masu *masu, const struct masu_exec_options *given, int *status,
	      struct masu_error *error)
{
	struct err *err = api_error(error);
	struct masu_exec_options options;
	struct execution execution;
	struct foreground foreground = FOREGROUND_INIT;

	if (api_options(&options, sizeof(options), given, err) < 0)
		return -1;
	int result = execution_prepare(masu, &options, &execution, err);

	if (result == 0 && options.foreground && !options.detach)
		result = foreground_begin(&foreground, !options.no_subreaper, err);
	if (result == 0)
		result = execution_walk(&execution, err);
	if (result == 0)
		result = finish_exec(&execution, &foreground, &options, status, err);
	foreground_end(&foreground);
	execution_close(&execution);
	return result;
}

int masu_kill(struct masu *masu, const char *id, int signal, unsigned int flags,
	      struct masu_error *error)
{
	struct err *err = api_error(error);
	auto_container struct container container = CONTAINER_INIT;

	if (container_open(masu, id, STATE_UNLOCKED, false, &container, err) < 0)
		return -1;
	return container_signal(&container, signal, flags & MASU_KILL_ALL, err);
}

int masu_delete(struct masu *masu, const char *id, unsigned int flags, struct masu_error *error)
{
	struct err *err = api_error(error), why = { 0 };
	auto_container struct container container = CONTAINER_INIT;
	bool force = flags & MASU_DELETE_FORCE;

	if (container_open(masu, id, STATE_LOCKED, true, &container, &why) < 0) {
		/* engines delete twice at each exit: what is not there is deleted */
		if (force && why.code == ERR_NOT_FOUND)
			return 0;
		if (err)
			*err = why;
		return -1;
	}
	/* asked for by name: what was kept goes, too */
	container.state.storage.reused = false;
	return container_delete(&container, force, err);
}

int masu_state(struct masu *masu, const char *id, char **json, struct masu_error *error)
{
	struct err *err = api_error(error);
	auto_container struct container container = CONTAINER_INIT;

	if (container_open(masu, id, STATE_UNLOCKED, false, &container, err) < 0)
		return -1;
	enum container_status status = container_status(&container);
	pid_t pid = status == CONTAINER_STOPPED ? 0 : (pid_t)container.state.pid.value;
	const char *text = container_state_json(
		&container, names_text(container_status_names, status), pid, err);

	if (!text)
		return -1;
	*json = strdup(text);
	return *json ? 0 : err_sys(err, "state of %s", id);
}

int masu_wait(struct masu *masu, const char *id, int *status, struct masu_error *error)
{
	struct err *err = api_error(error);
	auto_container struct container container = CONTAINER_INIT;

	if (container_open(masu, id, STATE_UNLOCKED, false, &container, err) < 0)
		return -1;
	if (container.pidfd >= 0 && process_wait(container.pidfd, err) < 0)
		return -1;
	int ended =
		container.pidfd >= 0 ? process_status(container.pidfd) : container_reap(&container);

	if (status)
		*status = ended;
	return 0;
}

int masu_pause(struct masu *masu, const char *id, struct masu_error *error)
{
	struct err *err = api_error(error);
	auto_container struct container container = CONTAINER_INIT;

	if (container_open(masu, id, STATE_LOCKED, false, &container, err) < 0)
		return -1;
	return container_pause(&container, err);
}

int masu_resume(struct masu *masu, const char *id, struct masu_error *error)
{
	struct err *err = api_error(error);
	auto_container struct container container = CONTAINER_INIT;

	if (container_open(masu, id, STATE_LOCKED, false, &container, err) < 0)
		return -1;
	return container_resume(&container, err);
}

int masu_pids(struct masu *masu, const char *id, pid_t **pids, size_t *count,
	      struct masu_error *error)
{
	struct err *err = api_error(error);
	auto_container struct container container = CONTAINER_INIT;
	pid_t *found;
	size_t found_count;

	if (container_open(masu, id, STATE_UNLOCKED, false, &container, err) < 0 ||
	    container_open_cgroup(&container, err) < 0 ||
	    cgroup_pids(container.cgroup, &container.arena, &found, &found_count, err) < 0)
		return -1;
	pid_t *copy = calloc(found_count ? found_count : 1, sizeof(*copy));

	if (!copy)
		return err_sys(err, "processes of %s", id);
	if (found_count)
		memcpy(copy, found, found_count * sizeof(*copy));
	*pids = copy;
	*count = found_count;
	return 0;
}

int masu_stats(struct masu *masu, const char *name, char **json, struct masu_error *error)
{
	struct err *err = api_error(error);
	auto_subject struct subject subject = SUBJECT_INIT;

	if (subject_open(masu, name, &subject, err) < 0)
		return -1;
	const char *text = stats_line(&subject, &subject.container.arena, err);

	if (!text)
		return -1;
	*json = strdup(text);
	return *json ? 0 : err_sys(err, "statistics of %s", name);
}

int masu_events(struct masu *masu, const char *name, unsigned int interval_ms,
		masu_event_callback *report, void *data, struct masu_error *error)
{
	struct err *err = api_error(error);
	auto_subject struct subject subject = SUBJECT_INIT;

	if (subject_open(masu, name, &subject, err) < 0)
		return -1;
	return stats_events(&subject, interval_ms, report, data, err);
}

int masu_update(struct masu *masu, const char *id, const struct masu_update_options *given,
		struct masu_error *error)
{
	struct err *err = api_error(error);
	auto_container struct container container = CONTAINER_INIT;
	struct masu_update_options options;

	if (api_options(&options, sizeof(options), given, err) < 0 ||
	    container_open(masu, id, STATE_LOCKED, false, &container, err) < 0)
		return -1;
	if (options.resources_json && container_update(&container, options.resources_json, err) < 0)
		return -1;
	if (!options.l3_cache_schema && !options.mem_bw_schema)
		return 0;
	return container_update_rdt(&container, options.l3_cache_schema, options.mem_bw_schema,
				    err);
}

int masu_list(struct masu *masu, struct masu_container_info **first, struct masu_error *error)
{
	return listing_make(masu, first, api_error(error));
}

void masu_list_free(struct masu_container_info *first)
{
	listing_free(first);
}

int masu_gc(struct masu *masu, unsigned int flags, masu_gc_callback *report, void *data,
	    struct masu_error *error)
{
	return gc_run(masu, flags, report, data, api_error(error));
}

int masu_features(char **json, struct masu_error *error)
{
	char *text = features_json(api_error(error));

	if (!text)
		return -1;
	*json = text;
	return 0;
}

int masu_spec_template(unsigned int flags, char **json, struct masu_error *error)
{
	struct err *err = api_error(error);
	auto_arena struct arena arena = { 0 };
	enum spec_template kind =
		flags & MASU_SPEC_ROOTLESS ? SPEC_TEMPLATE_ROOTLESS : SPEC_TEMPLATE_FULL;
	const char *text = spec_template(kind, geteuid(), getegid(), &arena, err);

	if (!text)
		return -1;
	*json = strdup(text);
	return *json ? 0 : err_sys(err, "make spec");
}

int masu_parse_signal(const char *text, struct masu_error *error)
{
	return security_parse_signal(text, api_error(error));
}
