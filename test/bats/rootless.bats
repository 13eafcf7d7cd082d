# SPDX-License-Identifier: LGPL-2.1-or-later
# A user without privileges: the whole life of a container, ids from /etc/subuid, delegated cgroups, and what he is told when something is missing.
load lib
load rootless

@test "a user runs the spec of spec --rootless: root inside is he himself, and nothing is left" {
	shell 'id -u; cat /proc/self/uid_map; touch /tmp/x 2>/dev/null || echo read-only'
	run_box
	equal "$(tr -s ' ' <<<"$out")" $'0\n 0 '"$NOBODY"$' 1\nread-only'
	nothing_left
	equal "$(stat -c %u:%a "$STATE")" "$NOBODY:700" 'owner of the state directory'
}

@test "a range of ids comes through newuidmap, and exec, kill, list, delete and gc work on the container" {
	map_range
	shell 'sleep 1000'
	start_box
	equal "$(state_of status)" running
	masu_ok exec --user 33 "$ID" sh -c 'id -u; cat /proc/1/uid_map'
	equal "$(tr -s ' ' <<<"$out")" $'33\n 0 '"$NOBODY"$' 1\n 1 200000 65536'
	masu_ok list --format json
	expect '.[0].status == "running"'
	masu_ok ps "$ID"
	masu_ok gc
	masu_fails 'cannot delete a container that is not stopped' delete "$ID"
	masu_ok kill "$ID" KILL
	wait_for 10 has_status stopped
	masu_ok delete "$ID"
	nothing_left
}

@test "create, start and delete as separate commands, with a terminal for exec" {
	process /bin/sh -c 'echo started >/dev/shm/x; sleep 1000'
	create_box
	equal "$(state_of status)" created
	masu_ok start "$ID"
	wait_for 10 has_status running
	masu_ok exec --tty "$ID" sh -c 'test -t 0 && echo terminal'
	matches "$out" terminal
	masu_ok delete --force "$ID"
}

@test "a user who has no range of ids, or no newuidmap, is told so" {
	map_range
	echo other:1:1 >"$U/etc/subuid"
	refused 'namespaces: map ids of the user namespace: run /usr/bin/newuidmap: newuidmap: uid range'
	matches "$err" '^hint: .*/etc/subuid'
	BEFORE='mount --bind /dev/null /usr/bin/newuidmap' refused 'newuidmap is not installed'
	matches "$err" '^hint: install the package uidmap'
}

@test "where user namespaces are forbidden the message names the setting" {
	# a limit of its own: it holds below this user namespace only
	run_program unshare --user --map-root-user sh -c 'echo 0 >/proc/sys/user/max_user_namespaces && exec "$@"' - \
		"$MASU" --root "$T/state" run --bundle "$BUNDLE" "$ID"
	equal "$status" 1
	one_line_error 'make a user namespace: .*user.max_user_namespaces is 0'
}

@test "limits without a delegated cgroup are an error that tells how to get one" {
	spec_edit '.linux.resources = {"pids": {"limit": 10}}'
	refused 'enforce linux.resources: no writable cgroup'
	matches "$err" '^hint: a user needs a delegated cgroup'
	spec_edit 'del(.linux.resources) | .linux.cgroupsPath = "/not/mine"'
	process /bin/true
	run_box
}

@test "without XDG_RUNTIME_DIR the message says what is missing" {
	USER_ENV=XDG_RUNTIME_DIR= refused '/run/masu'
	matches "$err" '^hint: .*XDG_RUNTIME_DIR'
}

@test "a directory of cgroup v2 that belongs to the user holds his containers" {
	local mount top

	mount=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
	top=$mount/own-$ID
	mkdir "$top" "$top/shell"
	chown "$NOBODY" "$top" "$top"/{cgroup.procs,cgroup.threads,cgroup.subtree_control} "$top/shell" "$top/shell/cgroup.procs"
	export BEFORE="echo \$\$ >$top/shell/cgroup.procs"
	shell 'sleep 1000'
	start_box
	equal "$(cgroup_dir '' "$(state_of pid)")" "$top/masu-$ID"
	masu_ok pause "$ID"
	equal "$(state_of status)" paused
	masu_ok resume "$ID"
	masu_ok exec "$ID" cat /proc/self/cgroup
	matches "$out" '^0::/$'
	masu_ok kill --all "$ID" KILL
	wait_for 10 has_status stopped
	masu_ok delete "$ID"
	[[ ! -e $top/masu-$ID ]] || fail 'its cgroup is left'
	if has_v2 pids; then
		echo +pids >"$mount/cgroup.subtree_control"
		echo +pids >"$top/cgroup.subtree_control"
		spec_edit '.linux.resources = {"pids": {"limit": 7}}'
		start_box
		equal "$(<"$top/masu-$ID/pids.max")" 7
		masu_ok delete --force "$ID"
	fi
	rmdir "$top/shell" "$top"
}
