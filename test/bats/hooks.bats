# SPDX-License-Identifier: LGPL-2.1-or-later
# hooks: their order, place, state, environment, time limit, and what their failure does.
load lib

# hook KIND COMMAND [FIELDS]: append a hook that runs `sh -c COMMAND`.
hook() {
	local shell=/bin/sh

	spec_edit '.hooks[$kind] += [{"path": $sh, "args": ["sh", "-c", $command]} + $fields]' --arg kind "$1" --arg sh $shell \
		--arg command "$2" --argjson fields "${3:-{\}}"
}

# told KIND KEY: what test/data/hook.sh has noted.
told() {
	sed -n "s/^$1 $2 //p" "$T/told" "$BUNDLE/rootfs/tmp/told" 2>/dev/null
}

HOST_HOOKS='prestart createRuntime poststart poststop'

@test "hooks run in the order of the specification, each list in its own order" {
	shell 'echo process >>/tmp/order'
	touch "$BUNDLE/rootfs/tmp/order" && chmod 666 "$BUNDLE/rootfs/tmp/order"
	for kind in poststop poststart createContainer createRuntime prestart; do
		hook $kind "echo $kind-1 >>$BUNDLE/rootfs/tmp/order"
		hook $kind "echo $kind-2 >>$BUNDLE/rootfs/tmp/order"
	done
	hook startContainer 'echo startContainer >>/tmp/order'
	create_box
	equal "$(tr '\n' ' ' <"$BUNDLE/rootfs/tmp/order")" \
		'prestart-1 prestart-2 createRuntime-1 createRuntime-2 createContainer-1 createContainer-2 '
	masu_ok start "$ID"
	wait_for 5 has_status stopped
	equal "$(grep -v '^prestart\|^create' "$BUNDLE/rootfs/tmp/order" | sort | tr '\n' ' ')" \
		'poststart-1 poststart-2 process startContainer '
	equal "$(sed -n 7p "$BUNDLE/rootfs/tmp/order")" startContainer
	masu_ok delete "$ID"
	equal "$(tail -2 "$BUNDLE/rootfs/tmp/order" | tr '\n' ' ')" 'poststop-1 poststop-2 '
}

@test "hooks get the state of the container on standard input" {
	process /probe sleep 100
	spec_edit '.annotations = {"org.example.a": "b"}'
	for kind in $HOST_HOOKS createContainer; do
		hook $kind "sh $REPO/test/data/hook.sh $T/told $kind"
	done
	cp "$REPO/test/data/hook.sh" "$BUNDLE/rootfs/hook.sh"
	hook startContainer 'sh /hook.sh /tmp/told startContainer'
	create_box
	pid=$(state_of pid)
	masu_ok start "$ID"
	masu_ok delete --force "$ID"
	for kind in $HOST_HOOKS createContainer startContainer; do
		out=$(told $kind state)
		expect ".id == \"$ID\"" '.ociVersion | test("^1\\.[0-9]+\\.[0-9]+")' ".bundle == \"$BUNDLE\"" \
			'.annotations["org.example.a"] == "b"'
	done
	out=$(told createRuntime state) && expect '.status == "creating"' ".pid == $pid"
	out=$(told prestart state) && expect '.status == "creating"' ".pid == $pid"
	out=$(told createContainer state) && expect '.status == "creating"' '.pid == 1'
	out=$(told startContainer state) && expect '.status == "created"' '.pid == 1'
	out=$(told poststart state) && expect '.status == "running"' ".pid == $pid"
	out=$(told poststop state) && expect '.status == "stopped"'
}

