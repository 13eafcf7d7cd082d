# SPDX-License-Identifier: LGPL-2.1-or-later
# The command line as the engines spell it: options, exit codes, logs, version, features.
load lib

@test "long options take their value behind = or as the next word, before and after the command" {
	process /bin/echo ok
	for form in \
		"--root $STATE --log $T/log --log-format json run --bundle $BUNDLE $ID" \
		"--root=$STATE --log=$T/log --log-format=json run --bundle=$BUNDLE $ID" \
		"--root=$STATE run -b $BUNDLE $ID"; do
		# shellcheck disable=SC2086
		run_program "$MASU" $form
		equal "$status:$out" 0:ok "$form"
	done
}

@test "long options work with one dash, and options that only others need are taken" {
	process /bin/echo ok
	for option in -no-subreaper --no-subreaper --no-new-keyring --no-pivot; do
		masu_ok run $option --bundle "$BUNDLE" "$ID"
		equal "$out" ok "$option"
	done
}

@test "global options of the engines are taken" {
	process /bin/echo ok
	for option in --debug --rootless=false --rootless=auto; do
		run_program "$MASU" --root "$STATE" $option run --bundle "$BUNDLE" "$ID"
		equal "$status" 0 "$option"
		matches "$out" '^ok$'
	done
}

@test "options behind the id are taken too" {
	need 'options behind the id' test "$(basename "$MASU")" = masu
	process /bin/echo ok
	masu_ok run "$ID" --bundle "$BUNDLE"
	equal "$out" ok
}

@test "exec's options end at the id: what follows belongs to the command" {
	process /probe sleep 100
	start_box
	masu_ok exec "$ID" /bin/echo --tty -d --help
	equal "$out" '--tty -d --help'
	masu_ok exec --env A=1 "$ID" /bin/echo -- x
	equal "$out" '-- x'
}

@test "an unknown command, an unknown option, missing and extra words: one line, status 1" {
	masu_fails 'nonsense' nonsense
	masu_fails 'nonsense' run --nonsense "$ID"
	masu_fails 'argument|ID|container' state
	masu_fails 'argument|too many|unexpected' state "$ID" extra
	masu_fails 'bundle' run --bundle
	run_program "$MASU"
	((status == 1))
}

@test "--version names the program, the specification and libseccomp" {
	run_program "$MASU" --version
	equal "$status" 0
	matches "$(head -1 <<<"$out")" "^$(basename "$MASU") version [0-9]"
	matches "$out" '^spec: 1\.'
	run_program "$MASU" -v
	equal "$status" 0
}

@test "--help lists the commands, and each command has its own help" {
	run_program "$MASU" --help
	equal "$status" 0
	for command in create start state kill delete run exec list ps pause resume update events spec features; do
		matches "$out" "(^|[ ,])$command"
		run_program "$MASU" $command --help
		equal "$status" 0 "$command --help"
		matches "$out" "$command"
		run_program "$MASU" --help
	done
}

@test "checkpoint --help succeeds and restore wants the value of --lsm-mount-context, as podman probes" {
	run_program "$MASU" checkpoint --help
	equal "$status" 0
	run_program "$MASU" restore --lsm-mount-context
	((status != 0))
	matches "$out$err" 'needs an argument|requires an argument'
}

@test "a JSON log holds one object with level, message and time" {
	process /nope
	run_program "$MASU" --root "$STATE" --log "$T/log" --log-format json run --bundle "$BUNDLE" "$ID"
	equal "$status" 1
	equal "$(wc -l <"$T/log")" 1 'lines in the log'
	out=$(<"$T/log")
	expect '.level == "error"' '.msg | test("exec: \"/nope\": .*(no such file|not found)")' \
		'.time | test("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9]{2}:[0-9]{2})$")'
	matches "$err" '/nope'
}

@test "a successful command logs nothing" {
	process /bin/true
	run_program "$MASU" --root "$STATE" --log "$T/log" --log-format json run --bundle "$BUNDLE" "$ID"
	equal "$status" 0
	[[ ! -s $T/log ]]
	equal "$err" ''
}

@test "the log is appended to" {
	echo '{"earlier": 1}' >"$T/log"
	run_program "$MASU" --root "$STATE" --log "$T/log" --log-format json state "$ID"
	equal "$status" 1
	equal "$(wc -l <"$T/log")" 2
	out=$(tail -1 "$T/log")
	expect '.msg | test("does not exist")'
}

@test "an unknown log format is refused" {
	run_program "$MASU" --root "$STATE" --log-format xml state "$ID"
	((status == 1))
	matches "$err" 'log-format|xml'
}

@test "errors in engines' terms: 127, 126 and not found can be told apart" {
	process /nope
	masu_fails 'no such file or directory|executable file not found' run --bundle "$BUNDLE" "$ID"
	process /etc/passwd
	masu_fails 'exec: .?"/etc/passwd.?": permission denied' run --bundle "$BUNDLE" "$ID"
	process nope
	masu_fails 'exec: .?"nope.?": executable file not found in \$PATH' run --bundle "$BUNDLE" "$ID"
	masu_fails 'container.* does not exist' kill "$ID" 9
}

