# SPDX-License-Identifier: LGPL-2.1-or-later
# --systemd-cgroup without privileges: scopes of the user's own systemd. In the guest.
load lib
load rootless

# The user's manager as user@.service starts it, with a delegated tree; pam_systemd, which would set up the rest, is not needed.
start_manager() {
	need 'systemd as the first process' test -d /run/systemd/system
	MANAGER=user-$ID.service
	systemd-run --quiet --unit "$MANAGER" -p User="$NOBODY" -p Delegate=yes \
		-p Environment="XDG_RUNTIME_DIR=$U/run HOME=$U/home" /lib/systemd/systemd --user
	wait_for 60 test -S "$U/run/systemd/private"
	TREE=/sys/fs/cgroup/system.slice/$MANAGER
}

stop_manager() {
	systemctl stop "$MANAGER"
}

@test "a user's scope: limits, exec, update and the end, from outside the manager's tree and from within" {
	start_manager
	local dir=$TREE/user.slice/masu-$ID.scope

	map_range
	shell 'sleep 1000'
	spec_edit '.linux.resources = {"pids": {"limit": 30}, "memory": {"limit": 67108864}}'
	masu_ok --systemd-cgroup run --detach --bundle "$BUNDLE" "$ID"
	equal "$(cgroup_dir '' "$(state_of pid)")" "$dir/container" 'where the process is'
	equal "$(<"$dir/pids.max") $(<"$dir/container/pids.max") $(<"$dir/container/memory.max")" '30 30 67108864'
	masu_ok exec "$ID" cat /proc/self/cgroup
	equal "$out" '0::/' "exec's cgroup, in the cgroup namespace"
	masu_ok update --pids-limit 20 "$ID"
	equal "$(<"$dir/pids.max") $(<"$dir/container/pids.max")" '20 20' 'after update'
	masu_ok pause "$ID"
	equal "$(state_of status)" paused
	masu_ok resume "$ID"
	masu_ok delete --force "$ID"
	[[ ! -e $dir ]] || fail 'the scope is left'

	mkdir "$TREE/shell"
	chown "$NOBODY" "$TREE/shell" "$TREE/shell/cgroup.procs"
	BEFORE="echo \$\$ >$TREE/shell/cgroup.procs" masu_ok --systemd-cgroup run --detach --bundle "$BUNDLE" "$ID"
	equal "$(cgroup_dir '' "$(state_of pid)")" "$dir/container" 'started from within'
	masu_ok delete --force "$ID"
	stop_manager
}

@test "without a manager of his own the user is told what must lead to it" {
	need 'systemd as the first process' test -d /run/systemd/system
	masu_fails "reach the user's systemd at unix:path=$U/run/bus: No such file" --systemd-cgroup run --bundle "$BUNDLE" "$ID"
	matches "$err" '^hint: XDG_RUNTIME_DIR or DBUS_SESSION_BUS_ADDRESS'
	nothing_left
}
