# SPDX-License-Identifier: LGPL-2.1-or-later
# --systemd-cgroup: a transient scope, limits as its properties and in the container's own directory below it. Most of it runs in the guest.
load lib

masu_systemd() {
	run_masu --systemd-cgroup "$@"
	((status == 0)) || fail "masu --systemd-cgroup $* exited with $status: $err"
}

need_systemd() {
	need 'systemd as the first process' test -d /run/systemd/system
}

scope_of() {
	echo "masu-${1:-$ID}.scope"
}

# property NAME [UNIT]
property() {
	systemctl show --value -p "$1" "${2:-$(scope_of)}"
}

scope_dir() {
	echo "/sys/fs/cgroup$(property ControlGroup "$@")"
}

unit_is_gone() {
	[[ $(property LoadState "$@") == not-found ]]
}

limited() {
	shell 'sleep 1000'
	spec_edit '.linux.resources += {"memory": {"limit": 67108864, "reservation": 33554432}, "pids": {"limit": 30},
		"cpu": {"shares": 512, "quota": 33333, "period": 100000, "cpus": "0"}, "unified": {"cgroup.max.depth": "5"}}'
}

@test "without systemd --systemd-cgroup is one clear line at once, and nothing is left" {
	need 'a host without systemd' test ! -d /run/systemd/system
	LIMIT=5 masu_fails "^masu: create $ID: make a systemd scope: systemd does not run here" \
		--systemd-cgroup create --bundle "$BUNDLE" "$ID"
	nothing_left
	DBUS_SYSTEM_BUS_ADDRESS=unix:path=$T/none LIMIT=5 masu_fails "reach systemd at unix:path=$T/none: No such file" \
		--systemd-cgroup run --bundle "$BUNDLE" "$ID"
	nothing_left
}

@test "a bus that takes the connection and does not answer fails the command in its time" {
	local begin

	python3 -c 'import socket, sys, time; s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(5); time.sleep(60)' \
		"$T/bus" 3>&- &
	wait_for 10 test -S "$T/bus"
	begin=$SECONDS
	DBUS_SYSTEM_BUS_ADDRESS=unix:path=$T/bus masu_fails 'cgroup: start scope .*no answer within 1 s' \
		--systemd-cgroup --systemd-timeout 1 create --bundle "$BUNDLE" "$ID"
	((SECONDS - begin < 15)) || fail "it took $((SECONDS - begin)) s"
	kill %1
	nothing_left
}

@test "paths that are no scope's name are refused by their field, before anything is asked of systemd" {
	local path

	for path in /a/b a:b a.slice:b:c:d nosuffix:b:c a--b.slice:b:c a/b.slice:b:c a.slice:b: a.slice:b:c.slice a.slice:b:../c; do
		spec_edit '.linux.cgroupsPath = $path' --arg path "$path"
		masu_fails '^masu: create .*linux.cgroupsPath: "' --systemd-cgroup create --bundle "$BUNDLE" "$ID"
	done
	nothing_left
}

@test "limits are the scope's properties and the files of both directories; update changes all of them" {
	need_systemd
	limited
	masu_systemd run --detach --bundle "$BUNDLE" "$ID"
	local dir

	dir=$(scope_dir)
	equal "$dir" "/sys/fs/cgroup/system.slice/$(scope_of)"
	equal "$(cgroup_dir pids)" "$dir/container" 'where the process is'
	equal "$(property MemoryMax),$(property MemoryLow),$(property TasksMax),$(property CPUWeight),$(property AllowedCPUs)" \
		'67108864,33554432,30,59,0'
	equal "$(property CPUQuotaPerSecUSec),$(property Delegate),$(property CollectMode)" '340ms,yes,inactive-or-failed'
	equal "$(<"$dir/memory.max") $(<"$dir/pids.max") $(<"$dir/cpu.weight")" '67108864 30 59' 'the scope'
	equal "$(<"$dir/container/memory.max") $(<"$dir/container/pids.max") $(<"$dir/container/cpu.max")" '67108864 30 33333 100000'
	equal "$(<"$dir/container/cgroup.max.depth")" 5 'what systemd has no property for'
	equal "$(cat "$dir/cgroup.procs")" '' 'processes in the scope itself'
	masu_ok exec "$ID" cat /proc/self/cgroup
	equal "$out" "0::/system.slice/$(scope_of)/container" "exec's cgroup"
	masu_ok update --memory 33554432 --pids-limit 20 --cpu-quota 50000 "$ID"
	equal "$(property MemoryMax),$(property TasksMax),$(property CPUQuotaPerSecUSec)" '33554432,20,500ms' 'after update'
	equal "$(<"$dir/container/memory.max") $(<"$dir/pids.max") $(<"$dir/container/cpu.max")" '33554432 20 50000 100000'
	masu_ok delete --force "$ID"
	[[ ! -e $dir ]] || fail "$dir is left"
	unit_is_gone || fail 'the unit is left'
}

