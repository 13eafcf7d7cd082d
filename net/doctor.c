/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which kinds of links this kernel makes, for `masu doctor`. */
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/doctor.h"
#include "base/err.h"
#include "net/net.h"
#include "net/netlink.h"

static const char *const kinds[] = { "bridge", "veth", "macvlan", "ipvlan" };

/* In a network namespace of this thread's own: the link goes with it. */
static enum doctor_state try_kind(const char *kind, struct doctor_note *note)
{
	struct netlink_request request = {
		.verb = NETLINK_ADD_LINK,
		.link = { .name = "doctor", .kind = kind, .peer_netns = -1 },
	};
	auto_netlink struct netlink_session session = { 0 };
	struct err err = { 0 };

	if (netlink_open(&session, -1, &err) < 0)
		return doctor_say(note, DOCTOR_WARN, "%s", err.text);
	/* a macvlan without a link below is refused for that: the kind is known */
	if (session.ops->run(session.socket, &request, 1, &err) == 0 || err.code != EOPNOTSUPP)
		return doctor_say(note, DOCTOR_OK, "there");
	return doctor_say(note, DOCTOR_WARN, "not in this kernel");
}

static enum doctor_state look_kind(int about, struct doctor_note *note)
{
	auto_close int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	if (home < 0 || unshare(CLONE_NEWNET) < 0)
		return doctor_say(note, DOCTOR_OK, "not looked at: needs root");
	enum doctor_state state = try_kind(kinds[about], note);

	if (setns(home, CLONE_NEWNET) < 0)
		return doctor_say(note, DOCTOR_WARN, "no way back to the own network namespace");
	return state;
}

/* clang-format off */
#define KIND(about, name, consequence) \
	{ "links: " name, look_kind, about, consequence, "modprobe " name ", or a kernel with it" }

const struct doctor_row net_doctor_rows[] = {
	KIND(0, "bridge",  "networks of the driver bridge, the default one too, are refused"),
	KIND(1, "veth",    "networks of the driver bridge, the default one too, are refused"),
	KIND(2, "macvlan", "networks of the driver macvlan are refused"),
	KIND(3, "ipvlan",  "networks of the driver ipvlan are refused"),
	{ 0 },
};
/* clang-format on */