@test "hooks run in the namespaces that the specification says" {
	process /probe sleep 100
	for kind in $HOST_HOOKS createContainer; do
		hook $kind "sh $REPO/test/data/hook.sh $T/told $kind"
	done
	cp "$REPO/test/data/hook.sh" "$BUNDLE/rootfs/hook.sh"
	hook startContainer 'sh /hook.sh /tmp/told startContainer'
	start_box
	pid=$(state_of pid)
	inside=$(readlink "/proc/$pid/ns/mnt")
	inside_net=$(readlink "/proc/$pid/ns/net")
	masu_ok delete --force "$ID"
	for kind in $HOST_HOOKS; do
		equal "$(told $kind mnt)" "$(readlink /proc/self/ns/mnt)" "$kind"
		equal "$(told $kind net)" "$(readlink /proc/self/ns/net)" "$kind"
	done
	equal "$(told createContainer mnt)" "$inside"
	equal "$(told createContainer net)" "$inside_net"
	equal "$(told startContainer mnt)" "$inside"
}

@test "createRuntime hooks see the root file system before the pivot, through the process's pid" {
	need_root 'entering a mount namespace'
	process /bin/cat /mnt/from-hook
	hook createRuntime 'pid=$(sed -n "s/.*\"pid\": *\([0-9]*\).*/\1/p"); nsenter -t $pid -m mkdir -p '"$BUNDLE/rootfs/mnt"' && echo hello | nsenter -t $pid -m tee '"$BUNDLE/rootfs/mnt/from-hook"
	run_box
	matches "$out" hello
}

@test "createContainer hooks find the host's programs and can mount into the container" {
	process /bin/cat /mnt/file
	mkdir "$T/source" && echo content >"$T/source/file"
	hook createContainer "mount --bind $T/source $BUNDLE/rootfs/mnt"
	run_box
	equal "$out" content
	[[ ! -e $BUNDLE/rootfs/mnt/file ]]
}

@test "a hook's environment is exactly the one given, and empty when none is" {
	process /bin/true
	hook createRuntime "tr '\\0' '\\n' </proc/self/environ >$T/env.given" '{"env": ["A=1", "B=two words"]}'
	hook createRuntime "tr '\\0' '\\n' </proc/self/environ >$T/env.none"
	hook createContainer "tr '\\0' '\\n' </proc/self/environ >$T/env.inside"
	hook poststop "tr '\\0' '\\n' </proc/self/environ >$T/env.stop"
	CANARY=leaks run_box
	equal "$(<"$T/env.given")" $'A=1\nB=two words'
	for file in env.none env.inside env.stop; do
		equal "$(<"$T/$file")" '' $file
	done
}

@test "hooks inherit no descriptors, neither the caller's nor those for the process" {
	process /bin/true
	printf '#!/bin/sh\nls -l /proc/self/fd >"%s/fds.$1"\n' "$T" >"$T/program" && chmod +x "$T/program"
	spec_edit '.hooks = {"createRuntime": [{"path": $p, "args": ["p", "host"]}],
		"createContainer": [{"path": $p, "args": ["p", "inside"]}]}' --arg p "$T/program"
	"$MASU" --root "$STATE" run --preserve-fds 1 --bundle "$BUNDLE" "$ID" 3</etc/passwd 7</etc/group </dev/null
	for side in host inside; do
		[[ -s $T/fds.$side ]]
		! grep -E '/etc/(passwd|group)|'"$STATE" "$T/fds.$side"
	done
}

@test "a hook fails also where the caller ignores SIGCHLD" {
	process /bin/true
	hook createRuntime 'exit 3'
	run_program env --ignore-signal=CHLD "$MASU" --root "$STATE" run --bundle "$BUNDLE" "$ID"
	equal "$status" 1
	matches "$err" 'exit status 3'
}

@test "args are passed as they are, with args[0]" {
	process /bin/true
	printf '#!/bin/sh\nprintf "%%s|" "$@" >%s/args\n' "$T" >"$T/program" && chmod +x "$T/program"
	spec_edit '.hooks.createRuntime = [{"path": $program, "args": ["name", "a b", ""]}]' --arg program "$T/program"
	run_box
	equal "$(<"$T/args")" 'a b||'
}

