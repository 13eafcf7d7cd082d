# SPDX-License-Identifier: LGPL-2.1-or-later
# The state directory: torn, stale and foreign records, crashed creators, gc.
load lib

file() {
	echo "$STATE/$ID/state.json"
}

# Each way to break a record: a name and what is done to the file.
breakages='empty truncate -s 0
torn truncate -s 100
garbage sh -c "echo garbage >\$0"
binary sh -c "head -c 4096 /dev/urandom >\$0"
nothing rm
foreign sh -c "echo {} >\$0"
list sh -c "echo [] >\$0"
version sed -i s/.version.:1,/\"version\":99,/'

@test "a broken record: state and list say so, delete --force still cleans everything" {
	process /probe sleep 100
	while read -r name command; do
		start_box
		pid=$(state_of pid)
		echo "record: $name"
		eval "$command $(file)"
		run_masu state "$ID"
		((status == 0 || status == 1))
		[[ $err == '' ]] || one_line_error "$ID|state"
		masu_ok list
		masu_ok list --format json
		expect "[.[] | select(.id == \"$ID\")] | length <= 1"
		masu_ok delete --force "$ID"
		nothing_left
		wait_for 5 is_gone "$pid"
	done <<<"$breakages"
}

@test "one broken record does not hide the others" {
	process /probe sleep 100
	start_box "$ID-good"
	mkdir "$STATE/$ID-bad" && echo garbage >"$STATE/$ID-bad/state.json"
	touch "$STATE/a-file"
	masu_ok list --format json
	expect "[.[] | select(.id == \"$ID-good\")][0].status == \"running\""
	rm "$STATE/a-file"
	masu_ok delete --force "$ID-bad"
	masu_ok delete --force "$ID-good"
}

@test "a record whose process id is used by another process counts as stopped" {
	process /probe sleep 100
	start_box
	pid=$(state_of pid)
	kill -KILL "$pid"
	wait_for 5 has_status stopped
	sleep 100 3>&- &
	other=$!
	sed -i "s/\"pid\": *$pid\b/\"pid\": $other/" "$(file)"
	equal "$(state_of status)" stopped
	masu_fails 'not running' kill "$ID" KILL
	masu_ok delete --force "$ID"
	kill -0 $other
	kill $other
}

@test "a record of an earlier boot counts as stopped" {
	process /probe sleep 100
	start_box
	boot=$(</proc/sys/kernel/random/boot_id)
	pid=$(state_of pid)
	need 'a boot id in the record' grep -q "$boot" "$(file)"
	sed -i "s/$boot/00000000-0000-0000-0000-000000000000/" "$(file)"
	equal "$(state_of status)" stopped
	sed -i "s/00000000-0000-0000-0000-000000000000/$boot/" "$(file)"
	equal "$(state_of status)" running
}

@test "a creator that is killed leaves a record that delete --force cleans" {
	process /probe sleep 100
	spec_edit '.hooks.createRuntime = [{"path": "/bin/sleep", "args": ["sleep", "100"]}]'
	"$MASU" --root "$STATE" create --bundle "$BUNDLE" "$ID" >/dev/null 2>&1 3>&- &
	creator=$!
	wait_for 5 pgrep -P $creator -x sleep
	hook=$(pgrep -P $creator -x sleep)
	equal "$(state_of status)" creating
	kill -KILL $creator
	wait $creator || true
	kill "$hook" 2>/dev/null || true
	run_masu start "$ID"
	((status == 1))
	masu_ok delete --force "$ID"
	nothing_left
}

@test "the first process ends when its creator is killed" {
	process /probe sleep 100
	spec_edit '.hooks.createRuntime = [{"path": "/bin/sleep", "args": ["sleep", "300"]}]'
	"$MASU" --root "$STATE" create --bundle "$BUNDLE" "$ID" >/dev/null 2>&1 3>&- &
	creator=$!
	wait_for 5 pgrep -P $creator -x sleep
	children=$(pgrep -P $creator)
	kill -KILL $creator
	wait $creator || true
	for child in $children; do
		if [[ $(cat "/proc/$child/comm" 2>/dev/null) == sleep ]]; then
			kill "$child"
		else
			wait_for 5 is_gone "$child"
		fi
	done
	masu_ok delete --force "$ID"
}

@test "gc removes what a killed creator has left, and nothing that lives" {
	need 'gc' test "$(basename "$MASU")" = masu
	process /probe sleep 100
	start_box "$ID-alive"
	spec_edit '.hooks.createRuntime = [{"path": "/bin/sleep", "args": ["sleep", "300"]}]'
	"$MASU" --root "$STATE" create --bundle "$BUNDLE" "$ID" >/dev/null 2>&1 3>&- &
	creator=$!
	wait_for 5 pgrep -P $creator -x sleep
	hook=$(pgrep -P $creator -x sleep)
	kill -KILL $creator "$hook"
	wait $creator || true
	masu_ok gc --dry-run
	matches "$out" "$ID"
	lacks "$out" "$ID-alive"
	[[ -d $STATE/$ID ]]
	masu_ok gc
	[[ ! -e $STATE/$ID ]]
	equal "$(state_of status "$ID-alive")" running
}

@test "a container that is being created shows as creating and can be deleted by force" {
	process /probe sleep 100
	spec_edit '.hooks.createRuntime = [{"path": "/bin/sleep", "args": ["sleep", "300"]}]'
	"$MASU" --root "$STATE" create --bundle "$BUNDLE" "$ID" >/dev/null 2>&1 3>&- &
	creator=$!
	wait_for 5 pgrep -P $creator -x sleep
	hook=$(pgrep -P $creator -x sleep)
	equal "$(state_of status)" creating
	# each waits ten seconds for the lock
	LIMIT=60 masu_fails '.' start "$ID"
	LIMIT=60 masu_fails '.' delete "$ID"
	kill "$hook"
	wait $creator || true
	nothing_left
}

@test "state files are complete at every moment" {
	process /probe sleep 100
	start_box
	for _ in {1..10}; do
		"$MASU" --root "$STATE" pause "$ID"
		"$MASU" --root "$STATE" resume "$ID"
	done &
	changer=$!
	for _ in {1..20}; do
		masu_ok state "$ID"
		expect '.status | test("^(running|paused)$")'
	done
	wait $changer
}

@test "a state directory on a read-only or full file system is an error that names it" {
	need_root 'mounts on the host'
	mkdir -p "$STATE"
	for options in ro,mode=700 size=4k,nr_inodes=1,mode=700; do
		unshare --mount --propagation private sh -c \
			'mount -t tmpfs -o "$1" full "$2" && shift 2 && exec "$@"' - "$options" "$STATE" \
			"$MASU" --root "$STATE" create --bundle "$BUNDLE" "$ID" >"$T/out" 2>"$T/err" </dev/null 3>&- && fail 'created'
		err=$(<"$T/err")
		one_line_error "$STATE.*(read-only|no space)"
	done
	nothing_left
}

@test "want of descriptors does not make a wreck of a container that lives" {
	local limit

	process /probe sleep 100
	start_box
	for limit in {3..12}; do
		prlimit --nofile="$limit:$limit" "$MASU" --root "$STATE" gc 3>&- || true
		lacks "$(prlimit --nofile="$limit:$limit" "$MASU" --root "$STATE" list 3>&- 2>&1)" broken
		equal "$(state_of status)" running "status after gc with $limit descriptors"
	done
}
