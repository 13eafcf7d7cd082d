# SPDX-License-Identifier: LGPL-2.1-or-later
# The start table: for each row, a failure there and a kill there leave nothing behind, and the message names the row.
load lib

setup() {
	own_world
	need 'a build with fault points (make faults)' test -x "$MASU_FAULTS"
	UNDER_TEST=$(realpath "$MASU_FAULTS")
	process /probe exit 0
}

# A spec that takes part in as many rows as this host allows.
rich_spec() {
	spec_edit '.process.oomScoreAdj = 300 | .hostname = "rich" | .root.readonly = true |
		.linux.namespaces += [{"type": "cgroup"}, {"type": "time"}] | .linux.timeOffsets = {"monotonic": {"secs": 5}} |
		.linux.resources += {"pids": {"limit": 100}, "memory": {"limit": 104857600}} |
		.linux.sysctl = {"net.ipv4.ip_forward": "1"} |
		.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["getcpu"], "action": "SCMP_ACT_ERRNO"}]} |
		.hooks = {"createRuntime": [{"path": "/bin/true"}], "createContainer": [{"path": "/bin/true"}],
			"startContainer": [{"path": "/bin/true"}], "poststart": [{"path": "/bin/true"}], "poststop": [{"path": "/bin/true"}]}'
}

rows() {
	"$UNDER_TEST" --root "$STATE" "$@" --plan --bundle "$BUNDLE" "$ID" | sed -nE 's/^ *(HOST|INIT|WHILE) +([a-z0-9-]+).*/\2/p'
}

# each_row COMMAND...: for all rows that the plan of this bundle has, call COMMAND ROW.
each_row() {
	local row all

	all=$(rows run)
	[[ $(wc -l <<<"$all") -ge 15 ]] || fail "only these rows: $all"
	for row in $all; do
		"$@" "$row" || fail "at row $row"
	done
}

# told COMMAND ROW: the whole message: the container, the row, the cause.
told() {
	equal "$err" "masu: $1 $ID: $2: fail as MASU_FAIL_AT asked" "message of $1"
}

fails_at() {
	MASU_FAIL_AT=$1 run_masu run --bundle "$BUNDLE" "$ID"
	equal "$status" 1 'status of run'
	told run "$1"
	clean_after "$1"
}

killed_at() {
	MASU_KILL_AT=$1 run_masu run --bundle "$BUNDLE" "$ID"
	((status != 0)) || fail "run survived a kill at $1"
	run_masu delete --force "$ID"
	equal "$status" 0 "delete --force after a kill at $1"
	clean_after "$1"
}

# The cheap part of the proof for each row; teardown looks at the whole host.
clean_after() {
	local try

	for try in {1..40}; do
		[[ -n $(leftover_cgroups) ]] || break
		sleep 0.05
	done
	nothing_left || fail "after $1"
}

@test "the default spec: a failure at each row is undone and named" {
	each_row fails_at
}

@test "the default spec: a kill at each row can be cleaned by delete --force" {
	each_row killed_at
}

@test "a rich spec: a failure at each row is undone and named" {
	rich_spec
	each_row fails_at
}

@test "a rich spec: a kill at each row can be cleaned by delete --force" {
	rich_spec
	each_row killed_at
}

@test "a user namespace: failures and kills at each row" {
	add_user_namespace 100000 100000
	each_row fails_at
	each_row killed_at
}

@test "early seccomp and late pivot: failures at each row" {
	rich_spec
	spec_edit '.process.noNewPrivileges = false'
	each_row fails_at
}

@test "after a kill at each row gc cleans, too" {
	killed_and_collected() {
		MASU_KILL_AT=$1 run_masu run --bundle "$BUNDLE" "$ID"
		masu_ok gc
		# from save-state on it is a whole container that may live and end as one
		if [[ -e $STATE/$ID ]]; then
			matches "$(state_of status)" '^(created|running|stopped)$'
			masu_ok delete --force "$ID"
		fi
		clean_after "$1"
	}
	each_row killed_and_collected
}

@test "create and start: a failure at each row" {
	fails_in_two() {
		local command=create

		MASU_FAIL_AT=$1 run_masu create --bundle "$BUNDLE" "$ID"
		# the rows behind wait-start fail in start
		if ((status == 0)); then
			command=start
			run_masu start "$ID"
		fi
		equal "$status" 1 "status of $command"
		told "$command" "$1"
		if [[ $command == start ]]; then
			masu_ok delete --force "$ID"
		fi
		clean_after "$1"
	}
	rich_spec
	each_row fails_in_two
}

@test "create and start: a kill at each row can be cleaned by delete --force" {
	killed_in_two() {
		MASU_KILL_AT=$1 run_masu create --bundle "$BUNDLE" "$ID"
		if ((status == 0)); then
			run_masu start "$ID"
			wait_for 5 has_status stopped
		fi
		run_masu delete --force "$ID"
		equal "$status" 0 "delete --force after a kill at $1"
		clean_after "$1"
	}
	rich_spec
	each_row killed_in_two
}

# Rows of exec, by what they need to take part: a terminal, a filter that is loaded early or late.
EXEC_ROWS='spawn outside undumpable join-cgroup time enter-root keyring workdir label execution credentials program exec-ready limits exec'

# The container that exec enters; its own start has all of these rows, too.
exec_target() {
	rich_spec
	process /probe sleep 100
	spec_edit "$1"
	start_box
}

# The container is as it was, with one process.
container_lives() {
	local try

	for try in {1..40}; do
		masu_ok ps --format json "$ID"
		[[ $(jq length <<<"$out") != 1 ]] || break
		sleep 0.05
	done
	expect 'length == 1'
	equal "$(state_of status)" running 'status of the container'
}

# exec_fails_at ROW [OPTIONS...]
exec_fails_at() {
	local row=$1

	shift
	MASU_FAIL_AT=$row run_masu exec "$@" "$ID" /bin/true
	equal "$status" 255 "status of exec at $row"
	told exec "$row"
	container_lives
}

exec_killed_at() {
	local row=$1

	shift
	MASU_KILL_AT=$row run_masu exec "$@" "$ID" /bin/true
	matches "$status" '^(137|255)$'
	container_lives
}

@test "exec: a failure or a kill at each of its rows leaves the container as it was" {
	local row known

	known=$(sed -nE '/^#ifdef EXEC_STEPS/,/^#endif/ s/^(HOST|INIT)\( *"([a-z-]+)".*/\2/p' "$REPO/runtime/steps.def" | sort)
	equal "$(tr ' ' '\n' <<<"$EXEC_ROWS console console-send seccomp-early seccomp" | sort)" "$known" 'rows of exec'
	exec_target .
	for row in $EXEC_ROWS seccomp; do
		exec_fails_at "$row"
		exec_killed_at "$row"
	done
	for row in console console-send; do
		exec_fails_at "$row" --tty
		exec_killed_at "$row" --tty
	done
	masu_ok exec "$ID" /bin/true
}

@test "exec: a failure or a kill while the filter is loaded early" {
	exec_target '.process.noNewPrivileges = false'
	for row in seccomp-early credentials program exec-ready limits exec; do
		exec_fails_at "$row"
		exec_killed_at "$row"
	done
	masu_ok exec "$ID" /bin/true
}
