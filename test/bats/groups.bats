# SPDX-License-Identifier: LGPL-2.1-or-later
# Groups: resource-only containers with names like paths. Each test's top group is /$ID, so that what is left of it is found.
load lib

group() {
	run_masu group "$@"
}

group_ok() {
	masu_ok group "$@"
}

group_fails() {
	local text=$1

	shift
	masu_fails "$text" group "$@"
}

# group_dir CONTROLLER NAME: where a group is in the hierarchy that has the controller.
group_dir() {
	local mount

	mount=$(awk -v c="$1" '$3 == "cgroup" && ("," $4 ",") ~ ("," c ",") { print $2; exit }' /proc/mounts)
	echo "${mount:-$(v2_mount)}$2"
}

v2_mount() {
	awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts
}

# limit CONTROLLER NAME V1-FILE V2-FILE: what the kernel has.
limit() {
	local dir

	dir=$(group_dir "$1" "$2")
	if [[ -e $dir/$3 ]]; then
		cat "$dir/$3"
	else
		cat "$dir/$4"
	fi
}

# start_in NAME COMMAND...: in the background, its pid in $pid.
start_in() {
	local name=$1

	shift
	group_ok run --detach "$name" "$@"
	pid=$out
}

lives_in() {
	equal "$("$MASU" --root "$STATE" group detect "$2")" "$1" "group of $2"
}

@test "a group limits, counts and lasts while nobody is in it" {
	group_ok create "/$ID" '{"cpu": "100m", "memory": "64M", "pids": 7}'
	equal "$(limit memory "/$ID" memory.limit_in_bytes memory.max)" 67108864
	equal "$(limit pids "/$ID" pids.max pids.max)" 7
	group_ok run "/$ID" sh -c 'echo $$'
	group_ok list pids "/$ID"
	equal "$out" ''
	group_ok list /
	matches "$out" "^/$ID$"
	group_ok spec "/$ID"
	expect '.cpu.max == "100m"' '.memory.max == 67108864' '.pids.max == 7'
	group_ok destroy "/$ID"
	nothing_left
}

@test "names are paths: below, relative, cleaned, detected" {
	group_ok create "/$ID"
	group_ok create "/$ID/a" '{"pids": 5}'
	group_ok create "/$ID/a/b"
	group_ok list "/$ID"
	equal "$out" "/$ID/a"
	group_ok list -r "/$ID"
	equal "$out" "/$ID/a"$'\n'"/$ID/a/b"
	start_in "/$ID/a/../a//b/" sleep 100
	lives_in "/$ID/a/b" "$pid"
	# a relative name starts at the caller's own group
	group_ok run "/$ID/a" "$MASU" --root "$STATE" group list pids b
	equal "$out" "$pid"
	group_ok run "/$ID/a" "$MASU" --root "$STATE" group list pids -r ..
	matches "$out" "^$pid$"
	group_ok run "/$ID/a/b" "$MASU" --root "$STATE" group list pids ../b
	matches "$out" "^$pid$"
	group_ok killall "/$ID/a/b"
	group_ok destroy -f "/$ID"
	group_fails 'does not exist' list "/$ID"
}

@test "what a group does not isolate it shares with the nearest group above" {
	group_ok create "/$ID" '{"memory": "64M"}'
	group_ok create "/$ID/b" '{"pids": 5}'
	start_in "/$ID/b" sleep 100
	if has_v1 memory; then
		matches "$(cat "/proc/$pid/cgroup")" ":memory:/$ID$"
		[[ ! -e $(group_dir memory "/$ID/b") ]]
		matches "$(cat "/proc/$pid/cgroup")" ":pids:/$ID/b$"
	fi
	group_fails 'made without memory' update diff "/$ID/b" '{"memory": "32M"}'
	group_ok spec "/$ID/b"
	expect '.memory == null' '.pids.max == 5'
	group_ok stats "/$ID/b"
	expect '.data.pids.current == 1' '.data.memory.usage.usage == null'
}

