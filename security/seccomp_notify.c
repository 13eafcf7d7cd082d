/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hands the listener of a filter with SCMP_ACT_NOTIFY to the agent behind
 * linux.seccomp.listenerPath. */
#include "security/security.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/path.h"
#include "security/seccomp.h"

/* ContainerProcessState of config-linux.md. */
struct process_state {
	const char *version;
	struct json_list fds; /* const char *: what each descriptor of the message is */
	int64_t pid;
	const char *metadata;
	struct json_raw state;
};

#define AT(member) offsetof(struct process_state, member)

/* clang-format off */
static const struct json_row process_state_rows[] = {
	{ "ociVersion", JSON_TEXT, AT(version) },
	{ "fds", JSON_TEXTS, AT(fds) },
	{ "pid", JSON_INT, AT(pid) },
	{ "metadata", JSON_TEXT, AT(metadata) },
	{ "state", JSON_RAW, AT(state) },
};
/* clang-format on */
static const struct json_object process_state_object =
	JSON_OBJECT_OF(struct process_state, process_state_rows);

struct security_notify security_seccomp_notify(const struct security_seccomp *seccomp)
{
	if (!seccomp || !seccomp_notifies(seccomp))
		return (struct security_notify){ 0 };
	return (struct security_notify){ .path = seccomp->listener_path,
					 .metadata = seccomp->listener_metadata };
}

/* Connects to a socket by its path, also when that is longer than sockaddr_un has room for. */
static int connect_agent(const char *path, struct err *err)
{
	auto_close int pinned = open(path, O_PATH | O_CLOEXEC);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char name[PATH_FD_MAX];

	if (pinned < 0)
		return err_sys(err, "linux.seccomp.listenerPath: open %s", path);
	auto_close int agent = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (agent < 0)
		return err_sys(err, "linux.seccomp.listenerPath: make a socket");
	path_of_fd(pinned, name);
	memcpy(address.sun_path, name, sizeof(name));
	if (connect(agent, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return err_sys(err, "linux.seccomp.listenerPath: connect to %s", path);
	return take_fd(&agent);
}

int security_seccomp_send_listener(const struct security_notify *notify, int listener, pid_t pid,
				   const char *state_json, struct err *err)
{
	const char *fds[] = { "seccompFd" };
	struct process_state state = {
		.version = "1.3.0",
		.fds = { fds, 1 },
		.pid = pid,
		.metadata = notify->metadata,
		.state = { state_json, strlen(state_json) },
	};
	auto_arena struct arena arena = { 0 };
	char *text = json_encode(&process_state_object, &state, 0, &arena, err);

	if (!text)
		return -1;
	auto_close int agent = connect_agent(notify->path, err);

	if (agent < 0)
		return -1;
	if (fd_send(agent, text, strlen(text), &listener, 1) < 0)
		return err_sys(err, "linux.seccomp.listenerPath: send the listener to %s",
			       notify->path);
	return 0;
}