@test "spec writes a config.json that runs, and does not overwrite one" {
	local rootless=()

	((EUID == 0)) || rootless=(--rootless)
	mkdir "$T/new" && cd "$T/new"
	masu_ok spec "${rootless[@]}"
	jq -e '.ociVersion and .process.args and .linux.namespaces' config.json
	masu_fails 'exist' spec "${rootless[@]}"
	cp -al "$BATS_RUN_TMPDIR/rootfs" rootfs
	jq '.process.terminal = false | .process.args = ["/bin/echo", "ok"]' config.json >c && mv c config.json
	masu_ok run "$ID"
	equal "$out" ok
	masu_ok spec "${rootless[@]}" --bundle "$T"
	[[ -e $T/config.json ]]
}

@test "features is a complete document on standard output" {
	run_program "$MASU" features
	equal "$status" 0
	equal "$err" ''
	expect '.ociVersionMin | test("^1\\.")' '.ociVersionMax | test("^1\\.")' \
		'.hooks | sort == ["createContainer", "createRuntime", "poststart", "poststop", "prestart", "startContainer"]' \
		'.linux.namespaces | sort == ["cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts"]' \
		'.linux.capabilities | index("CAP_CHOWN") and index("CAP_CHECKPOINT_RESTORE") and length >= 41' \
		'.linux.cgroup | .v1 == true and .v2 == true and (.systemd | type) == "boolean" and (.systemdUser | type) == "boolean" and (.rdma | type) == "boolean"' \
		'.linux.seccomp.enabled == true' \
		'.linux.seccomp.actions | index("SCMP_ACT_ALLOW") and index("SCMP_ACT_ERRNO") and index("SCMP_ACT_NOTIFY") and index("SCMP_ACT_KILL_PROCESS")' \
		'.linux.seccomp.operators | length == 7' \
		'.linux.seccomp.archs | index("SCMP_ARCH_X86_64") and index("SCMP_ARCH_AARCH64")' \
		'.linux.seccomp.knownFlags | index("SECCOMP_FILTER_FLAG_LOG") and index("SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV")' \
		'.linux.seccomp.supportedFlags | type == "array"' \
		'.linux.apparmor.enabled | type == "boolean"' '.linux.selinux.enabled | type == "boolean"' \
		'.linux.intelRdt | .enabled == true and .schemata == true and .monitoring == true' \
		'.linux.memoryPolicy | (.modes | length == 7) and (.flags | length == 3)' \
		'.linux.mountExtensions.idmap.enabled == true' '.linux.netDevices.enabled == true' \
		'.annotations | type == "object"' '.potentiallyUnsafeConfigAnnotations | type == "array"'
	expect '["async", "atime", "bind", "defaults", "dev", "diratime", "dirsync", "exec", "iversion", "lazytime", "loud", "noatime", "nodev",
		"nodiratime", "noexec", "noiversion", "nolazytime", "norelatime", "nostrictatime", "nosuid", "private", "rbind", "relatime",
		"remount", "ro", "rprivate", "rshared", "rslave", "runbindable", "rw", "shared", "silent", "slave", "strictatime", "suid",
		"sync", "unbindable", "tmpcopyup", "rro", "idmap", "ridmap", "nosymfollow", "symfollow", "rnodev", "rrelatime"] - .mountOptions == []'
}

@test "update takes its resources from a file, from standard input and with = or a space" {
	process /probe sleep 100
	start_box
	echo '{"pids": {"limit": 50}}' >"$T/resources"
	dir=$(cgroup_dir pids)
	masu_ok update --resources "$T/resources" "$ID"
	equal "$(<"$dir/pids.max")" 50
	echo '{"pids": {"limit": 60}}' >"$T/resources"
	masu_ok update --resources="$T/resources" "$ID"
	equal "$(<"$dir/pids.max")" 60
	echo '{"pids": {"limit": 70}}' >"$T/resources"
	STDIN=$T/resources masu_ok update --resources - "$ID"
	equal "$(<"$dir/pids.max")" 70
	echo '{"pids": {"limit": 80}}' >"$T/resources"
	STDIN=$T/resources masu_ok update --resources=- "$ID"
	equal "$(<"$dir/pids.max")" 80
	masu_ok update --pids-limit 90 "$ID"
	equal "$(<"$dir/pids.max")" 90
}

@test "events --stats prints one line of statistics" {
	process /probe sleep 100
	start_box
	masu_ok events --stats "$ID"
	equal "$(wc -l <<<"$out")" 1
	expect '.type == "stats"' ".id == \"$ID\"" '.data.cpu.usage.total >= 0' '.data.memory.usage.usage > 0' \
		'.data.pids.current == 1' '.data | has("blkio") and has("hugetlb")'
}

@test "the state directory is private, and one that others can write is refused" {
	process /probe sleep 100
	create_box
	equal "$(stat -c %a "$STATE/$ID")" 700
	masu_ok delete --force "$ID"
	chmod 777 "$STATE"
	masu_fails 'writable|permission|mode|owner' create --bundle "$BUNDLE" "$ID"
	chmod 700 "$STATE"
}

@test "the program needs no environment" {
	process /bin/echo ok
	run_program env -i "$MASU" --root "$STATE" run --bundle "$BUNDLE" "$ID"
	equal "$status:$out" 0:ok
}

@test "a spec file can be run directly, with a name or without" {
	need 'spec files on the command line' test "$(basename "$MASU")" = masu
	process /bin/echo ok
	masu_ok run "$BUNDLE/config.json" "$ID"
	equal "$out" ok
	masu_ok run "$BUNDLE/config.json"
	equal "$out" ok
	nothing_left
}