@test "batch classes run below the batch top, others beside it; the class is for good" {
	group_ok create "/$ID" '{"cpu": {"class": "normal", "share": "500m"}, "memory": "32M"}'
	group_ok create "/$ID-fast" '{"cpu": {"class": "priority"}}'
	[[ -d $(group_dir cpu "/batch/$ID") ]]
	[[ -d $(group_dir cpu "/$ID-fast") ]]
	if has_v1 memory; then
		[[ -d $(group_dir memory "/$ID") ]]
	fi
	matches "$(limit cpu /batch cpu.shares cpu.weight)" '^[12]$'
	start_in "/$ID" sleep 100
	lives_in "/$ID" "$pid"
	group_fails 'class: normal cannot become premier' update diff "/$ID" '{"cpu": {"class": "premier"}}'
	group_ok update diff "/$ID" '{"cpu": {"max": "700m"}}'
	group_ok spec "/$ID"
	expect '.cpu.class == "normal"' '.cpu.max == "700m"'
	group_ok destroy -f "/$ID"
	group_ok destroy "/$ID-fast"
	[[ ! -e $(group_dir cpu /batch) ]]
}

@test "update diff keeps what is absent, replace sets it back and wants every part" {
	group_ok create "/$ID" '{"cpu": {"max": "800m", "share": "500m"}, "pids": 9}'
	group_ok update diff "/$ID" '{"pids": 20}'
	group_ok spec "/$ID"
	expect '.cpu.max == "800m"' '.pids.max == 20'
	group_fails 'pids is missing' update replace "/$ID" '{"cpu": {}}'
	group_ok update replace "/$ID" '{"cpu": {"share": "500m"}, "pids": {}}'
	group_ok spec "/$ID"
	expect '.cpu.max == null' '.cpu.share == "500m" or .cpu.share == "0.5"' '.pids.max == null'
	group_ok spec --wanted "/$ID"
	expect '.cpu.max == null'
}

@test "an enclosing group bounds those below it" {
	group_ok create "/$ID" '{"pids": 3}'
	group_ok create "/$ID/a" '{"pids": 100}'
	run_masu group run "/$ID/a" sh -c 'for i in 1 2 3 4 5 6; do sleep 5 & done; true'
	matches "$err" 'fork|Resource'
	group_ok killall -r "/$ID"
}

@test "run becomes the program: its status, its input, its failures" {
	group_ok create "/$ID"
	group run "/$ID" sh -c 'exit 7'
	equal "$status" 7
	echo word >"$T/in"
	STDIN=$T/in group_ok run "/$ID" cat
	equal "$out" word
	group run "/$ID" /nonexistent
	equal "$status" 255
	one_line_error 'execute /nonexistent: No such file'
	group run --detach "/$ID" /nonexistent
	equal "$status" 255
	one_line_error 'execute /nonexistent: No such file'
	group_ok run "/$ID" -- echo -d
	equal "$out" -d
}

@test "enter moves processes, and threads alone where the kernel can" {
	group_ok create "/$ID"
	group_ok create "/$ID/a"
	group_ok create "/$ID/b"
	start_in "/$ID/a" sleep 100
	group_ok enter "/$ID/b" "$pid"
	lives_in "/$ID/b" "$pid"
	group_fails 'task 4194303: no such process|task 4194303' enter "/$ID/b" 4194303
	group_fails 'not the number of a task' enter "/$ID/b" 12x
	if has_v1 freezer; then
		# a tourist: one thread here, its process there
		start_in "/$ID/a" "$PROBE" threads 2 100
		wait_for 2 eval '[[ $(ls "/proc/$pid/task" | wc -l) -eq 2 ]]'
		tid=$(ls "/proc/$pid/task" | sort -n | tail -1)
		group_ok enter --threads "/$ID/b" "$tid"
		lives_in "/$ID/b" "$tid"
		lives_in "/$ID/a" "$pid"
		group_ok list tids "/$ID/b"
		matches "$out" "^$tid$"
		group_fails 'threads are in it' destroy "/$ID/a"
		group_ok killall "/$ID/b"
		wait_for 2 is_gone "$pid"
	fi
}

