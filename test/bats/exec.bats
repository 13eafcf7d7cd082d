# SPDX-License-Identifier: LGPL-2.1-or-later
# exec: another process in a running container, no weaker and no stronger than the first.
load lib

setup() {
	own_world
	process /probe sleep 100
}

@test "exec runs in all namespaces and cgroups of the container" {
	spec_edit '.linux.namespaces += [{"type": "cgroup"}]'
	start_box
	masu_ok exec "$ID" /probe namespaces cgroup ids
	expect '.ids.pid > 1'
	pid=$(state_of pid)
	for type in cgroup ipc mnt net pid uts; do
		expect ".namespaces.$type == \"$(readlink "/proc/$pid/ns/$type")\""
	done
	masu_ok exec --detach --pid-file "$T/pid" "$ID" /probe sleep 100
	diff <(sed 's/.*://' "/proc/$pid/cgroup") <(sed 's/.*://' "/proc/$(<"$T/pid")/cgroup")
}

@test "exec exits with the status of its process" {
	start_box
	run_masu exec "$ID" /probe exit 9
	equal "$status" 9
	run_masu exec "$ID" /bin/sh -c 'kill -9 $$'
	equal "$status" 137
}

@test "failures of exec itself exit with 255" {
	start_box
	run_masu exec "$ID" /nope
	equal "$status" 255
	one_line_error '/nope.*(no such file|not found)'
	run_masu exec "$ID" /etc/passwd
	equal "$status" 255
	one_line_error 'permission denied'
	run_masu exec "$ID-none" /bin/true
	equal "$status" 255
	one_line_error 'does not exist'
}

@test "exec has the capabilities, filters, limits and labels of the container" {
	spec_edit '.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["getcpu"], "action": "SCMP_ACT_ERRNO"}]} |
		.process.oomScoreAdj = 300'
	start_box
	masu_ok exec "$ID" /probe caps security rlimits fds signals env cwd
	mine=$out
	expect '.caps.inheritable == "0000000000000000"' '.caps.ambient == "0000000000000000"' \
		'.caps.effective == "0000000020000420"' '.caps.bounding == "0000000020000420"' \
		'.caps.permitted == "0000000020000420"' '.security.no_new_privs == 1' '.security.seccomp == "2"' \
		'.rlimits.RLIMIT_NOFILE == {"soft": 1024, "hard": 1024}' '.fds | keys == ["0", "1", "2"]' \
		'.signals.blocked == "0000000000000000"' '.signals.ignored == "0000000000000000"' '.cwd == "/"' \
		'.env | index("PATH=/bin")'
}

@test "exec options: cwd, env, user, additional groups, capabilities" {
	start_box
	masu_ok exec --cwd /tmp --env A=1 -e B=2 --user 1000:1001 --cap CAP_KILL -g 7 "$ID" /probe cwd env ids caps
	expect '.cwd == "/tmp"' '.env | index("A=1") and index("B=2")' '.ids.uid == 1000' '.ids.gid == 1001' \
		'.ids.groups == [7]' '.caps.inheritable == "0000000000000000"'
	masu_ok exec -u 1000 "$ID" /probe ids caps
	expect '.ids.uid == 1000' '.caps.effective == "0000000000000000"' '.caps.permitted == "0000000000000000"'
}

@test "exec --cap adds to the sets but never to the inheritable one" {
	spec_edit '.process.capabilities.bounding += ["CAP_NET_RAW"]'
	start_box
	masu_ok exec --cap CAP_NET_RAW "$ID" /probe caps
	expect '.caps.effective == "0000000020002420"' '.caps.inheritable == "0000000000000000"'
}

@test "no text stands for user 0 but 0" {
	start_box
	for user in '' : 1: :1 00 +1 ' 1' 1x -1 4294967295 4294967296 99999999999999999999 root nobody 1:2:3; do
		run_masu exec --user "$user" "$ID" /probe ids
		if ((status == 0)); then
			fail "user '$user' ran: $out"
		fi
	done
}

