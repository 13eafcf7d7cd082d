# SPDX-License-Identifier: LGPL-2.1-or-later
# The life of a container: which command is legal in which status, and what the others answer.
load lib

@test "create, start, kill and delete walk through created, running and stopped" {
	process /probe sleep 100
	create_box
	equal "$(state_of status)" created
	[[ $(state_of pid) -gt 0 ]]
	masu_ok start "$ID"
	equal "$(state_of status)" running
	masu_ok kill "$ID" KILL
	wait_for 5 has_status stopped
	equal "$(state_of pid)" 0
	masu_ok delete "$ID"
	nothing_left
}

@test "create does not run the program, start does" {
	shell 'echo ran >/run/mark'
	create_box
	sleep 0.1
	[[ ! -e $BUNDLE/rootfs/run/mark ]]
	masu_ok start "$ID"
	wait_for 5 test -e "$BUNDLE/rootfs/run/mark"
	wait_for 5 has_status stopped
}

@test "state tells version, id, status, pid, bundle, annotations and time of creation" {
	process /probe sleep 100
	spec_edit '.annotations = {"org.example.key": "a value"}'
	start_box
	masu_ok state "$ID"
	expect '.ociVersion | test("^1\\.[0-9]+\\.[0-9]+")' ".id == \"$ID\"" '.status == "running"' '.pid > 0' \
		".bundle == \"$BUNDLE\"" '.annotations["org.example.key"] == "a value"' \
		'.created | test("^[0-9]{4}-[0-9]{2}-[0-9]{2}T")' '.rootfs | endswith("/rootfs")'
}

@test "an unknown container is an error that says so, whatever the command" {
	for command in state start kill delete pause resume; do
		masu_fails 'does not exist' $command "$ID"
	done
	masu_fails 'does not exist' ps "$ID"
	run_masu exec "$ID" /bin/true
	((status != 0))
	matches "$err" 'does not exist'
	echo '{}' >"$T/resources"
	masu_fails 'does not exist' update --resources "$T/resources" "$ID"
	nothing_left
}

@test "delete --force of an unknown container is a success" {
	masu_ok delete --force "$ID"
	equal "$out$err" ''
}

@test "an id is taken until it is deleted" {
	process /probe sleep 100
	create_box
	masu_fails 'already exists' create --bundle "$BUNDLE" "$ID"
	masu_fails 'already exists' run --bundle "$BUNDLE" "$ID"
	equal "$(state_of status)" created
	masu_ok delete "$ID"
	create_box
}

@test "start is for created containers only" {
	process /probe sleep 100
	start_box
	masu_fails 'running' start "$ID"
	equal "$(state_of status)" running
	masu_ok kill "$ID" KILL
	wait_for 5 has_status stopped
	masu_fails 'stopped' start "$ID"
	equal "$(state_of status)" stopped
}

@test "delete refuses a running container and says what it is" {
	process /probe sleep 100
	start_box
	masu_fails 'running' delete "$ID"
	equal "$(state_of status)" running
}

@test "delete takes a created container away" {
	process /probe sleep 100
	create_box
	pid=$(state_of pid)
	masu_ok delete "$ID"
	wait_for 5 is_gone "$pid"
	nothing_left
}

@test "delete --force takes a running and a paused container away" {
	process /probe sleep 100
	start_box
	masu_ok delete --force "$ID"
	nothing_left
	start_box
	masu_ok pause "$ID"
	masu_ok delete --force "$ID"
	nothing_left
}

@test "delete --force twice is a success twice" {
	process /probe sleep 100
	start_box
	masu_ok delete --force "$ID"
	masu_ok delete --force "$ID"
}

@test "kill of a stopped container fails, kill --all does not" {
	process /probe exit 0
	start_box
	wait_for 5 has_status stopped
	masu_fails 'container not running' kill "$ID" TERM
	masu_ok kill --all "$ID" KILL
}

@test "kill takes names in any spelling and numbers, TERM by default" {
	process /probe signal
	for signal in '' TERM SIGTERM sigterm 15; do
		start_box
		wait_for 5 grep -q ready "$T/out"
		cp "$T/out" "$T/ignored"
		# $T/out is the container's standard output: kill's own must go elsewhere
		"$MASU" --root "$STATE" kill "$ID" ${signal:+"$signal"}
		wait_for 5 has_status stopped
		matches "$(<"$T/out")" 'signal 15'
		"$MASU" --root "$STATE" delete "$ID"
	done
}

@test "kill sends real-time signals" {
	process /probe signal
	start_box
	wait_for 5 grep -q ready "$T/out"
	"$MASU" --root "$STATE" kill "$ID" 37
	wait_for 5 has_status stopped
	matches "$(<"$T/out")" 'signal 37'
}

@test "kill refuses what is no signal" {
	process /probe sleep 100
	start_box
	masu_fails 'signal' kill "$ID" NONSENSE
	masu_fails 'signal' kill "$ID" 1000
	equal "$(state_of status)" running
}

@test "kill reaches a created container" {
	process /probe sleep 100
	create_box
	masu_ok kill "$ID" KILL
	wait_for 5 has_status stopped
}

# bats test_tags=guest
@test "kill --all reaches every process when the pid namespace is the host's" {
	shell 'sleep 1000 & sleep 1000 & echo ready; wait'
	spec_edit '.linux.namespaces -= [{"type": "pid"}]'
	start_box
	wait_for 5 grep -q ready "$T/out"
	dir=$(cgroup_dir freezer)
	equal "$(wc -l <"$dir/cgroup.procs")" 3 'processes'
	"$MASU" --root "$STATE" kill --all "$ID" KILL
	wait_for 5 has_status stopped
	wait_for 5 test "$(wc -l <"$dir/cgroup.procs")" = 0
}

