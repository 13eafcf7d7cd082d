# SPDX-License-Identifier: LGPL-2.1-or-later
# process.*: every field, as the kernel reports it from inside.
load lib

@test "the process is pid 1 of its namespace, leads its session and has no stray signal state" {
	process /probe ids signals
	run_box
	expect '.ids.pid == 1' '.ids.ppid == 0' '.ids.sid == 1' '.ids.pgid == 1' \
		'.signals.blocked == "0000000000000000"' '.signals.ignored == "0000000000000000"' \
		'.signals.parent_death == 0'
}

@test "signals that the caller ignores or blocks are default again inside" {
	process /probe signals
	(
		trap '' PIPE HUP CHLD USR1
		run_box
		expect '.signals.ignored == "0000000000000000"' '.signals.blocked == "0000000000000000"'
	)
}

@test "args are passed on as they are" {
	process /probe args '' 'a b' $'tab\there' '*' '"quoted"' 'ünï'
	run_box
	expect '.args == ["/probe", "args", "", "a b", "tab\there", "*", "\"quoted\"", "ünï"]'
}

@test "the program is looked up in the container's PATH" {
	process tool env
	mkdir "$BUNDLE/rootfs/opt" && cp "$PROBE" "$BUNDLE/rootfs/opt/tool"
	spec_edit '.process.env = ["PATH=/nowhere:/opt"]'
	run_box
	expect '.env | index("PATH=/nowhere:/opt")'
}

@test "env is exactly what the spec says, and HOME from the container's passwd" {
	process /probe env
	spec_edit '.process.env = ["PATH=/bin", "A=1", "EMPTY=", "B=x=y"]'
	CANARY=leaks run_box
	expect '.env | sort == ["A=1", "B=x=y", "EMPTY=", "HOME=/root", "PATH=/bin"]'
	spec_edit '.process.env += ["HOME=/tmp"] | .process.user = {"uid": 1000, "gid": 1000}'
	run_box
	expect '[.env[] | select(startswith("HOME="))] == ["HOME=/tmp"]'
	spec_edit '.process.env = ["PATH=/bin"]'
	run_box
	expect '.env | index("HOME=/home/user")'
	spec_edit '.process.user.uid = 4242'
	run_box
	expect '.env | index("HOME=/")'
}

@test "passwd entries named like a number do not decide who runs" {
	process /probe ids
	printf '1000:x:0:0::/evil:/bin/sh\n' >"$T/passwd"
	rm "$BUNDLE/rootfs/etc/passwd" && cp "$T/passwd" "$BUNDLE/rootfs/etc/passwd"
	spec_edit '.process.user = {"uid": 1000, "gid": 1000}'
	run_box
	expect '.ids.uid == 1000'
}

@test "cwd is where the process starts, and is made when missing" {
	process /probe cwd
	spec_edit '.process.cwd = "/tmp"'
	run_box
	expect '.cwd == "/tmp"'
	spec_edit '.process.cwd = "/made/for/it"'
	run_box
	expect '.cwd == "/made/for/it"'
}

@test "a cwd that is relative, a file or behind a descriptor is refused" {
	spec_edit '.process.cwd = "tmp"'
	refused 'cwd'
	spec_edit '.process.cwd = "/etc/passwd"'
	refused 'etc/passwd|cwd'
	for n in 3 4 5 6 7 8 9 10 11 12; do
		spec_edit ".process.cwd = \"/proc/self/fd/$n\""
		run_masu run --bundle "$BUNDLE" "$ID"
		((status != 0))
	done
}

@test "user ids and supplementary groups are exactly those asked for" {
	process /probe ids
	spec_edit '.process.user = {"uid": 1000, "gid": 1001, "additionalGids": [5, 27, 1001]}'
	run_box
	expect '.ids | .uid == 1000 and .euid == 1000 and .suid == 1000' \
		'.ids | .gid == 1001 and .egid == 1001 and .sgid == 1001' '.ids.groups | sort == [5, 27, 1001]'
	spec_edit '.process.user = {"uid": 0, "gid": 0}'
	run_box
	expect '.ids.groups == []'
}

