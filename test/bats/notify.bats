# SPDX-License-Identifier: LGPL-2.1-or-later
# masu notify: each event in time, once a cause, and an end.
load lib

setup() {
	T=$BATS_TEST_TMPDIR
	STATE=$T/state
	BUNDLE=$T/bundle
	ID=t$BATS_ROOT_PID-$BATS_SUITE_TEST_NUMBER
	UNDER_TEST=$MASU
	host_snapshot >"$T/host.before"
	make_bundle
	process /probe sleep 100
}

# listen_for NAME ARGUMENTS...: `masu notify` in the background, its lines in $T/lines, its status in $T/status. Returns when it
# listens.
listen_for() {
	rm -f "$T/status"
	{
		local status=0

		"$MASU" --root "$STATE" notify "$@" >"$T/lines" 2>"$T/notify.err" 3>&- || status=$?
		echo "$status" >"$T/status"
	} &
	wait_for 5 is_listening
}

listener_pid() {
	pgrep -f -- "^$MASU --root $STATE notify"
}

is_listening() {
	[[ -e $T/status ]] || ls -l "/proc/$(listener_pid)/fd" 2>/dev/null | grep -q timerfd
}

# told EVENT COUNT: so many lines of this kind have come, or more.
told() {
	(($(count_of "$1") >= $2))
}

count_of() {
	jq -s "[.[] | select(.event == \"$1\")] | length" "$T/lines"
}

ended_with() {
	wait_for 5 test -s "$T/status"
	equal "$(<"$T/status")" "$1" "status ($(<"$T/notify.err"))"
}

# expect_last EXPRESSION: holds for the last line.
expect_last() {
	tail -1 "$T/lines" | jq -e "$1" >/dev/null || fail "does not hold: $1 in: $(tail -1 "$T/lines")"
}

need_memory() {
	need 'a memory controller' sh -c 'grep -qw memory /proc/self/cgroup || grep -qw memory /sys/fs/cgroup/cgroup.controllers'
}

@test "a kill for lack of memory is one line, the end the last one" {
	need_memory
	spec_edit '.linux.resources.memory = {"limit": 20000000}'
	start_box
	listen_for "$ID" oom
	run_masu exec "$ID" /probe mem 200000000
	equal "$status" 137
	wait_for 2 told oom 1
	expect_last '.name == "'"$ID"'" and .value == 1 and (.time | test("^20..-..-..T..:..:..\\.[0-9]{9}Z$")) and (has("argument") | not)'
	run_masu exec "$ID" /probe mem 200000000
	wait_for 2 told oom 2
	expect_last '.value == 2'
	masu_ok kill "$ID" KILL
	ended_with 0
	expect_last '.event == "end"'
	equal "$(wc -l <"$T/lines")" 3 lines
}

@test "the kill that ends the container is told before the end, and is enough for --once" {
	need_memory
	spec_edit '.linux.resources.memory = {"limit": 20000000}'
	process /probe mem 200000000
	create_box
	listen_for --once "$ID" oom
	masu_ok start "$ID"
	ended_with 0
	equal "$(jq -r .event "$T/lines")" oom
}

@test "a mark of memory is told when it is crossed, up and down, and at once when it was before" {
	need_memory
	shell 'while [ ! -e /tmp/go ]; do sleep 0.05; done; dd if=/dev/zero of=/dev/shm/x bs=1M count=40 2>/dev/null; while [ -e /tmp/go ]; do sleep 0.05; done; rm /dev/shm/x; sleep 100'
	start_box
	listen_for "$ID" threshold=30M
	masu_ok exec "$ID" /bin/touch /tmp/go
	wait_for 3 told threshold 1
	expect_last '.value >= 31457280 and .argument == "30M"'
	masu_ok notify --once "$ID" threshold=20M
	expect '.event == "threshold" and .value > 20971520'
	masu_ok exec "$ID" /bin/rm /tmp/go
	wait_for 3 told threshold 2
	expect_last '.value < 31457280'
	equal "$(wc -l <"$T/lines")" 2 lines
}

