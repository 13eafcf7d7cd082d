# SPDX-License-Identifier: LGPL-2.1-or-later
# linux.seccomp: actions, conditions, architectures, what unknown calls answer, the listener.
load lib

# filter DEFAULT SYSCALLS [FIELDS]: sets the filter (JSON lists and objects).
filter() {
	spec_edit '.linux.seccomp = ({"defaultAction": $default, "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
		"syscalls": $syscalls} + $fields)' --arg default "$1" --argjson syscalls "$2" --argjson fields "${3:-{\}}"
}

# answers NUMBER ARGUMENTS...: "RESULT ERRNO" of a system call inside.
answers() {
	process /probe syscall "$@"
	run_box
}

GETCPU=309 PERSONALITY=135 NEWEST=900

@test "a filter is in force, with and without no_new_privs" {
	filter SCMP_ACT_ALLOW '[{"names": ["getcpu"], "action": "SCMP_ACT_ERRNO"}]'
	process /probe security
	run_box
	expect '.security.seccomp == "2"' '.security.no_new_privs == 1' '.security.filters == "1"'
	spec_edit '.process.noNewPrivileges = false'
	run_box
	expect '.security.seccomp == "2"' '.security.no_new_privs == 0'
	answers $GETCPU
	equal "$out" '-1 1'
	spec_edit '.process.user = {"uid": 1000, "gid": 1000}'
	answers $GETCPU
	equal "$out" '-1 1'
}

@test "without a filter there is none" {
	process /probe security
	run_box
	expect '.security.seccomp == "0"'
}

@test "actions: errno with its number, default errno, kill, trap, log, allow" {
	filter SCMP_ACT_ALLOW '[{"names": ["getcpu"], "action": "SCMP_ACT_ERRNO", "errnoRet": 42}]'
	answers $GETCPU
	equal "$out" '-1 42'
	filter SCMP_ACT_ALLOW '[{"names": ["getcpu"], "action": "SCMP_ACT_KILL_PROCESS"}]'
	process /probe syscall $GETCPU
	run_masu run --bundle "$BUNDLE" "$ID"
	equal "$status" 159
	filter SCMP_ACT_ALLOW '[{"names": ["getcpu"], "action": "SCMP_ACT_TRAP"}]'
	run_masu run --bundle "$BUNDLE" "$ID"
	((status != 0))
	filter SCMP_ACT_ALLOW '[{"names": ["getcpu"], "action": "SCMP_ACT_LOG"}]'
	answers $GETCPU
	equal "$out" '0 0'
	filter SCMP_ACT_LOG '[{"names": ["getcpu"], "action": "SCMP_ACT_ALLOW"}]'
	answers $GETCPU
	equal "$out" '0 0'
}

@test "every comparison operator, with all 64 bits" {
	# operator value valueTwo argument: matches (denied: -1 1) or not
	while read -r op value two argument want; do
		[[ -n $op ]] || continue
		filter SCMP_ACT_ALLOW "[{\"names\": [\"personality\"], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": 99,
			\"args\": [{\"index\": 0, \"op\": \"SCMP_CMP_$op\", \"value\": $value, \"valueTwo\": $two}]}]"
		process /probe syscall $PERSONALITY $argument
		run_box
		if [[ $want == hit ]]; then
			equal "$out" '-1 99' "$op $value with $argument"
		else
			lacks "$out" ' 99$'
		fi
	done <<-'ROWS'
		EQ 8 0 8 hit
		EQ 8 0 0x100000008 miss
		NE 8 0 8 miss
		NE 8 0 0x100000008 hit
		LT 8 0 7 hit
		LT 8 0 0x100000001 miss
		LE 8 0 8 hit
		LE 8 0 9 miss
		GT 4294967296 0 5 miss
		GT 4294967296 0 0x100000001 hit
		GE 8 0 8 hit
		GE 8 0 7 miss
		MASKED_EQ 255 8 0xff08 hit
		MASKED_EQ 255 8 0xff09 miss
	ROWS
}

@test "two conditions on different arguments must both hold, rules of one call are alternatives" {
	filter SCMP_ACT_ALLOW '[{"names": ["getrlimit"], "action": "SCMP_ACT_ERRNO", "errnoRet": 99, "args": [
		{"index": 0, "op": "SCMP_CMP_EQ", "value": 1}, {"index": 1, "op": "SCMP_CMP_EQ", "value": 2}]}]'
	answers 97 1 2
	equal "$out" '-1 99'
	answers 97 1 3
	lacks "$out" ' 99$'
	answers 97 2 2
	lacks "$out" ' 99$'
	filter SCMP_ACT_ALLOW '[{"names": ["personality"], "action": "SCMP_ACT_ERRNO", "errnoRet": 99, "args": [{"index": 0, "op": "SCMP_CMP_EQ", "value": 1}]},
		{"names": ["personality"], "action": "SCMP_ACT_ERRNO", "errnoRet": 99, "args": [{"index": 0, "op": "SCMP_CMP_EQ", "value": 2}]}]'
	answers $PERSONALITY 2
	equal "$out" '-1 99'
}

