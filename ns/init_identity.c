/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names, sysctls and the clocks of the container's namespaces. */
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/proc.h"
#include "base/sys.h"
#include "ns/ns.h"
#include "ns/plan.h"

int ns_set_identity(const struct flat_view *view, const struct ns_plan *plan, struct err *err)
{
	const struct ns_sysctl_plan *sysctls = flat_get(view, plan->sysctl, sizeof(*sysctls));
	const char *host = flat_string(view, plan->hostname),
		   *domain = flat_string(view, plan->domainname);

	if (host && sethostname(host, strlen(host)) < 0)
		return err_sys(err, "set host name %s", host);
	if (domain && setdomainname(domain, strlen(domain)) < 0)
		return err_sys(err, "set domain name %s", domain);
	if (!sysctls)
		return 0;
	auto_close int proc = proc_open(err);

	if (proc < 0)
		return err_wrap(err, "set sysctls");
	for (uint32_t i = 0; i < plan->sysctl.count; i++) {
		if (proc_write(proc, flat_string(view, sysctls[i].path),
			       flat_string(view, sysctls[i].value), err) < 0)
			return err_wrap(err, "set sysctl");
	}
	return 0;
}

int ns_unshare_cgroup(struct err *err)
{
	return unshare(CLONE_NEWCGROUP) < 0 ? err_sys(err, "make a cgroup namespace") : 0;
}

/* unshare(2) makes a time namespace for children only; entering it by setns(2) spares a second
 * fork. */
int ns_enter_time(const struct flat_view *view, const struct ns_plan *plan, struct err *err)
{
	int joined = flat_get_fd(view, plan->time_namespace);
	const char *offsets = flat_string(view, plan->time_offsets);

	if (joined >= 0)
		return setns(joined, CLONE_NEWTIME) < 0 ? err_sys(err, "join the time namespace")
							: 0;
	if (!(plan->flags & NS_PLAN_NEW_TIME))
		return 0;
	if (unshare(CLONE_NEWTIME) < 0)
		return err_sys(err, "make a time namespace");
	auto_close int proc = proc_open(err);

	if (proc < 0 || (offsets && proc_write(proc, "self/timens_offsets", offsets, err) < 0))
		return err_wrap(err, "set linux.timeOffsets");
	auto_close int own = openat(proc, "self/ns/time_for_children", O_RDONLY | O_CLOEXEC);

	if (own < 0)
		return err_sys(err, "open /proc/self/ns/time_for_children");
	return setns(own, CLONE_NEWTIME) < 0 ? err_sys(err, "enter the time namespace") : 0;
}