@test "short memory is told at the level that was asked for, not in floods" {
	need_memory
	need 'pressure of memory' sh -c 'ls /sys/fs/cgroup/memory/memory.pressure_level || cat /proc/pressure/memory'
	# v1 tells of reclaim, v2 of time lost to it: a soft limit makes some
	if has_v1 memory; then
		spec_edit '.linux.resources.memory = {"limit": 20000000, "swap": 20000000}'
	else
		spec_edit '.linux.resources.unified = {"memory.high": "10000000", "memory.max": "60000000"}'
	fi
	start_box
	listen_for "$ID" pressure=low
	for _ in 1 2 3; do
		run_masu exec "$ID" /bin/busybox timeout 3 /probe mem 200000000
	done
	wait_for 5 told pressure 1
	expect_last '.argument == "low" and .value > 0'
	(($(count_of pressure) <= 4)) || fail "$(count_of pressure) lines"
}

@test "paused and resumed are told, by whatever means it was frozen" {
	start_box
	listen_for "$ID" frozen thawed
	wait_for 2 told thawed 1
	masu_ok pause "$ID"
	wait_for 2 told frozen 1
	masu_ok resume "$ID"
	wait_for 2 told thawed 2
	masu_ok kill "$ID" KILL
	ended_with 0
	equal "$(jq -r .event "$T/lines" | tr '\n' ' ')" 'thawed frozen thawed end '
}

@test "a refused fork is told once, however many are refused" {
	need 'a pids controller' sh -c 'grep -qw pids /proc/self/cgroup || grep -qw pids /sys/fs/cgroup/cgroup.controllers'
	shell 'while [ ! -e /tmp/go ]; do sleep 0.05; done; for i in 1 2 3 4 5 6 7 8 9; do sleep 100 & done; sleep 100'
	spec_edit '.linux.resources.pids = {"limit": 4}'
	start_box
	listen_for "$ID" pids
	touch "$BUNDLE/rootfs/tmp/go"
	wait_for 2 told pids 1
	ended_with 0 # the shell gives up
	equal "$(jq -r .event "$T/lines" | tr '\n' ' ')" 'pids end '
	jq -es '.[0].value >= 1' "$T/lines"
}

@test "throttling is told when it begins, not as long as it lasts" {
	shell 'while :; do :; done'
	spec_edit '.linux.resources.cpu = {"quota": 5000, "period": 50000}'
	start_box
	listen_for "$ID" throttle
	wait_for 4 told throttle 1
	sleep 2.2
	equal "$(wc -l <"$T/lines")" 1 lines
}

@test "empty is told within a second after the last process ended, and end when the cgroup is removed" {
	start_box
	listen_for "/masu-$ID" empty populated
	wait_for 2 told populated 1
	masu_ok kill "$ID" KILL
	wait_for 1 told empty 1
	masu_ok delete "$ID"
	ended_with 0
	equal "$(jq -r .event "$T/lines" | tr '\n' ' ')" 'populated empty end '
}

@test "for a container empty comes before its end" {
	start_box
	listen_for "$ID" empty
	masu_ok exec -d "$ID" /probe sleep 100
	masu_ok kill "$ID" KILL
	ended_with 0
	equal "$(jq -r .event "$T/lines" | tr '\n' ' ')" 'empty end '
}

@test "a state that is there already is told at once" {
	start_box
	masu_ok pause "$ID"
	LIMIT=3 masu_ok notify --once "$ID" frozen
	expect '.event == "frozen"'
	masu_ok resume "$ID"
	LIMIT=3 masu_ok notify --once "$ID" populated
	expect '.event == "populated"'
}

@test "with --once an end before the event is status 2, and a line" {
	start_box
	listen_for --once "$ID" oom
	masu_ok delete --force "$ID"
	ended_with 2
	equal "$(jq -r .event "$T/lines")" end
	equal "$(<"$T/notify.err")" ''
}

@test "a command is run at each event and knows what happened" {
	start_box
	listen_for --exec "echo \$MASU_NAME \$MASU_EVENT \$MASU_VALUE \$MASU_ARGUMENT\$MASU_TIME >>$T/ran" "$ID" frozen
	masu_ok pause "$ID"
	wait_for 2 test -s "$T/ran"
	matches "$(<"$T/ran")" "^$ID frozen 1 20..-..-..T"
	masu_ok resume "$ID"
	masu_ok kill "$ID" KILL
	ended_with 0
	equal "$(wc -l <"$T/ran")" 2
}

# switches PID: how often it has run and gone to sleep, and the ticks that it has used.
switches() {
	awk '/ctxt_switches/ { print $2 }' "/proc/$1/status"
	awk '{ print $14 + $15 }' "/proc/$1/stat"
}

