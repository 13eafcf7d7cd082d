/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Inside the plug-in "nftables": connection tracking. */
#pragma once

#include "net/nftables/table.h"

/* Forget flows to these udp ports of the host; other protocols notice by themselves. */
int conntrack_forget(struct firewall *firewall, const struct firewall_port *ports, size_t count,
		     struct err *err);
