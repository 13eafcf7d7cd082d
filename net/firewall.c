/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sessions with the plug-in "nftables". */
#include "net/firewall.h"

#include "base/plugin.h"

int firewall_open(struct firewall_session *session, struct err *err)
{
	session->ops = plugin_load("nftables", err);
	if (session->ops)
		session->firewall = session->ops->open(err);
	return session->firewall ? 0 : -1;
}

void firewall_close(struct firewall_session *session)
{
	if (session->firewall)
		session->ops->close(session->firewall);
	session->firewall = NULL;
}