@test "large ids are taken exactly, and those beyond 32 bits refused" {
	need_root 'any ids in a user namespace'
	process /probe ids
	for id in 2147483648 4294967294; do
		spec_edit ".process.user = {\"uid\": $id, \"gid\": $id}"
		run_box
		expect ".ids.uid == $id" ".ids.gid == $id"
	done
	for id in 4294967295 4294967296 18446744073709551616 -1 1.5 '"0"'; do
		spec_edit '.process.user = {"uid": 0, "gid": 0}'
		sed -i "s/\"uid\": 0/\"uid\": $id/" "$BUNDLE/config.json"
		refused 'uid'
	done
}

@test "umask is set when given and left alone when not" {
	process /probe umask
	spec_edit '.process.user.umask = 63'
	run_box
	expect '.umask == "0077"'
	spec_edit '.process.user.umask = 0'
	run_box
	expect '.umask == "0000"'
	spec_edit 'del(.process.user.umask)'
	(
		umask 027
		run_box
		expect '.umask == "0027"'
	)
}

@test "every rlimit that is given has exactly these values" {
	process /probe rlimits
	spec_edit '.process.rlimits = [
		{"type": "RLIMIT_NOFILE", "soft": 512, "hard": 1024}, {"type": "RLIMIT_CORE", "soft": 0, "hard": 4096},
		{"type": "RLIMIT_CPU", "soft": 100, "hard": 200}, {"type": "RLIMIT_NPROC", "soft": 100, "hard": 200},
		{"type": "RLIMIT_FSIZE", "soft": 1000000, "hard": 2000000}, {"type": "RLIMIT_STACK", "soft": 4194304, "hard": 8388608},
		{"type": "RLIMIT_AS", "soft": 1000000000, "hard": 2000000000}, {"type": "RLIMIT_DATA", "soft": 500000000, "hard": 600000000},
		{"type": "RLIMIT_MEMLOCK", "soft": 65536, "hard": 131072}, {"type": "RLIMIT_LOCKS", "soft": 10, "hard": 20},
		{"type": "RLIMIT_SIGPENDING", "soft": 100, "hard": 200}, {"type": "RLIMIT_MSGQUEUE", "soft": 1000, "hard": 2000},
		{"type": "RLIMIT_RSS", "soft": 1000, "hard": 2000}, {"type": "RLIMIT_RTTIME", "soft": 1000, "hard": 2000},
		{"type": "RLIMIT_NICE", "soft": 0, "hard": 0}, {"type": "RLIMIT_RTPRIO", "soft": 0, "hard": 0}]'
	run_box
	jq -c '[.process.rlimits[] | {key: .type, value: {soft: .soft, hard: .hard}}] | from_entries' \
		"$BUNDLE/config.json" >"$T/want"
	expect "$(<"$T/want") == .rlimits"
}

@test "rlimits that are not given are those of the caller" {
	process /probe rlimits
	spec_edit 'del(.process.rlimits)'
	(
		ulimit -n 777
		run_box
		expect '.rlimits.RLIMIT_NOFILE == {"soft": 777, "hard": 777}'
	)
}

@test "rlimits: unknown types, duplicates, soft above hard are refused" {
	spec_edit '.process.rlimits = [{"type": "RLIMIT_NONE", "soft": 1, "hard": 1}]'
	refused 'rlimits'
	spec_edit '.process.rlimits = [{"type": "RLIMIT_NOFILE", "soft": 1, "hard": 1}, {"type": "RLIMIT_NOFILE", "soft": 2, "hard": 2}]'
	refused 'rlimits.*(duplicate|twice)'
	spec_edit '.process.rlimits = [{"type": "RLIMIT_NOFILE", "soft": 2, "hard": 1}]'
	refused 'rlimit'
}

@test "no_new_privs is on, off or absent as the spec says" {
	process /probe security
	run_box
	expect '.security.no_new_privs == 1'
	spec_edit '.process.noNewPrivileges = false'
	run_box
	expect '.security.no_new_privs == 0'
	spec_edit 'del(.process.noNewPrivileges)'
	run_box
	expect '.security.no_new_privs == 0'
}

@test "oomScoreAdj is set when given and left alone when not" {
	process /probe oom
	spec_edit '.process.oomScoreAdj = 500'
	run_box
	expect '.oom == 500'
	spec_edit 'del(.process.oomScoreAdj)'
	(
		echo 111 >/proc/self/oom_score_adj
		run_box
		expect '.oom == 111'
	)
	spec_edit '.process.oomScoreAdj = 1001'
	refused 'oomScoreAdj'
}