@test "pause stops a group and all below, resume lets them go on" {
	group_ok create "/$ID"
	group_ok create "/$ID/a"
	start_in "/$ID/a" sh -c 'while :; do :; done'
	group_ok pause "/$ID"
	before=$(awk '{ print $14 }' "/proc/$pid/stat")
	sleep 0.1
	equal "$(awk '{ print $14 }' "/proc/$pid/stat")" "$before"
	group_ok resume "/$ID"
	wait_for 3 eval '(($(awk "{ print \$14 }" /proc/$pid/stat) > before))'
	# what is frozen dies, too
	group_ok pause "/$ID"
	group_ok killall -r "/$ID"
	wait_for 2 is_gone "$pid"
}

@test "killall ends a group whose processes fork all the time, and leaves those below alone" {
	group_ok create "/$ID" '{"pids": 200}'
	group_ok create "/$ID/kept"
	start_in "/$ID/kept" sleep 100
	kept=$pid
	start_in "/$ID" sh -c 'while :; do (sleep 1 & sleep 1) & sleep 0.01; done'
	sleep 0.3
	group_ok killall "/$ID"
	group_ok list pids "/$ID"
	equal "$out" ''
	lives_in "/$ID/kept" "$kept"
	group_ok killall -r "/$ID"
	wait_for 2 is_gone "$kept"
	start_in "/$ID" sh -c 'while :; do (sleep 1 & sleep 1) & sleep 0.01; done'
	sleep 0.3
	group_ok destroy -f "/$ID"
	nothing_left
}

@test "destroy refuses what is not empty, and says what is in the way" {
	group_ok create "/$ID"
	group_ok create "/$ID/a"
	group_fails "groups below it, /$ID/a is one" destroy "/$ID"
	start_in "/$ID/a" sleep 100
	group_fails "threads are in it, $pid" destroy "/$ID/a"
	group_ok destroy -f "/$ID"
	wait_for 2 is_gone "$pid"
	group_fails 'does not exist' destroy "/$ID"
	group_fails 'does not exist' destroy -f "/$ID"
	group_fails "the machine's" destroy -f /
}

@test "a group whose cgroup somebody removed says so, and can be destroyed" {
	group_ok create "/$ID" '{"pids": 5}'
	rmdir "$(group_dir pids "/$ID")"
	group_fails 'somebody has removed its cgroup' list pids "/$ID"
	group_ok destroy "/$ID"
	nothing_left
}

@test "a directory that somebody else made is not taken for a group" {
	dir=$(group_dir freezer "/$ID")
	mkdir "$dir"
	group_fails 'is there already' create "/$ID" '{"pids": 5}'
	rmdir "$dir"
	nothing_left
}

@test "bad names and specs are refused with the reason, and leave nothing" {
	long=$(printf 'x%.0s' {1..129})
	group_fails 'nothing above /' create "/$ID/../.."
	group_fails 'begins with a letter or a digit' create /-x
	group_fails 'letters, digits' create '/a b'
	group_fails 'longer than 128' create "/$long"
	group_fails 'longer than 1024' create "$(printf '/%.0s' {1..10})$(printf '/abcdefgh%.0s' {1..120})"
	group_fails 'more than 32 parts' create "$(printf '/a%.0s' {1..33})"
	group_fails 'for containers' create /masu-x
	group_fails 'groups of the batch classes' create /batch
	group_fails 'always there' create /
	group_fails 'does not exist' create "/$ID/a"
	group_fails 'unknown unit' create "/$ID" '{"cpu": "3x"}'
	group_fails 'memory' create "/$ID" '{"memory": "-5"}'
	group_fails 'memory' create "/$ID" '{"memory": "99999999999999999999"}'
	group_fails 'max: .* is below cpu.share' create "/$ID" '{"cpu": {"share": "2", "max": "1"}}'
	group_fails 'no link of its own' create "/$ID" '{"network": {"egress": "1M"}}'
	group_fails 'no files of its own' create "/$ID" '{"disk": "1G"}'
	group_fails 'spec:1:18: cpu.max_limit: want a whole number, not x' create "/$ID" 'cpu:{ max_limit: x }'
	group_fails 'virtual_host: not for a group' create "/$ID" 'virtual_host {}'
	group_fails 'CPU' create "/$ID" '{"cpu": {"mask": "4000"}}'
	group_fails 'open .*nonexistent' create "/$ID" /nonexistent.json
	group_fails 'want diff or replace' update both "/$ID" '{}'
	nothing_left
}