@test "exec --process takes a process document" {
	start_box
	jq '.process | .args = ["/probe", "ids", "env", "cwd", "caps", "umask"] | .user = {"uid": 5, "gid": 6, "umask": 63} |
		.env = ["ONLY=this"] | .cwd = "/tmp"' "$BUNDLE/config.json" >"$T/process.json"
	masu_ok exec --process "$T/process.json" "$ID"
	expect '.ids.uid == 5' '.ids.gid == 6' '.cwd == "/tmp"' '.env | index("ONLY=this")' '.umask == "0077"'
	masu_ok exec -p "$T/process.json" -d --pid-file "$T/pid" "$ID"
	matches "$(<"$T/pid")" '^[0-9]+$'
	echo '{"args": 5}' >"$T/process.json"
	run_masu exec --process "$T/process.json" "$ID"
	equal "$status" 255
	one_line_error 'args'
}

@test "exec --detach returns at once, with a pid file without newline" {
	start_box
	masu_ok exec --detach --pid-file "$T/pid" "$ID" /probe sleep 50
	pid=$(<"$T/pid")
	[[ -d /proc/$pid ]]
	printf %s "$pid" | cmp - "$T/pid"
	masu_ok delete --force "$ID"
	wait_for 5 is_gone "$pid"
}

@test "exec passes streams and signals" {
	start_box
	echo input >"$T/in"
	STDIN=$T/in masu_ok exec "$ID" /probe cat
	equal "$out" input
	"$MASU" --root "$STATE" exec "$ID" /probe signal </dev/null >"$T/exec.out" 3>&- &
	runner=$!
	wait_for 5 grep -q ready "$T/exec.out"
	kill -TERM $runner
	wait $runner
	matches "$(<"$T/exec.out")" 'signal 15'
}

@test "exec --tty gives a terminal to a detached process through the console socket" {
	start_box
	python3 "$REPO/test/data/console.py" "$T/console.sock" "$T/tty" 3>&- &
	console=$!
	wait_for 5 test -S "$T/console.sock"
	masu_ok exec --tty --detach --console-socket "$T/console.sock" "$ID" /probe tty
	wait $console
	out=$(tr -d '\r' <"$T/tty")
	expect '.tty.stdin and .tty.stdout and .tty.stderr'
}

@test "exec --preserve-fds hands descriptors over, others stay outside" {
	start_box
	exec 8</etc/passwd
	printf a >"$T/a"
	"$MASU" --root "$STATE" exec --preserve-fds 1 "$ID" /probe fds 3<"$T/a" >"$T/out" </dev/null
	out=$(<"$T/out")
	expect '.fds | keys == ["0", "1", "2", "3"]'
}

@test "execCPUAffinity pins the process of exec" {
	jq '.process | .args = ["/probe", "affinity"] | .execCPUAffinity = {"initial": "0", "final": "1"}' "$BUNDLE/config.json" \
		>"$T/process.json"
	need 'two CPUs' test "$(nproc)" -ge 2
	start_box
	masu_ok exec --process "$T/process.json" "$ID"
	expect '.affinity == "1"'
}

# bats test_tags=guest
@test "exec --cgroup places the process below the container's cgroup and refuses to leave it" {
	start_box
	dir=$(cgroup_dir pids)
	mkdir "$dir/below"
	masu_ok exec --cgroup pids:below --detach --pid-file "$T/pid" "$ID" /probe sleep 50
	equal "$(cgroup_dir pids "$(<"$T/pid")")" "$dir/below"
	run_masu exec --cgroup ../.. "$ID" /bin/true
	equal "$status" 255
	masu_ok delete --force "$ID"
	nothing_left
}

@test "exec in a container that is only created works" {
	create_box
	masu_ok exec "$ID" /bin/echo early
	equal "$out" early
}

@test "the process that enters cannot be inspected by the container" {
	shell 'while :; do for p in /proc/[0-9]*; do [ $p != /proc/1 ] && readlink $p/exe; done; done 2>/dev/null >/tmp/seen'
	start_box
	for _ in {1..20}; do
		masu_ok exec "$ID" /bin/true
	done
	lacks "$(sort -u "$BUNDLE/rootfs/tmp/seen")" 'masu|memfd'
}
