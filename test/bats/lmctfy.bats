# SPDX-License-Identifier: LGPL-2.1-or-later
# lmctfy's own command line: the session of 2013, the verbs, the styles of output, the exit codes.
load lib

setup_lmctfy() {
	ln -sf "$MASU" "$T/lmctfy"
}

# lmctfy ARGUMENTS...: as it is installed, with a state directory of the test's.
lmctfy() {
	[[ -L $T/lmctfy ]] || setup_lmctfy
	run_program "$T/lmctfy" --lmctfy_root="$STATE" "$@"
}

lmctfy_ok() {
	lmctfy "$@"
	((status == 0)) || fail "lmctfy $* exited with $status: $err"
}

# lmctfy_fails CODE TEXT ARGUMENTS...
lmctfy_fails() {
	local code=$1 text=$2

	shift 2
	lmctfy "$@"
	equal "$status" "$code" "status of lmctfy $*"
	one_line_error "$text"
}

# v1_file CONTROLLER NAME FILE V2-FILE
file_of() {
	local mount

	mount=$(awk -v c="$1" '$3 == "cgroup" && ("," $4 ",") ~ ("," c ",") { print $2; exit }' /proc/mounts)
	if [[ -n $mount ]]; then
		cat "$mount$2/$3"
	else
		cat "$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)$2/$4"
	fi
}

@test "the session of 2013 prints what it printed then" {
	lmctfy_ok init ""
	equal "$out$err" ''
	lmctfy_ok create "/$ID" "cpu:{ max_limit:100 }"
	equal "$out$err" ''
	if has_v1 cpu; then
		equal "$(file_of cpu "/$ID" cpu.cfs_period_us) $(file_of cpu "/$ID" cpu.cfs_quota_us)" '250000 25000'
	else
		equal "$(file_of cpu "/$ID" none cpu.max)" '25000 250000'
	fi
	lmctfy_ok list containers /
	matches "$out" "^name=\"/$ID\"$"
	STDIN=<(echo 'cat /proc/self/cgroup; exit 3') lmctfy run "/$ID" /bin/bash
	equal "$status" 3
	matches "$out" ":(cpu.*)?:/$ID$"
	lacks "$out" "memory:/$ID"
	# nobody is in it, and it is still there
	lmctfy_ok list pids "/$ID"
	equal "$out" ''
	lmctfy_ok list containers /
	matches "$out" "^name=\"/$ID\"$"
	lmctfy_ok destroy "/$ID"
	equal "$out$err" ''
	lmctfy_ok list containers /
	equal "$out" ''
	nothing_left
}

@test "a hundred thousandths of a CPU are a tenth of its time" {
	lmctfy_ok create "/$ID" "cpu:{ max_limit:100 }"
	start=${EPOCHREALTIME/./}
	lmctfy_ok run -n "/$ID" 'while :; do :; done'
	sleep 2
	lmctfy_ok stats full "/$ID"
	elapsed=$((${EPOCHREALTIME/./} - start))
	used=$(($(sed -n 's/^    total: //p' <<<"$out") / 1000))
	# a quota is a period ahead at most
	((used * 100 > elapsed * 5 && used * 100 < elapsed * 12 + 5000000)) || fail "$used of $elapsed us"
	matches "$out" 'throttled_periods: [1-9]'
	lmctfy_ok destroy -f "/$ID"
}

@test "three styles of output, and a descriptor for it" {
	lmctfy_ok create "/$ID" ''
	lmctfy_ok -v list containers /
	equal "$out" "/$ID"
	lmctfy_ok -l list containers /
	matches "$out" "^name                 \| /$ID$"
	equal "$(tail -n 1 "$T/out")" ''
	lmctfy_ok list containers / --lmctfy_output_style=values
	equal "$out" "/$ID"
	"$T/lmctfy" --lmctfy_root="$STATE" --lmctfy_output_fd=7 list containers / 7>"$T/seven" >"$T/one"
	equal "$(cat "$T/seven" "$T/one")" "name=\"/$ID\""
	lmctfy_fails 3 'only one of -l, -p and -v' -v -l list containers /
	lmctfy_fails 3 'not a descriptor' --lmctfy_output_fd=99 list containers /
}

@test "all verbs do their work" {
	lmctfy_ok create "/$ID" 'cpu { limit: 500 } memory { limit: 67108864 }'
	lmctfy_ok create "/$ID/a" ''
	lmctfy_ok list containers -r /
	equal "$out" "name=\"/$ID\""$'\n'"name=\"/$ID/a\""
	lmctfy_ok run -n "/$ID/a" sleep 100
	matches "$out" '^pid="[0-9]+"$'
	pid=$(tr -dc 0-9 <<<"$out")
	lmctfy_ok list pids "/$ID/a"
	equal "$out" "pid=\"$pid\""
	lmctfy_ok list tids -r "/$ID"
	equal "$out" "tid=\"$pid\""
	lmctfy_ok detect "$pid"
	equal "$out" "name=\"/$ID/a\""
	lmctfy_ok enter "/$ID" "$pid"
	lmctfy_ok -v detect "$pid"
	equal "$out" "/$ID"
	lmctfy_ok pause "/$ID"
	lmctfy_ok resume "/$ID"
	lmctfy_ok spec "/$ID"
	matches "$out" '^  limit: 500$'
	matches "$out" '^  limit: 67108864$'
	lmctfy_ok update diff "/$ID" 'memory { limit: 33554432 }'
	lmctfy_ok update replace "/$ID" 'cpu { limit: 250 } memory {}'
	lmctfy_ok spec "/$ID"
	matches "$out" '^  limit: 250$'
	matches "$out" '^  limit: -1$'
	lmctfy_ok stats summary "/$ID"
	matches "$out" '^  usage \{$'
	lacks "$out" throttling
	lmctfy_ok killall "/$ID"
	wait_for 2 is_gone "$pid"
	lmctfy_ok destroy -f "/$ID"
}