@test "an interrupted create is finished off by gc and by destroy -f" {
	group_ok create "/$ID" '{"pids": 5}'
	mv "$STATE/.groups/$ID/.group.json" "$STATE/.groups/$ID/.creating.json"
	group_fails 'does not exist' list "/$ID"
	masu_ok gc --dry-run
	matches "$out" "group.*/$ID"
	masu_ok gc
	nothing_left
	group_ok create "/$ID" '{"pids": 5}'
	echo broken >"$STATE/.groups/$ID/.group.json"
	group_fails 'record is broken' list "/$ID"
	group_ok destroy -f "/$ID"
}

@test "a spec comes from a file, from standard input and in lmctfy's words" {
	echo '{"pids": 6}' >"$T/spec.json"
	group_ok create "/$ID" "$T/spec.json"
	group_ok create "/$ID/a" --file - <<<''
	STDIN=$T/spec.json group_ok create --file - "/$ID/b"
	equal "$(limit pids "/$ID/b" pids.max pids.max)" 6
	group_ok create "/$ID/c" 'cpu { max_limit: 100 } # a comment'
	group_ok spec --proto "/$ID/c"
	matches "$out" '^  max_limit: 100$'
	group_fails 'give the spec once' create --file "$T/spec.json" "/$ID/d" '{}'
}

@test "an owner may make groups below, and move processes there" {
	[[ -n $(v2_mount) ]] || skip 'cgroup v1 alone is not given away'
	group_ok create --owner 1000:1000 "/$ID"
	equal "$(stat -c %u:%g "$(v2_mount)/$ID")" 1000:1000
	mkdir "$T/user" && chown 1000 "$T/user"
	chmod o+x "$BATS_RUN_TMPDIR" "$(dirname "$T")" "$T"
	cp "$MASU" "$T/user/masu"
	user=(setpriv --reuid 1000 --regid 1000 --clear-groups "$T/user/masu" --root "$T/user/state" group)
	group_ok run "/$ID" "${user[@]}" create /sub
	[[ -d $(v2_mount)/$ID/sub ]]
	group_ok run "/$ID" "${user[@]}" run /sub cat /proc/self/cgroup
	matches "$out" "^0::/$ID/sub"
	group_ok run "/$ID" "${user[@]}" list -r /
	equal "$out" /sub
	run_masu group run "/$ID" "${user[@]}" create /mem '{"memory": "1M"}'
	if has_v1 memory; then
		matches "$err" 'memory: no cgroup hierarchy that we may write to'
	else
		group_ok run "/$ID" "${user[@]}" destroy /mem
	fi
	group_ok run "/$ID" "${user[@]}" destroy /sub
	group_fails 'cgroup v1 is not safe|numbers' create --owner nobody "/$ID/x"
}

@test "so many groups below as the spec allows, and no more" {
	group_ok create "/$ID" '{"children": 2}'
	group_ok create "/$ID/a"
	group_ok create "/$ID/a/b"
	group_fails "may have 2 groups below it, and has them" create "/$ID/c"
	group_ok destroy "/$ID/a/b"
	group_ok create "/$ID/c"
}

@test "processes run in a group get its limits of files and its place among the victims" {
	group_ok create "/$ID" '{"openFiles": 99, "evictionPriority": 2500}'
	group_ok run "/$ID" sh -c 'ulimit -n; cat /proc/self/oom_score_adj'
	equal "$out" $'99\n500'
}

@test "memory is taken back on demand" {
	group_ok create "/$ID" '{"memory": "256M"}'
	truncate -s 32M "$T/file"
	group_ok run "/$ID" dd if=/dev/zero of="$T/file" bs=1M count=32 conv=fsync
	before=$(limit memory "/$ID" memory.usage_in_bytes memory.current)
	((before > 16 << 20)) || skip 'the file system of the test keeps no page cache'
	group_ok reclaim "/$ID" 8M
	after=$(limit memory "/$ID" memory.usage_in_bytes memory.current)
	((after <= before - (7 << 20))) || fail "$before bytes before, $after after"
	group_ok create "/$ID/none"
	group_fails 'no memory of its own' reclaim "/$ID/none" 1M
	group_fails 'is not a size' reclaim "/$ID" much
}