@test "a failing prestart, createRuntime or createContainer hook fails create, runs poststop and leaves nothing" {
	for kind in prestart createRuntime createContainer; do
		spec_edit 'del(.hooks)'
		hook $kind 'echo reason >&2; exit 3'
		hook poststop "echo $kind >>$T/poststop"
		refused "$kind.*(3|status)"
		matches "$(<"$T/poststop")" $kind
	done
}

@test "a failing startContainer hook fails start and the container is gone or stopped" {
	shell 'echo ran >/tmp/ran'
	hook startContainer 'exit 4'
	hook poststop "echo poststop >>$T/poststop"
	create_box
	masu_fails 'startContainer' start "$ID"
	[[ ! -e $BUNDLE/rootfs/tmp/ran ]]
	if [[ -e $STATE/$ID ]]; then
		equal "$(state_of status)" stopped
	fi
	masu_ok delete --force "$ID"
	[[ -e $T/poststop ]]
}

@test "a failing poststart hook fails start, and the container is stopped" {
	process /probe sleep 100
	hook poststart 'exit 5'
	create_box
	pid=$(state_of pid)
	masu_fails 'poststart' start "$ID"
	wait_for 5 is_gone "$pid"
}

@test "a failing poststop hook is a warning: the rest goes on" {
	process /bin/true
	hook poststop 'exit 6'
	hook poststop "echo second >$T/second"
	start_box
	wait_for 5 has_status stopped
	run_masu delete "$ID"
	equal "$status" 0
	matches "$err" 'poststop'
	equal "$(<"$T/second")" second
	nothing_left
}

@test "a hook that takes too long is ended, with what it started, and the message names it" {
	nap=1000.$BATS_ROOT_PID # nobody else's
	hook createRuntime "sleep $nap" '{"timeout": 1}'
	before=$SECONDS
	refused 'createRuntime.*(time|second|within 1 s)'
	((SECONDS - before < 5))
	equal "$(pgrep -fc "sleep $nap\$" || true)" 0
}

@test "a hook ended by a signal, a missing hook and a hook that cannot run are named" {
	hook createRuntime 'kill -9 $$'
	refused 'createRuntime.*(signal|kill)'
	spec_edit '.hooks.createRuntime = [{"path": "/no/such/hook"}]'
	refused '/no/such/hook'
	spec_edit '.hooks.createRuntime = [{"path": "/etc/passwd"}]'
	refused '/etc/passwd.*permission denied'
}

@test "relative paths, a timeout of 0 and unknown kinds" {
	spec_edit '.hooks.createRuntime = [{"path": "hook"}]'
	refused 'hooks.createRuntime.*path'
	spec_edit '.hooks.createRuntime = [{"path": "/bin/true", "timeout": 0}]'
	refused 'hooks.createRuntime.*timeout'
	spec_edit '.hooks.createRuntime = [{"path": "/bin/true", "timeout": -1}]'
	refused 'hooks.createRuntime.*timeout'
	process /bin/true
	spec_edit '.hooks = {"someDay": [{"path": "/bin/false"}]}'
	run_box
}

@test "hooks that write a lot or ignore their input do not block" {
	process /bin/true
	hook createRuntime 'head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2'
	hook createRuntime 'exec <&-; exit 0'
	spec_edit '.annotations.large = ("x" * 200000)'
	masu_ok run --bundle "$BUNDLE" "$ID"
}

@test "the caller's descriptors do not reach hooks" {
	process /bin/true
	exec 8</etc/passwd
	hook createRuntime "ls /proc/self/fd | tr '\\n' ' ' >$T/fds"
	hook createContainer "ls /proc/self/fd | tr '\\n' ' ' >$T/fds.inside"
	run_box
	equal "$(<"$T/fds")" '0 1 2 3 '
	equal "$(<"$T/fds.inside")" '0 1 2 3 '
}
