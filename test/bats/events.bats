# SPDX-License-Identifier: LGPL-2.1-or-later
# masu events: statistics that agree with the host's files, and out-of-memory kills as they happen.
load lib

setup() {
	own_world
	process /probe sleep 100
}

# watch_box ARGUMENTS...: `masu events` in the background, its lines in $T/lines, its status in $T/status.
watch_box() {
	{
		local status=0

		"$MASU" --root "$STATE" events "$@" "$ID" >"$T/lines" 2>"$T/watch.err" 3>&- || status=$?
		echo "$status" >"$T/status"
	} &
}

lines_of() {
	jq -s "[.[] | select(.type == \"$1\")] | length" "$T/lines"
}

has_lines() {
	(($(lines_of "$1") >= $2))
}

@test "statistics are one line, with what the kernel's files say" {
	spec_edit '.linux.resources += {"memory": {"limit": 104857600}, "pids": {"limit": 77}}'
	start_box
	masu_ok events --stats "$ID"
	equal "$(wc -l <"$T/out")" 1 lines
	expect '.type == "stats"' '.id == "'"$ID"'"' '.data.cpu.usage.total > 0' '.data.memory.usage.limit == 104857600' \
		'.data.memory.usage.usage > 0' '.data.memory.raw | length > 10' '.data.pids == {"current": 1, "limit": 77}' \
		'.data | has("blkio") and has("hugetlb")'
	masu_ok exec -d "$ID" /probe sleep 100
	masu_ok events --stats "$ID"
	expect '.data.pids.current == 2'
}

@test "what is not limited has no limit, and is not a huge number" {
	start_box
	masu_ok events --stats "$ID"
	expect '.data.pids | has("limit") | not' '.data.memory.usage | has("limit") | not' '[.data.memory | .. | .limit? // empty] == []'
}

@test "the limit in force is the least of its own, its ancestors' and the machine's" {
	start_box
	masu_ok events --stats "$ID"
	expect ".data.memory.effectiveLimit == $(($(awk '/^MemTotal/ { print $2 }' /proc/meminfo) * 1024))"
	masu_ok update --memory 104857600 "$ID"
	masu_ok events --stats "$ID"
	expect '.data.memory.effectiveLimit == 104857600' '.data.memory.workingSet <= .data.memory.usage.usage' \
		'.data.memory.numa | has("0")' '.data.memory.event_count.oom_kill == 0' '.data.cpuset.cpus | length > 0'
}

@test "interfaces of the container's own network are counted, those of the host are not" {
	shell 'ip link set lo up; ip link add d0 type dummy 2>/dev/null; sleep 100'
	start_box
	pid=$(state_of pid)
	nsenter -t "$pid" -n ip link add d1 type veth peer name d2
	nsenter -t "$pid" -n ip link set d1 up
	nsenter -t "$pid" -n ip link set d2 up
	masu_ok events --stats "$ID"
	expect '[.data.network_interfaces[].Name] | contains(["d1", "d2"])' \
		'.data.network_interfaces[0] | has("RxBytes") and has("TxDropped")'
	masu_ok delete --force "$ID"
	spec_edit '.linux.namespaces |= map(select(.type != "network"))'
	start_box
	masu_ok events --stats "$ID"
	expect '.data | has("network_interfaces") | not'
}

@test "a cgroup that is no container's is counted by its path" {
	start_box
	pid=$(state_of pid)
	masu_ok events --stats "/masu-$ID"
	expect '.id == "/masu-'"$ID"'"' '.data.pids.current == 1'
	masu_fails 'does not exist' events --stats "/masu-$ID/absent"
	masu_fails 'not the path' events --stats /
	masu_fails 'not the path' events --stats /a/../..
}

@test "throttled time grows for a container that is throttled" {
	shell 'while :; do :; done'
	spec_edit '.linux.resources.cpu = {"quota": 5000, "period": 50000}'
	start_box
	sleep 0.5
	masu_ok events --stats "$ID"
	expect '.data.cpu.throttling.throttledPeriods > 0' '.data.cpu.throttling.throttledTime > 0' \
		'.data.cpu.throttling.periods >= .data.cpu.throttling.throttledPeriods'
}

@test "statistics of a created and of a paused container" {
	create_box
	masu_ok events --stats "$ID"
	expect '.data.pids.current == 1'
	masu_ok start "$ID"
	masu_ok pause "$ID"
	masu_ok events --stats "$ID"
	expect '.data.pids.current == 1'
	masu_ok resume "$ID"
}

@test "a line every interval until the container stops, then success" {
	start_box
	watch_box --interval 50ms
	wait_for 5 has_lines stats 3
	masu_ok kill "$ID" KILL
	wait_for 5 test -s "$T/status"
	equal "$(<"$T/status")" 0 status
	equal "$(<"$T/watch.err")" ''
}

@test "an out-of-memory kill is told at once, and only once" {
	need 'a memory controller' sh -c 'grep -qw memory /proc/self/cgroup || grep -qw memory /sys/fs/cgroup/cgroup.controllers'
	spec_edit '.linux.resources.memory = {"limit": 20000000}'
	start_box
	watch_box --interval 1h
	wait_for 5 has_lines stats 1
	run_masu exec "$ID" /probe mem 200000000
	equal "$status" 137
	wait_for 5 has_lines oom 1
	equal "$(jq -c 'select(.type == "oom")' "$T/lines")" "{\"type\":\"oom\",\"id\":\"$ID\"}"
	run_masu exec "$ID" /probe mem 200000000
	wait_for 5 has_lines oom 2
	masu_ok kill "$ID" KILL
	wait_for 5 test -s "$T/status"
	equal "$(lines_of oom)" 2
	equal "$(lines_of stats)" 1
}

@test "the kill that ends the container is told before the end" {
	need 'a memory controller' sh -c 'grep -qw memory /proc/self/cgroup || grep -qw memory /sys/fs/cgroup/cgroup.controllers'
	spec_edit '.linux.resources.memory = {"limit": 20000000}'
	process /probe mem 200000000
	create_box
	watch_box --interval 1h
	wait_for 5 has_lines stats 1
	masu_ok start "$ID"
	wait_for 5 test -s "$T/status"
	equal "$(<"$T/status")" 0 status
	equal "$(lines_of oom)" 1
}

@test "a reader that goes away ends it" {
	start_box
	LIMIT=5 run_program bash -c '"$1" --root "$2" events --interval 20ms "$3" | head -1' sh "$MASU" "$STATE" "$ID"
	equal "$(jq -r .type "$T/out")" stats
}

@test "what cannot be counted is one line of error" {
	masu_fails 'does not exist' events "$ID"
	masu_fails 'too few arguments' events
	start_box
	for interval in 5 0s '' s 1x 5s3 99999h; do
		masu_fails 'interval' events --interval "$interval" "$ID"
	done
	masu_ok kill "$ID" KILL
	wait_for 5 has_status stopped
	masu_fails 'not running' events --stats "$ID"
	masu_fails 'not running' events "$ID"
}

@test "without a cgroup there is nothing to count, and the message says so" {
	need 'the disabled cgroup manager' test "$(basename "$MASU")" = masu
	spec_edit 'del(.linux.resources)'
	masu_ok --cgroup-manager disabled run --detach --bundle "$BUNDLE" "$ID"
	masu_fails 'no cgroup' --cgroup-manager disabled events --stats "$ID"
}