@test "too much memory kills inside the group only" {
	group_ok create "/$ID" '{"memory": {"max": "16M", "swap": 0}}'
	start_in "/$ID" sleep 100
	group run "/$ID" "$PROBE" mem $((64 << 20))
	equal "$status" 137
	group_ok stats "/$ID"
	expect '.data.memory.event_count.oom_kill == 1'
}

@test "a container runs in a group: by option, by its spec, by its path" {
	group_ok create "/$ID" '{"pids": 40, "memory": "128M"}'
	process /probe sleep 100
	masu_ok run --detach --group "/$ID" --bundle "$BUNDLE" "$ID"
	pid=$(state_of pid)
	lives_in "/$ID" "$pid"
	matches "$(cgroup_dir memory "$pid")" "/$ID/masu-$ID$"
	group_ok list pids -r "/$ID"
	equal "$out" "$pid"
	group_ok list pids "/$ID"
	equal "$out" ''
	masu_ok exec "$ID" /bin/cat /proc/self/cgroup
	matches "$out" "/$ID/masu-$ID$"
	# beside it a process of the group itself: v2 puts that into a leaf
	start_in "/$ID" sleep 100
	lives_in "/$ID" "$pid"
	group_ok pause "/$ID"
	group_ok resume "/$ID"
	group_fails 'threads are in it' destroy "/$ID"
	masu_ok delete --force "$ID"
	masu_fails 'does not exist' run --group "/$ID-none" --bundle "$BUNDLE" "$ID"
	spec_edit '.masu.group = $name | .linux.resources.pids.limit = 5' --arg name "/$ID"
	start_box
	lives_in "/$ID" "$(state_of pid)"
	masu_ok delete --force "$ID"
	spec_edit '.linux.cgroupsPath = $path' --arg path "/$ID/by-path"
	masu_fails 'linux.cgroupsPath puts the container elsewhere' create --bundle "$BUNDLE" "$ID"
	spec_edit 'del(.masu)'
	start_box
	lives_in "/$ID" "$(state_of pid)"
	matches "$(cgroup_dir memory)" "/$ID/by-path$"
	masu_ok delete --force "$ID"
	group_ok destroy -f "/$ID"
}

@test "a group is measured and watched like a container" {
	group_ok create "/$ID" '{"memory": {"max": "16M", "swap": 0}, "pids": 9}'
	start_in "/$ID" sleep 100
	masu_ok events --stats "/$ID"
	expect '.data.pids.current == 1' '.data.memory.usage.limit == 16777216'
	"$MASU" --root "$STATE" notify --once "/$ID" oom >"$T/event" 3>&- &
	watcher=$!
	sleep 0.3
	group run "/$ID" "$PROBE" mem $((64 << 20))
	wait_for 3 is_gone "$watcher"
	matches "$(cat "$T/event")" '"oom"'
	"$MASU" --root "$STATE" notify --once "/$ID" empty >"$T/event" 3>&- &
	watcher=$!
	sleep 0.2
	group_ok killall "/$ID"
	wait_for 3 is_gone "$watcher"
	matches "$(cat "$T/event")" '"empty"'
}

@test "a hundred groups made and destroyed leave no directory" {
	for _ in {1..50}; do
		group_ok create "/$ID" '{"cpu": "500m", "memory": "64M"}'
		group_ok create "/$ID/a" '{"pids": 5}'
		group_ok destroy "/$ID/a"
		group_ok destroy "/$ID"
	done
	nothing_left
}

@test "creates and destroys of the same name at the same time leave all or nothing" {
	for i in {1..8}; do
		(for _ in {1..10}; do
			"$MASU" --root "$STATE" group create "/$ID" '{"pids": 5}' 2>/dev/null
			"$MASU" --root "$STATE" group destroy -f "/$ID" 2>/dev/null
		done) &
	done
	wait
	group destroy -f "/$ID"
	nothing_left
}
