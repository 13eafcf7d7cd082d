# SPDX-License-Identifier: LGPL-2.1-or-later
# masu stats and masu top: what is used, for people, for programs, for Prometheus, on a terminal.
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

# screen STEPS ARGUMENTS...: masu on a terminal of 24 lines and 120 columns.
screen() {
	local steps=$1

	shift
	LC_ALL=${LOCALE:-C.UTF-8} TERM=xterm run_program python3 "$REPO/test/data/screen.py" 24 120 "$steps" "$MASU" --root "$STATE" "$@"
}

# restored: the other screen was left and the cursor is back.
restored() {
	[[ $(tail -c 30 "$T/out") == *$'\033[?25h\033[?1049l'* ]] || fail "the screen was not given back: $(tail -c 100 "$T/out" | od -c)"
}

@test "a table of all that runs, or of those that are named, sorted" {
	start_box "$ID"b
	start_box "$ID"a
	masu_ok stats
	equal "$(wc -l <"$T/out")" 3 lines
	matches "$(sed -n 1p "$T/out")" '^NAME +CPU +THROTTLED +MEMORY +WORKING +LIMIT +PIDS +READ +WRITTEN +RECEIVED +SENT$'
	matches "$(sed -n 2p "$T/out")" "^${ID}a +[0-9.]+ s "
	matches "$(sed -n 3p "$T/out")" "^${ID}b "
	masu_ok stats "$ID"b "/masu-${ID}a"
	equal "$(awk 'NR > 1 { print $1 }' "$T/out" | tr '\n' ' ')" "/masu-${ID}a ${ID}b "
	masu_ok kill "$ID"a KILL
	wait_for 5 has_status stopped "$ID"a
	masu_ok stats
	equal "$(wc -l <"$T/out")" 2 lines
}

@test "JSON is the line of events, one for each" {
	start_box
	masu_ok stats --format json
	expect '.type == "stats"' '.id == "'"$ID"'"' '.data.pids.current == 1' '.data.memory.effectiveLimit > 0'
	masu_ok stats --format json "$ID" "/masu-$ID"
	equal "$(jq -r .id "$T/out" | tr '\n' ' ')" "/masu-$ID $ID "
}

@test "for Prometheus each number has a name, a type and base units" {
	spec_edit '.linux.resources += {"memory": {"limit": 104857600}, "pids": {"limit": 77}}'
	start_box
	masu_ok stats --format prometheus
	matches "$out" '^# TYPE masu_cpu_seconds_total counter$'
	matches "$out" "^masu_cpu_seconds_total\{name=\"$ID\"\} [0-9]+\.[0-9]{9}$"
	matches "$out" "^masu_memory_limit_bytes\{name=\"$ID\"\} 104857600$"
	matches "$out" "^masu_memory_effective_limit_bytes\{name=\"$ID\"\} 104857600$"
	matches "$out" "^masu_pids\{name=\"$ID\"\} 1$"
	matches "$out" "^masu_pids_limit\{name=\"$ID\"\} 77$"
	matches "$out" "^masu_oom_kills_total\{name=\"$ID\"\} 0$"
	# a comment or a sample, nothing else; each metric once
	lacks "$out" '^[^#m]'
	equal "$(grep -c '^# TYPE' "$T/out")" "$(grep '^# TYPE' "$T/out" | sort -u | wc -l)"
}

@test "watching prints rates, notices who comes, and ends with those that were named" {
	shell 'while :; do :; done'
	spec_edit '.linux.resources.cpu = {"quota": 10000, "period": 50000}'
	start_box
	"$MASU" --root "$STATE" stats --watch --interval 300ms "$ID" >"$T/named" 2>&1 3>&- &
	named=$!
	"$MASU" --root "$STATE" stats --watch --interval 300ms >"$T/all" 2>&1 3>&- &
	all=$!
	wait_for 5 grep -q "^$ID  *\(1[0-9]\|2[0-9]\)\.[0-9]%" "$T/named"
	process /probe sleep 100
	start_box "$ID"z
	wait_for 5 grep -q "^${ID}z " "$T/all"
	masu_ok kill "$ID" KILL
	wait_for 5 is_gone "$named"
	wait "$named"
	lacks "$(tail -2 "$T/all")" "^$ID "
	kill "$all"
}

@test "what stays the same in a container in which nothing runs is not forgotten" {
	spec_edit '.linux.resources.memory = {"limit": 104857600}'
	start_box
	run_program timeout --preserve-status 1.5 "$MASU" --root "$STATE" stats --watch --interval 50ms
	equal "$(grep "^$ID " "$T/out" | awk '{ print $8, $9 }' | sort -u)" '100 MiB' 'limit in every line'
	(($(grep -c "^$ID " "$T/out") > 10))
}

@test "where standard output is no terminal, top is one table with rates" {
	start_box
	masu_ok top --interval 100ms
	equal "$(wc -l <"$T/out")" 2 lines
	matches "$out" "^$ID +[0-9.]+%"
	TERM=dumb masu_ok top --interval 100ms "$ID"
	lacks "$out" $'\033'
}

@test "top fills the screen, follows its size and gives the terminal back" {
	start_box
	screen "wait:$ID,wait:%,size:10x100,wait:$ID,key:m,wait:by memory,key:q" top --interval 100ms
	equal "$status" 0 "status ($err)"
	restored
	matches "$out" 'CPU.*MEMORY OF LIMIT.*PAST'
	grep -q '[▁▂▃▄▅▆▇█]' "$T/out"
	LOCALE=C screen "wait:$ID,wait:%,key:q" top --interval 100ms
	! grep -qP '[^\x00-\x7f]' "$T/out"
}

@test "top gives the terminal back when a signal ends it, and dies of that" {
	start_box
	for name in TERM INT HUP QUIT; do
		screen "wait:$ID,signal:$name" top --interval 100ms
		equal "$status" $((128 + $(kill -l "$name"))) "$name"
		restored
	done
	screen "wait:$ID,key:"$'\003' top
	equal "$status" 0 "status ($err)"
	restored
}

@test "an end of a container while top looks on is no failure" {
	start_box
	start_box "$ID"z
	{
		until pgrep -f "^$MASU --root $STATE top"; do sleep 0.1; done
		sleep 1
		"$MASU" --root "$STATE" delete --force "$ID"
	} >/dev/null 2>&1 3>&- &
	screen "wait:2 running,wait:1 running,key:q" top --interval 100ms
	equal "$status" 0 "status ($err)"
	wait
}

@test "wrong options and names are one line of error" {
	masu_fails 'does not exist' stats "$ID"
	masu_fails 'does not exist' top "$ID"
	masu_fails 'interval' stats --interval 5
	masu_fails 'interval' top --interval 0s
	masu_fails 'format' stats --format yaml
	masu_fails 'sort' top --sort colour
	masu_ok stats
	equal "$(wc -l <"$T/out")" 1 'lines where nothing runs'
}