# A list of calls that is enough for the probe.
allow_most() {
	filter SCMP_ACT_ERRNO "$(jq -n '[{"names": ["execve", "arch_prctl", "set_tid_address", "exit_group", "exit", "write", "writev", "ioctl", "brk", "mmap",
		"munmap", "mprotect", "fstat", "read", "close", "openat", "open", "rt_sigaction", "rt_sigprocmask", "personality", "prctl", "capset", "capget",
		"setgroups", "setresuid", "setresgid", "chdir", "fchdir", "getcwd", "futex", "getpid", "dup2", "dup3", "prlimit64", "umask", "lseek",
		"setuid", "setgid", "recvfrom", "recvmsg", "sendmsg", "sendto", "fcntl", "readlink", "stat", "newfstatat", "close_range", "seccomp"],
		"action": "SCMP_ACT_ALLOW"}]')"
}

@test "a default of errno: what is not named is refused, calls newer than the profile answer ENOSYS" {
	allow_most
	answers $GETCPU
	equal "$out" '-1 1'
	answers $NEWEST
	equal "$out" '-1 38'
	spec_edit '.linux.seccomp.defaultErrnoRet = 77'
	answers $GETCPU
	equal "$out" '-1 77'
}

@test "names that this kernel does not know do not matter" {
	filter SCMP_ACT_ALLOW '[{"names": ["no_such_call_ever", "getcpu"], "action": "SCMP_ACT_ERRNO"}]'
	answers $GETCPU
	equal "$out" '-1 1'
}

@test "impossible filters are refused" {
	while read -r text fields; do
		[[ -n $text ]] || continue
		spec_edit '.linux.seccomp = $value' --argjson value "$fields"
		refused "$text"
	done <<-'ROWS'
		defaultAction	{"syscalls": []}
		defaultAction	{"defaultAction": "SCMP_ACT_NONE"}
		errno		{"defaultAction": "SCMP_ACT_ALLOW", "defaultErrnoRet": 1}
		errno		{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["getcpu"], "action": "SCMP_ACT_KILL", "errnoRet": 1}]}
		names		{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": [], "action": "SCMP_ACT_ERRNO"}]}
		action		{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["getcpu"], "action": "ERRNO"}]}
		op		{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["getcpu"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 0, "value": 1, "op": "EQ"}]}]}
		index		{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["getcpu"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 6, "value": 1, "op": "SCMP_CMP_EQ"}]}]}
		architectures	{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_NONE"]}
		flags		{"defaultAction": "SCMP_ACT_ALLOW", "flags": ["NO_FLAG"]}
		listener	{"defaultAction": "SCMP_ACT_ALLOW", "listenerMetadata": "x"}
		listener	{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["getcpu"], "action": "SCMP_ACT_NOTIFY"}]}
	ROWS
}

@test "flags are accepted" {
	filter SCMP_ACT_ALLOW '[{"names": ["getcpu"], "action": "SCMP_ACT_ERRNO"}]' \
		'{"flags": ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW", "SECCOMP_FILTER_FLAG_TSYNC"]}'
	answers $GETCPU
	equal "$out" '-1 1'
}

@test "an x32 call does not pass by the filter of its own number" {
	filter SCMP_ACT_ERRNO '[]'
	spec_edit '.linux.seccomp.architectures = ["SCMP_ARCH_X86_64"] | .linux.seccomp.defaultAction = "SCMP_ACT_ALLOW" |
		.linux.seccomp.syscalls = [{"names": ["getcpu"], "action": "SCMP_ACT_ERRNO"}]'
	process /probe syscall $((0x40000000 + GETCPU))
	run_masu run --bundle "$BUNDLE" "$ID"
	lacks "$out" '^0 0'
}

@test "a listener gets the descriptor, metadata and the state" {
	filter SCMP_ACT_ALLOW '[{"names": ["getcpu"], "action": "SCMP_ACT_NOTIFY"}]' \
		'{"listenerMetadata": "some data"}'
	spec_edit '.linux.seccomp.listenerPath = $path' --arg path "$T/notify.sock"
	process /probe syscall $GETCPU
	python3 "$REPO/test/data/notify.py" "$T/notify.sock" 55 >"$T/notified" 3>&- &
	agent=$!
	wait_for 5 test -S "$T/notify.sock"
	for nnp in true false; do
		spec_edit ".process.noNewPrivileges = $nnp"
		run_box
		equal "$out" '-1 55'
	done
	kill $agent
	out=$(head -1 "$T/notified")
	expect '.metadata == "some data"' '.fds == ["seccompFd"]' ".state.id == \"$ID\"" '.pid > 0' '.pid == .state.pid' \
		'.ociVersion | test("^1\\.")' '.state.status | test("^creat(ing|ed)$")'
}

@test "a listener that cannot be reached fails the start" {
	filter SCMP_ACT_ALLOW '[{"names": ["getcpu"], "action": "SCMP_ACT_NOTIFY"}]'
	spec_edit '.linux.seccomp.listenerPath = "/no/such/socket"'
	masu_fails '/no/such/socket' run --bundle "$BUNDLE" "$ID"
	nothing_left
}