@test "specs come as text, as bytes, as JSON and from a file, and go back" {
	lmctfy_ok create "/$ID" 'cpu { max_limit: 700 mask { data: 1 } } memory { limit: 67108864 max_limit: 134217728 }'
	lmctfy_ok -b spec "/$ID"
	cp "$T/out" "$T/binary"
	lmctfy_ok create -c "$T/binary" "/$ID-b"
	lmctfy_ok spec "/$ID"
	text=$out
	lmctfy_ok spec "/$ID-b"
	equal "$out" "$text"
	matches "$text" 'max_limit: 134217728'
	matches "$text" '    data: 1$'
	echo "$text" >"$T/text"
	lmctfy_ok create -c "$T/text" "/$ID-c"
	lmctfy_ok create "/$ID-d" '{"cpu": "0.7"}'
	lmctfy_ok destroy "/$ID"
	lmctfy_ok destroy "/$ID-b"
	lmctfy_ok destroy "/$ID-c"
	lmctfy_ok destroy "/$ID-d"
}

@test "the class of a container says where its CPU cgroup is" {
	lmctfy_ok create "/$ID" 'cpu { scheduling_latency: NORMAL }'
	file_of cpu "/batch/$ID" tasks cgroup.procs
	lmctfy_ok create "/$ID-p" 'cpu { scheduling_latency: PRIORITY }'
	file_of cpu "/$ID-p" tasks cgroup.procs
	# as in version 0.1, where a container without a class was a batch one
	lmctfy_ok --lmctfy_batch_by_default create "/$ID-d" 'cpu {}'
	file_of cpu "/batch/$ID-d" tasks cgroup.procs
	lmctfy_fails 3 'class' update diff "/$ID" 'cpu { scheduling_latency: PREMIER }'
	for name in "/$ID" "/$ID-p" "/$ID-d"; do
		lmctfy_ok destroy "$name"
	done
}

@test "what follows the program of run is the program's" {
	lmctfy_ok create "/$ID" ''
	lmctfy_ok run "/$ID" echo -n -r -f
	equal "$out" '-r -f'
	lmctfy_ok run "/$ID" 'echo one; echo two'
	equal "$out" $'one\ntwo'
	lmctfy_ok run "/$ID" -- echo -b
	equal "$out" -b
}

@test "the exit status says which kind of failure it was" {
	lmctfy_fails 3 'no field "speed"' create "/$ID" 'cpu { speed: 1 }'
	lmctfy_fails 3 'either as an argument or as a file' create "/$ID"
	lmctfy_fails 3 'unknown command' frobnicate
	lmctfy_fails 3 'unknown flag' --frobnicate list containers
	lmctfy_fails 3 'wrong number of arguments' destroy
	lmctfy_fails 5 'does not exist' destroy "/$ID"
	lmctfy_fails 5 'no such task' detect 4194303
	lmctfy_ok create "/$ID" ''
	lmctfy_fails 6 'exists already' create "/$ID" ''
	lmctfy_fails 9 'made without cpu' update diff "/$ID" 'cpu { limit: 100 }'
	lmctfy_ok run -n "/$ID" sleep 100
	lmctfy_fails 9 'threads are in it' destroy "/$ID"
	lmctfy_fails 12 'virtual_host' create "/$ID/v" 'virtual_host {}'
	lmctfy_fails 12 'memory.dirty' create "/$ID/v" 'memory { dirty { ratio: 5 } }'
	lmctfy_fails 5 'execute /nonexistent' run "/$ID" /nonexistent
	lmctfy_ok killall "/$ID"
}

@test "help, usage of each verb, version" {
	lmctfy_ok help
	for verb in create destroy detect enter init killall 'list containers' 'list pids' 'list tids' pause resume run spec \
		'stats summary' 'stats full' 'update diff' 'update replace'; do
		matches "$out" "^  lmctfy $verb"
	done
	lmctfy_ok update help
	matches "$out" 'lmctfy update diff'
	lacks "$out" 'lmctfy create'
	lmctfy_ok create help
	matches "$out" 'lmctfy create'
	lmctfy_ok -V
	matches "$out" '^lmctfy 0\.5'
	masu_ok lmctfy help
	matches "$out" '^  lmctfy destroy'
}

@test "init mounts what the spec names, once, and nowhere else" {
	has_v1 cpu || skip 'cgroup v2 has these controllers'
	other=$(awk '$3 == "cgroup" && $4 ~ /(^|,)cpu(,|$)/ { print $2; exit }' /proc/mounts)
	lmctfy_ok init "cgroup_mount { mount_path: '$other' hierarchy: CGROUP_CPU }"
	lmctfy_fails 9 'is mounted at' init "cgroup_mount { mount_path: '$T/cpu' hierarchy: CGROUP_CPU }"
	lmctfy_fails 12 "Google's kernel" init "cgroup_mount { mount_path: '$T/job' hierarchy: CGROUP_JOB }"
	lmctfy_fails 3 'mount_path is missing' init 'cgroup_mount { hierarchy: CGROUP_CPU }'
	# in a mount namespace without them, they are mounted where the spec says
	run_program unshare --mount sh -c "umount -l '$other' && mkdir -p '$T/m' &&
		'$T/lmctfy' --lmctfy_root='$STATE' init \"cgroup_mount { mount_path: '$T/m/cpu' hierarchy: CGROUP_CPU }\" &&
		ls '$T/m/cpu/cpu.shares'"
	((status == 0)) || fail "$out$err"
}
