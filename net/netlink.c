/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sessions with the plug-in "netlink". */
#include "net/netlink.h"

#include "base/plugin.h"

int netlink_open(struct netlink_session *session, int netns, struct err *err)
{
	session->ops = plugin_load("netlink", err);
	if (session->ops)
		session->socket = session->ops->open(netns, err);
	return session->socket ? 0 : -1;
}

void netlink_close(struct netlink_session *session)
{
	if (session->socket)
		session->ops->close(session->socket);
	session->socket = NULL;
}