@test "nothing is run while nothing happens" {
	start_box
	words='empty frozen'
	if grep -qw memory /proc/self/cgroup || grep -qw memory /sys/fs/cgroup/cgroup.controllers 2>/dev/null; then
		words+=' oom pressure=critical pids'
	fi
	need 'cgroup v2, which tells what v1 has to be asked' grep -q cgroup2 /proc/mounts
	# shellcheck disable=SC2086
	listen_for "$ID" $words
	sleep 0.3
	before=$(switches "$(listener_pid)")
	sleep 3
	equal "$(switches "$(listener_pid)")" "$before" 'switches and ticks'
	masu_ok kill "$ID" KILL
	ended_with 0
}

@test "wrong events and names are one line of error" {
	start_box
	masu_fails 'too few arguments' notify "$ID"
	for event in oon '' oom=1 threshold threshold= threshold=0 threshold=-5 threshold=1X threshold=99999999999999999999 threshold=max \
		pressure pressure=high pressure=LOW end empty=1; do
		masu_fails 'event' notify "$ID" "$event"
	done
	masu_fails 'event' notify "$ID" oom nonsense
	masu_fails 'does not exist' notify "$ID-absent" oom
	masu_fails 'does not exist' notify "/masu-$ID/absent" empty
	masu_fails 'not the path' notify / empty
	masu_ok kill "$ID" KILL
	wait_for 5 has_status stopped
	masu_fails 'not running' notify "$ID" oom
}

@test "without a cgroup there is nothing to be told, and the message says so" {
	need 'the disabled cgroup manager' test "$(basename "$MASU")" = masu
	spec_edit 'del(.linux.resources)'
	masu_ok --cgroup-manager disabled run --detach --bundle "$BUNDLE" "$ID"
	masu_fails 'no cgroup' --cgroup-manager disabled notify "$ID" oom
}

# The container sees its own cgroup, read-only as everywhere.
mount_cgroup() {
	spec_edit '.mounts += [{"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup",
		"options": ["ro", "nosuid", "noexec", "nodev"]}]'
}

@test "a program that asks for it can watch its own shortage of memory" {
	need 'cgroup v2, which measures it' grep -q cgroup2 /proc/mounts
	need 'pressure of memory' test -r /proc/pressure/memory
	mount_cgroup
	spec_edit '.masu.memoryPressure = {} | .process.user = {"uid": 1000, "gid": 1000}'
	shell 'echo "$MEMORY_PRESSURE_WATCH"; printf "some 200000 2000000\0" >"$MEMORY_PRESSURE_WATCH" && echo set
		cat "$MEMORY_PRESSURE_WATCH"; echo "$MEMORY_PRESSURE_WRITE"; echo 1 >"${MEMORY_PRESSURE_WATCH%/*}/cgroup.procs"'
	run_masu run --bundle "$BUNDLE" "$ID"
	matches "$(sed -n 1p "$T/out")" '^/sys/fs/cgroup(/unified)?/memory.pressure$'
	equal "$(sed -n 2p "$T/out")" set
	matches "$(sed -n 3p "$T/out")" '^some avg10='
	equal "$(tail -1 "$T/out" | base64 -d | tr '\0' '|')" 'some 200000 2000000|'
	lacks "$(<"$T/err")" 'pressure'
	matches "$(<"$T/err")" 'cgroup.procs' # nothing else of it can be written
}

@test "the trigger can be chosen, and where there is nothing to watch it is refused" {
	need 'cgroup v2, which measures it' grep -q cgroup2 /proc/mounts
	need 'pressure of memory' test -r /proc/pressure/memory
	mount_cgroup
	spec_edit '.masu.memoryPressure = {"full": true, "stallMs": 150, "windowMs": 4000}'
	process /bin/env
	run_box
	equal "$(sed -n 's/^MEMORY_PRESSURE_WRITE=//p' "$T/out" | base64 -d | tr '\0' '|')" 'full 150000 4000000|'
	spec_edit '.masu.memoryPressure.stallMs = 5000'
	refused 'masu.memoryPressure.stallMs'
	spec_edit '.masu.memoryPressure = {"windowMs": 5}'
	refused 'masu.memoryPressure.windowMs'
	spec_edit '.masu.memoryPressure = {} | .mounts |= map(select(.type != "cgroup"))'
	refused 'masu.memoryPressure: the container does not see its cgroup'
}