@test "delete --force ends every process when the pid namespace is the host's" {
	shell 'sleep 1000 & sleep 1000 & echo ready; wait'
	spec_edit '.linux.namespaces -= [{"type": "pid"}]'
	start_box
	wait_for 5 grep -q ready "$T/out"
	masu_ok delete --force "$ID"
	nothing_left
}

@test "pause freezes, resume thaws, and both refuse the wrong status" {
	process /probe sleep 100
	start_box
	masu_fails 'paused' resume "$ID"
	masu_ok pause "$ID"
	equal "$(state_of status)" paused
	masu_fails 'paused' pause "$ID"
	masu_ok resume "$ID"
	equal "$(state_of status)" running
}

# bats test_tags=guest
@test "a paused container does not run" {
	shell 'while :; do echo tick >>/run/ticks; sleep 0.01; done'
	start_box
	wait_for 5 test -s "$BUNDLE/rootfs/run/ticks"
	masu_ok pause "$ID"
	before=$(wc -c <"$BUNDLE/rootfs/run/ticks")
	sleep 0.1
	equal "$(wc -c <"$BUNDLE/rootfs/run/ticks")" "$before"
	masu_ok resume "$ID"
	sleep 0.1
	(($(wc -c <"$BUNDLE/rootfs/run/ticks") > before))
}

@test "kill -KILL ends a paused container" {
	process /probe sleep 100
	start_box
	masu_ok pause "$ID"
	masu_ok kill "$ID" KILL
	run_masu resume "$ID"
	wait_for 5 has_status stopped
}

@test "exec is refused in a stopped and in a paused container" {
	process /probe sleep 100
	start_box
	masu_ok pause "$ID"
	run_masu exec "$ID" /bin/true
	((status != 0))
	matches "$err" 'paused'
	masu_ok resume "$ID"
	masu_ok kill "$ID" KILL
	wait_for 5 has_status stopped
	run_masu exec "$ID" /bin/true
	((status != 0))
	matches "$err" 'stopped|not running'
}

@test "list shows containers as a table, as ids and as JSON" {
	process /probe sleep 100
	masu_ok list --format json
	matches "$out" '^(\[\]|null)$'
	start_box
	create_box "$ID-b"
	masu_ok list --quiet
	equal "$(sort <<<"$out")" "$ID"$'\n'"$ID-b"
	masu_ok list --format json
	expect 'length == 2' "[.[].id] | sort == [\"$ID\", \"$ID-b\"]" '[.[].status] | sort == ["created", "running"]' \
		'all(.[]; .pid > 0)' "all(.[]; .bundle == \"$BUNDLE\")" "all(.[]; .owner == \"$(id -un)\")"
	masu_ok list
	matches "$out" 'PID +STATUS +BUNDLE +CREATED +OWNER'
	matches "$out" "$ID +[0-9]+ +running"
}

@test "list --format json of nothing is an empty list even without a state directory" {
	masu_ok list -f json
	matches "$out" '^(\[\]|null)$'
}

@test "ps lists the host pids of all processes" {
	shell 'sleep 1000 & sleep 1000 & echo ready; wait'
	start_box
	wait_for 5 grep -q ready "$T/out"
	masu_ok ps --format json "$ID"
	expect 'length == 3' "index($(state_of pid)) != null"
	masu_ok ps "$ID"
	matches "$out" 'PID'
	matches "$out" "$(state_of pid)"
}

@test "the process's end while it is created is seen as stopped" {
	process /probe sleep 100
	create_box
	kill -KILL "$(state_of pid)"
	wait_for 5 has_status stopped
	run_masu start "$ID"
	((status == 1))
	masu_ok delete "$ID"
	nothing_left
}

@test "changing config.json after create has no effect" {
	process /bin/echo first
	create_box
	process /bin/echo second
	"$MASU" --root "$STATE" start "$ID"
	wait_for 5 has_status stopped
	equal "$(<"$T/out")" first
}

@test "a spec without process can be created but not started" {
	need 'create without process' test "$(basename "$MASU")" != runc
	spec_edit 'del(.process)'
	create_box
	equal "$(state_of status)" created
	masu_fails 'process' start "$ID"
	equal "$(state_of status)" created
	masu_ok delete "$ID"
}

@test "start tells when the program cannot be executed after all" {
	process /bin/later
	cp "$BUNDLE/rootfs/bin/busybox" "$BUNDLE/rootfs/bin/later"
	create_box
	rm "$BUNDLE/rootfs/bin/later"
	masu_fails '/bin/later.*no such file' start "$ID"
}

@test "two creates of one id at once: one wins, the other says exists" {
	process /probe sleep 100
	for n in 1 2 3 4; do
		{
			code=0
			"$MASU" --root "$STATE" create --bundle "$BUNDLE" "$ID" >/dev/null 2>"$T/err.$n" 3>&- || code=$?
			echo $code >"$T/status.$n"
		} &
	done
	wait
	equal "$(cat "$T"/status.* | sort | tr '\n' ' ')" '0 1 1 1 '
	equal "$(cat "$T"/err.* | grep -ci exist)" 3
	equal "$(state_of status)" created
}

@test "lists beside starts and deletes never fail" {
	process /probe exit 0
	for n in 1 2 3 4 5 6; do
		"$MASU" --root "$STATE" run --bundle "$BUNDLE" "$ID-$n" >/dev/null 2>&1 3>&-
	done &
	for n in {1..15}; do
		masu_ok list --format json
	done
	wait
}