@test "scheduler: every policy with its parameters" {
	process /probe sched
	spec_edit '.process.scheduler = {"policy": "SCHED_BATCH", "nice": 5}'
	run_box
	expect '.sched.policy == 3' '.sched.nice == 5'
	spec_edit '.process.scheduler = {"policy": "SCHED_OTHER", "nice": 7}'
	run_box
	expect '.sched.policy == 0' '.sched.nice == 7'
	spec_edit '.process.scheduler = {"policy": "SCHED_IDLE"}'
	run_box
	expect '.sched.policy == 5'
}

@test "scheduler: real-time policies" {
	need 'real-time scheduling' chrt --fifo 1 true
	process /probe sched
	# a new cpu cgroup of v1 has no real-time budget: without a cgroup of its own the process has the caller's
	spec_edit 'del(.linux.resources) | .process.scheduler = {"policy": "SCHED_FIFO", "priority": 10}'
	masu_ok --cgroup-manager disabled run --bundle "$BUNDLE" "$ID"
	expect '.sched.policy == 1' '.sched.priority == 10'
	spec_edit '.process.scheduler = {"policy": "SCHED_RR", "priority": 20, "flags": ["SCHED_FLAG_RESET_ON_FORK"]}'
	masu_ok --cgroup-manager disabled run --bundle "$BUNDLE" "$ID"
	expect '.sched.policy == 2' '.sched.priority == 20' '.sched.flags == 1'
}

@test "scheduler: impossible combinations are refused" {
	spec_edit '.process.scheduler = {"policy": "SCHED_NONE"}'
	refused 'scheduler.policy'
	spec_edit '.process.scheduler = {"policy": "SCHED_OTHER", "nice": 20}'
	refused 'scheduler'
	spec_edit '.process.scheduler = {"policy": "SCHED_OTHER", "priority": 5}'
	refused 'scheduler'
	spec_edit '.process.scheduler = {"policy": "SCHED_FIFO", "priority": 5, "flags": ["NO_FLAG"]}'
	refused 'scheduler.flags'
}

@test "ioPriority: classes and levels" {
	process /probe sched
	spec_edit '.process.ioPriority = {"class": "IOPRIO_CLASS_BE", "priority": 3}'
	run_box
	expect '.sched.io_class == 2' '.sched.io_priority == 3'
	spec_edit '.process.ioPriority = {"class": "IOPRIO_CLASS_IDLE", "priority": 0}'
	run_box
	expect '.sched.io_class == 3'
	if ((EUID == 0)); then
		spec_edit '.process.ioPriority = {"class": "IOPRIO_CLASS_RT", "priority": 7}'
		run_box
		expect '.sched.io_class == 1' '.sched.io_priority == 7'
	fi
	spec_edit '.process.ioPriority = {"class": "IOPRIO_CLASS_BE", "priority": 8}'
	refused 'ioPriority'
	spec_edit '.process.ioPriority = {"class": "BEST", "priority": 1}'
	refused 'ioPriority'
}

@test "the first process may use all CPUs, whatever the caller was pinned to" {
	process /probe affinity
	want=$(sed -n 's/^Cpus_allowed_list:\t//p' /proc/self/status)
	status=0
	taskset -c 0 "$MASU" --root "$STATE" run --bundle "$BUNDLE" "$ID" >"$T/out" </dev/null 3>&- || status=$?
	out=$(<"$T/out")
	equal "$status" 0
	expect ".affinity == \"$want\""
}

@test "personality is LINUX or LINUX32" {
	process /probe execution uts
	spec_edit '.linux.personality = {"domain": "LINUX32"}'
	run_box
	expect '.execution.personality == 8' '.uts.machine == "i686"'
	spec_edit '.linux.personality = {"domain": "LINUX"}'
	run_box
	expect '.execution.personality == 0'
	spec_edit '.linux.personality = {"domain": "BSD"}'
	refused 'personality'
}

@test "memoryPolicy: mode, nodes and flags" {
	process /probe execution
	spec_edit '.linux.memoryPolicy = {"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_STATIC_NODES"]}'
	run_box
	expect '.execution.memory_mode == 32770' '.execution.memory_nodes == 1'
	spec_edit '.linux.memoryPolicy = {"mode": "MPOL_INTERLEAVE", "nodes": "0"}'
	run_box
	expect '.execution.memory_mode == 3'
	spec_edit '.linux.memoryPolicy = {"mode": "MPOL_NONE"}'
	refused 'memoryPolicy.mode'
	spec_edit '.linux.memoryPolicy = {"mode": "MPOL_BIND", "nodes": "x"}'
	refused 'memoryPolicy.nodes'
}

