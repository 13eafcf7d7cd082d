# SPDX-License-Identifier: LGPL-2.1-or-later
# The gaps that runtimes are known for, each in one place; the feature's own file goes into depth.
load lib

@test "unknown properties are ignored, bad values are errors" {
	process /bin/true
	spec_edit '.unknown = {"x": 1}'
	run_box
	spec_edit '.process.terminal = 5'
	refused 'process.terminal'
}

@test "unknown capabilities warn" {
	process /bin/true
	spec_edit '.process.capabilities.bounding += ["CAP_NONE_SUCH"]'
	run_box
	matches "$err" 'CAP_NONE_SUCH'
}

@test "duplicate limits and namespaces are errors" {
	spec_edit '.process.rlimits += .process.rlimits'
	refused 'rlimits'
	spec_edit '.process.rlimits = [] | .linux.namespaces += [{"type": "mount"}]'
	refused 'namespaces'
}

@test "all mount options of the specification are accepted" {
	process /bin/true
	for option in async atime defaults dev diratime dirsync exec iversion lazytime loud noatime nodev nodiratime noexec noiversion \
		nolazytime norelatime nostrictatime nosuid private relatime ro rprivate rshared rslave rw shared silent slave \
		strictatime suid sync unbindable runbindable mand nomand tmpcopyup nosymfollow symfollow; do
		spec_edit '.mounts += [{"destination": "/mnt", "type": "tmpfs", "source": "t", "options": [$o]}]' --arg o $option
	done
	for option in bind rbind ratime rdev rdiratime rexec rnoatime rnodiratime rnoexec rnorelatime rnostrictatime rnosuid rnosymfollow \
		rrelatime rro rrw rstrictatime rsuid rsymfollow rnodev; do
		spec_edit '.mounts += [{"destination": "/mnt", "source": "/etc", "options": ["rbind", $o]}]' --arg o $option
	done
	run_box
	spec_edit '.mounts += [{"destination": "/dev/shm", "type": "tmpfs", "source": "t", "options": ["remount", "nosuid"]}]'
	run_box
}

@test "what is not set is not touched: umask and oom_score_adj" {
	process /probe umask oom
	(
		umask 0123
		echo 7 >/proc/self/oom_score_adj
		run_box
		expect '.umask == "0123"' '.oom == 7'
	)
}

@test "a failing poststop hook does not stop delete" {
	process /bin/true
	spec_edit '.hooks.poststop = [{"path": "/bin/false"}]'
	start_box
	wait_for 5 has_status stopped
	masu_ok delete "$ID"
}

@test "exit statuses: 255 for failures of exec, 1 for all others, 0 for delete --force of nothing" {
	process /probe sleep 100
	start_box
	run_masu exec "$ID" /nope
	equal "$status" 255
	run_masu run --bundle "$BUNDLE" "$ID"
	equal "$status" 1
	run_masu delete --force nothing-there
	equal "$status" 0
}

@test "the documents for engines are JSON: events, ps, list, state, features" {
	process /probe sleep 100
	start_box
	for form in "ps --format json $ID" 'list --format json' "state $ID" features "events --stats $ID"; do
		# shellcheck disable=SC2086
		masu_ok $form
		expect 'type | test("array|object")'
	done
}

@test "the statuses are those of the specification, and paused" {
	process /probe sleep 100
	create_box
	equal "$(state_of status)" created
	masu_ok start "$ID"
	equal "$(state_of status)" running
	masu_ok pause "$ID"
	equal "$(state_of status)" paused
	masu_ok resume "$ID"
	masu_ok kill "$ID" KILL
	wait_for 5 has_status stopped
}

@test "effective state, seen from the host, is what the spec asked for" {
	process /probe sleep 100
	spec_edit '.process.user = {"uid": 1000, "gid": 1001, "additionalGids": [7]} | .process.oomScoreAdj = 200 |
		.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["getcpu"], "action": "SCMP_ACT_ERRNO"}]}'
	start_box
	pid=$(state_of pid)
	# start answers when the program runs: from here everything must be in force
	lines=$(<"/proc/$pid/status")
	uid=$(host_uid 1000) gid=$(host_gid 1001)
	matches "$lines" "^Uid:"$'\t'"$uid"$'\t'"$uid"$'\t'"$uid"$'\t'"$uid$"
	matches "$lines" "^Gid:"$'\t'"$gid"$'\t'"$gid"$'\t'"$gid"$'\t'"$gid$"
	matches "$lines" "^Groups:"$'\t'"$(host_gid 7) $"
	matches "$lines" $'^CapInh:\t0000000000000000$'
	matches "$lines" $'^CapPrm:\t0000000000000000$'
	matches "$lines" $'^CapEff:\t0000000000000000$'
	matches "$lines" $'^CapBnd:\t0000000020000420$'
	matches "$lines" $'^NoNewPrivs:\t1$'
	matches "$lines" $'^Seccomp:\t2$'
	matches "$lines" $'^SigBlk:\t0000000000000000$'
	matches "$lines" $'^SigIgn:\t0000000000000000$'
	equal "$(<"/proc/$pid/oom_score_adj")" 200
	equal "$(readlink "/proc/$pid/cwd")" /
	equal "$(tr '\0' '\n' <"/proc/$pid/environ" | sort | tr '\n' ' ')" 'HOME=/home/user PATH=/bin '
	matches "$(<"/proc/$pid/limits")" '^Max open files +1024 +1024 '
	equal "$(find "/proc/$pid/fd/" -mindepth 1 | wc -l)" 3
	matches "$(<"/proc/$pid/cgroup")" "$ID"
}

@test "the spec that runc writes runs unchanged: a shell on a terminal" {
	need 'runc' command -v runc
	rm "$BUNDLE/config.json"
	(cd "$BUNDLE" && runc spec $( ((EUID == 0)) || echo --rootless))
	status=0
	{ sleep 1 && echo 'echo uid $(id -u); exit 7' && sleep 1; } |
		timeout 30 script -qec "$MASU --root $STATE run --bundle $BUNDLE $ID" /dev/null >"$T/out" 2>&1 3>&- || status=$?
	equal "$status" 7
	matches "$(tr -d '\r' <"$T/out")" '^uid 0$'
}