@test "daemon-reload leaves the device filter and the container's own limits in force" {
	need_systemd
	limited
	spec_edit '.linux.resources.devices = [{"allow": false, "access": "rwm"}] |
		.linux.devices = [{"path": "/dev/kmsg", "type": "c", "major": 1, "minor": 11, "fileMode": 438}]'
	masu_systemd run --detach --bundle "$BUNDLE" "$ID"
	LIMIT=120 run_program systemctl daemon-reload
	equal "$status" 0 'daemon-reload'
	masu_ok exec "$ID" sh -c 'head -c 1 /dev/zero >/dev/null && echo zero; head -c 1 /dev/kmsg >/dev/null || echo refused'
	equal "$out" $'zero\nrefused' 'devices after daemon-reload'
	equal "$(<"$(scope_dir)/container/cgroup.max.depth") $(<"$(scope_dir)/container/memory.max")" '5 67108864'
}

@test "slice and prefix are as asked, and the scope ends with the container, again and again" {
	need_systemd
	spec_edit '.linux.cgroupsPath = "masu-test.slice:box:" + $id' --arg id "$ID"
	process /bin/true
	for _ in 1 2 3; do
		masu_systemd run --bundle "$BUNDLE" "$ID"
	done
	unit_is_gone "box-$ID.scope" || fail 'the unit is left'
	shell 'sleep 1000'
	masu_systemd run --detach --bundle "$BUNDLE" "$ID"
	equal "$(property ControlGroup "box-$ID.scope")" "/masu.slice/masu-test.slice/box-$ID.scope"
	masu_ok pause "$ID"
	equal "$(state_of status)" paused
	masu_ok resume "$ID"
	masu_ok events --stats "$ID"
	expect '.data.pids.current >= 1'
	masu_ok kill --all "$ID" KILL
	wait_for 10 has_status stopped
	masu_ok delete "$ID"
	systemctl stop masu-test.slice masu.slice
}

@test "a scope of that name that is somebody else's is an error, and lives on" {
	need_systemd
	systemd-run --quiet --scope --unit "$(scope_of)" sleep 1000 3>&- &
	wait_for 20 test -e "/sys/fs/cgroup/system.slice/$(scope_of)/cgroup.procs"
	process /bin/true
	masu_fails 'cgroup: start scope .*systemd: Unit .* already' --systemd-cgroup run --bundle "$BUNDLE" "$ID"
	equal "$(property ActiveState)" active "the other's scope"
	systemctl stop "$(scope_of)"
	wait
}

@test "a start that fails or is killed in the middle leaves no scope" {
	need_systemd
	need 'a build with fault points (make faults)' test -x "$MASU_FAULTS"
	UNDER_TEST=$(realpath "$MASU_FAULTS")
	local row

	for row in cgroup adopt save-state; do
		MASU_FAIL_AT=$row masu_fails "$row: fail as" --systemd-cgroup run --bundle "$BUNDLE" "$ID"
		unit_is_gone || fail "a unit after a failure at $row"
	done
	for row in cgroup spawn adopt; do
		MASU_KILL_AT=$row run_masu --systemd-cgroup create --bundle "$BUNDLE" "$ID"
		((status != 0)) || fail "it survived a kill at $row"
		masu_ok gc
		wait_for 10 unit_is_gone
	done
}

@test "properties by annotation: those that tell how it ends, and no others" {
	need_systemd
	shell 'sleep 1000'
	spec_edit '.annotations += {"org.systemd.property.TimeoutStopSec": "7", "org.systemd.property.KillMode": "\u0027mixed\u0027"}'
	masu_systemd run --detach --bundle "$BUNDLE" "$ID"
	equal "$(property TimeoutStopUSec),$(property KillMode)" '7s,mixed'
	masu_ok delete --force "$ID"
	spec_edit '.annotations = {"org.systemd.property.MemoryMax": "uint64 1"}'
	masu_fails 'annotations.org.systemd.property.MemoryMax: a spec may not' --systemd-cgroup create --bundle "$BUNDLE" "$ID"
}