@test "the session keyring is the container's own" {
	need 'a kernel with keyrings' test -r /proc/keys
	process /probe keyring
	run_box
	expect ".keyring | endswith(\"$ID\")"
	masu_ok run --no-new-keyring --bundle "$BUNDLE" "$ID"
	expect ".keyring | endswith(\"$ID\") | not"
}

# receive_console [SCRIPT]: what conmon does: take the pty's master from the socket, copy what comes from it to $T/tty.
console_helper() {
	need 'python3' command -v python3
	python3 "$REPO/test/data/console.py" "$T/console.sock" "$T/tty" 3>&- &
	console=$!
	wait_for 5 test -S "$T/console.sock"
}

@test "terminal: a pty of the container's own devpts, with the size asked for" {
	process /probe tty ids fds
	spec_edit '.process.terminal = true | .process.consoleSize = {"height": 33, "width": 99}'
	console_helper
	masu_ok run --detach --console-socket "$T/console.sock" --bundle "$BUNDLE" "$ID"
	wait_for 5 has_status stopped
	wait $console
	out=$(tr -d '\r' <"$T/tty")
	expect '.tty.stdin and .tty.stdout and .tty.stderr' '.tty.rows == 33' '.tty.columns == 99' \
		'.tty.foreground == 1' '.ids.sid == 1' '[.fds[]] | unique | length == 1' \
		'.fds["0"] | test("^/dev/(pts/0|console)$")' '.fds | keys == ["0", "1", "2"]'
}

@test "terminal: /dev/console is the terminal" {
	shell 'stat -c %t:%T /dev/console; stat -c %t:%T $(readlink /proc/self/fd/0); echo hello >/dev/console'
	spec_edit '.process.terminal = true'
	console_helper
	masu_ok run --detach --console-socket "$T/console.sock" --bundle "$BUNDLE" "$ID"
	wait_for 5 has_status stopped
	wait $console
	out=$(tr -d '\r' <"$T/tty")
	equal "$(sed -n 1p <<<"$out")" "$(sed -n 2p <<<"$out")"
	matches "$out" hello
}

@test "terminal: detached without a console socket, and a socket without terminal, are refused" {
	spec_edit '.process.terminal = true'
	masu_fails 'console' create --bundle "$BUNDLE" "$ID"
	masu_fails 'console' run -d --bundle "$BUNDLE" "$ID"
	masu_fails 'console|connect' create --console-socket "$T/none.sock" --bundle "$BUNDLE" "$ID"
	spec_edit '.process.terminal = false'
	masu_fails 'console|terminal' create --console-socket "$T/none.sock" --bundle "$BUNDLE" "$ID"
	nothing_left
}

@test "terminal: in the foreground the caller's terminal is connected" {
	shell 'stty size 2>/dev/null; echo on-a-tty; read line; echo "got $line"'
	spec_edit '.process.terminal = true'
	need 'script of util-linux' command -v script
	(sleep 0.3; echo typed; sleep 0.3) |
		script -qec "'$MASU' --root '$STATE' run --bundle '$BUNDLE' '$ID'" /dev/null >"$T/tty" 2>&1 3>&-
	matches "$(<"$T/tty")" 'on-a-tty'
	matches "$(<"$T/tty")" 'got typed'
}

@test "args, env and cwd that cannot be are refused" {
	spec_edit '.process.args = []'
	refused 'process.args'
	spec_edit '.process.args = [""]'
	refused 'process.args'
	spec_edit 'del(.process.args)'
	refused 'process.args'
	make_spec_again
	spec_edit '.process.env = ["NOEQUALS"]'
	refused 'process.env'
	make_spec_again
	spec_edit 'del(.process.cwd)'
	refused 'process.cwd'
}

make_spec_again() {
	default_spec >"$BUNDLE/config.json"
}

@test "of several variables with one name the last one counts" {
	process /probe env
	spec_edit '.process.env = ["A=1", "AB=2", "A=3", "PATH=/bin", "A=4"]'
	run_box
	expect '[.env[] | select(startswith("A"))] == ["AB=2", "A=4"]'
}
