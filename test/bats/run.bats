# SPDX-License-Identifier: LGPL-2.1-or-later
# `run`: exit status, streams, signals, pid file, detaching.
load lib

# bats test_tags=guest
@test "run exits with the status of the process" {
	for code in 0 1 7 255; do
		process /probe exit $code
		run_masu run --bundle "$BUNDLE" "$ID"
		equal "$status" $code
		nothing_left
	done
}

@test "run exits with 128 plus the signal that ended the process" {
	shell 'kill -9 $$'
	spec_edit '.linux.namespaces -= [{"type": "pid"}]'
	run_masu run --bundle "$BUNDLE" "$ID"
	equal "$status" 137
	shell 'kill -15 $$'
	spec_edit '.linux.namespaces -= [{"type": "pid"}]'
	run_masu run --bundle "$BUNDLE" "$ID"
	equal "$status" 143
}

@test "standard streams are the caller's" {
	shell 'cat; echo to-stderr >&2'
	printf 'one\ntwo' >"$T/in"
	STDIN=$T/in run_masu run --bundle "$BUNDLE" "$ID"
	equal "$status" 0
	equal "$out" $'one\ntwo'
	equal "$err" 'to-stderr'
}

@test "a megabyte passes through unchanged" {
	process /probe cat
	head -c 1000000 /dev/urandom >"$T/in"
	STDIN=$T/in run_masu run --bundle "$BUNDLE" "$ID"
	equal "$status" 0
	cmp "$T/in" "$T/out"
}

@test "streams that are closed at the start do not matter" {
	process /probe exit 3
	status=0
	"$MASU" --root "$STATE" run --bundle "$BUNDLE" "$ID" <&- >&- 2>&- 3>&- || status=$?
	equal "$status" 3
}

@test "signals sent to run reach the process" {
	process /probe signal
	for signal in TERM HUP USR1 INT; do
		rm -f "$T/out" # else the last round's "ready" may still be read
		"$MASU" --root "$STATE" run --bundle "$BUNDLE" "$ID" </dev/null >"$T/out" 2>"$T/err" 3>&- &
		runner=$!
		wait_for 5 grep -q ready "$T/out"
		kill -s $signal $runner
		wait $runner
		equal "$(sed -n 's/^signal //p' "$T/out")" "$(kill -l $signal)" "signal"
		nothing_left
	done
}

@test "run --detach returns at once and the container lives on" {
	process /probe sleep 100
	start_box
	equal "$(state_of status)" running
	pid=$(state_of pid)
	[[ -d /proc/$pid ]]
	masu_ok kill "$ID" KILL
	wait_for 5 has_status stopped
	masu_ok delete "$ID"
	nothing_left
}

@test "run --keep leaves a stopped container behind" {
	need 'run --keep' test "$(basename "$MASU")" != runc
	process /probe exit 4
	run_masu run --keep --bundle "$BUNDLE" "$ID"
	equal "$status" 4
	equal "$(state_of status)" stopped
	equal "$(state_of pid)" 0
	masu_ok delete "$ID"
}

@test "the pid file holds the decimal pid and nothing else" {
	process /probe sleep 100
	masu_ok create --bundle "$BUNDLE" --pid-file "$T/pid" "$ID"
	printf %s "$(state_of pid)" >"$T/want"
	cmp "$T/want" "$T/pid"
	masu_ok delete --force "$ID"
	masu_ok run -d --pid-file "$T/pid" --bundle "$BUNDLE" "$ID"
	printf %s "$(state_of pid)" >"$T/want"
	cmp "$T/want" "$T/pid"
}

@test "a start that fails after the pid file was written takes it back" {
	echo "no program at all" >"$BUNDLE/rootfs/bin/text"
	chmod 755 "$BUNDLE/rootfs/bin/text"
	process /bin/text
	masu_fails 'exec format error|Exec format error' run --bundle "$BUNDLE" --pid-file "$T/pid" "$ID"
	[[ ! -e $T/pid ]]
}

@test "a pid file that cannot be written fails the start and leaves nothing" {
	masu_fails 'pid' run --bundle "$BUNDLE" --pid-file "$T/no/such/dir/pid" "$ID"
	nothing_left
}

@test "a relative bundle and the current directory as the default bundle work" {
	process /bin/echo here
	cd "$T"
	masu_ok run --bundle bundle "$ID"
	equal "$out" here
	cd bundle
	masu_ok run "$ID"
	equal "$out" here
}

@test "the caller's descriptors do not reach the process" {
	process /probe fds
	exec 7</etc/passwd 9</etc
	run_box
	expect '.fds | keys == ["0", "1", "2"]'
}

@test "preserve-fds hands over descriptors 3 and up, in order" {
	process /probe fds
	printf a >"$T/a"
	printf b >"$T/b"
	"$MASU" --root "$STATE" run --preserve-fds 2 --bundle "$BUNDLE" "$ID" 3<"$T/a" 4<"$T/b" 5</etc/passwd \
		>"$T/out" </dev/null
	out=$(<"$T/out")
	expect '.fds | keys == ["0", "1", "2", "3", "4"]' '.fds["3"] | endswith("/a")' '.fds["4"] | endswith("/b")'
}

@test "a descriptor to preserve that was not handed over is refused, not filled with one of masu's own" {
	process /probe fds
	masu_fails 'number 3 was not handed over' run --preserve-fds 1 --bundle "$BUNDLE" "$ID"
	process /bin/sleep 100
	start_box
	run_masu exec --preserve-fds 1 "$ID" /bin/true
	equal "$status" 255
	one_line_error 'number 3 was not handed over'
	masu_ok delete --force "$ID"
}

@test "LISTEN_FDS descriptors come first and the environment tells of them" {
	process /probe fds env
	printf a >"$T/a"
	printf b >"$T/b"
	LISTEN_FDS=1 sh -c 'LISTEN_PID=$$ exec "$@"' - "$MASU" --root "$STATE" run --preserve-fds 1 \
		--bundle "$BUNDLE" "$ID" 3<"$T/a" 4<"$T/b" >"$T/out" </dev/null
	out=$(<"$T/out")
	expect '.fds["3"] | endswith("/a")' '.fds["4"] | endswith("/b")' '.env | index("LISTEN_FDS=1")' \
		'.env | index("LISTEN_PID=1")'
}

@test "the process is a child that no one needs to reap after a detached run" {
	process /probe exit 0
	start_box
	wait_for 5 has_status stopped
	masu_ok delete "$ID"
}

@test "orphans inside a pid namespace end with the first process" {
	process /probe spawn-orphan 100
	run_box
	nothing_left
}

@test "a missing program is named, and so is one that may not run" {
	process /nope
	masu_fails 'exec.*/nope.*(no such file or directory|executable file not found)' run --bundle "$BUNDLE" "$ID"
	process nope-in-path
	masu_fails 'exec: .?"nope-in-path.?": executable file not found in \$PATH' run --bundle "$BUNDLE" "$ID"
	process /etc/passwd
	masu_fails '/etc/passwd.*permission denied' run --bundle "$BUNDLE" "$ID"
	nothing_left
}

@test "run needs a process, create does not" {
	spec_edit 'del(.process)'
	masu_fails 'process: missing, it names the program to run' run --bundle "$BUNDLE" "$ID"
	nothing_left
	create_box
	masu_ok delete "$ID"
}
