# SPDX-License-Identifier: LGPL-2.1-or-later
# linux.namespaces, id maps, time offsets, sysctl, host name.
load lib

# What a failed test of this file may leave besides containers.
teardown() {
	end_jobs
	ip link del "mt$((BATS_ROOT_PID % 100000))" 2>/dev/null || true
	all_of release_containers assert_host_clean assert_no_reports
}

host_ns() {
	readlink "/proc/self/ns/$1"
}

@test "each namespace that is listed is new, each that is not is the host's" {
	process /probe namespaces
	spec_edit '.linux.namespaces += [{"type": "cgroup"}]'
	run_box
	for type in cgroup ipc mnt net pid uts; do
		expect ".namespaces.$type != \"$(host_ns $type)\""
	done
	expect ".namespaces.time == \"$(host_ns time)\""
	((EUID != 0)) || expect ".namespaces.user == \"$(host_ns user)\""
	need_root 'containers without a network namespace of their own'
	spec_edit 'del(.hostname) | .linux.namespaces = [{"type": "mount"}] | .mounts = [.mounts[0]] | del(.linux.maskedPaths, .linux.readonlyPaths)'
	run_box
	for type in cgroup ipc net pid uts; do
		expect ".namespaces.$type == \"$(host_ns $type)\""
	done
	expect ".namespaces.mnt != \"$(host_ns mnt)\""
}

@test "namespaces are joined by path" {
	need_root 'namespaces to join'
	process /probe namespaces
	unshare --net --ipc --uts sleep 100 3>&- &
	holder=$!
	wait_for 5 sh -c "[ \$(readlink /proc/$holder/ns/net) != '$(host_ns net)' ]"
	spec_edit 'del(.hostname) | .linux.namespaces = [{"type": "pid"}, {"type": "mount"},
		{"type": "network", "path": "/proc/\($pid)/ns/net"}, {"type": "ipc", "path": "/proc/\($pid)/ns/ipc"},
		{"type": "uts", "path": "/proc/\($pid)/ns/uts"}]' --arg pid $holder
	run_box
	for type in net ipc uts; do
		expect ".namespaces.$type == \"$(readlink /proc/$holder/ns/$type)\""
	done
	kill $holder
}

@test "a pid namespace can be joined" {
	need_root 'namespaces to join'
	unshare --pid --fork --kill-child sleep 100 3>&- &
	holder=$!
	wait_for 5 pgrep -P $holder
	inner=$(pgrep -P $holder)
	process /probe ids namespaces
	spec_edit '.linux.namespaces = [{"type": "mount"}, {"type": "uts"}, {"type": "ipc"}, {"type": "network"}, {"type": "pid", "path": "/proc/\($pid)/ns/pid"}]' \
		--arg pid "$inner"
	run_box
	expect ".namespaces.pid == \"$(readlink "/proc/$inner/ns/pid")\"" '.ids.pid > 1'
	kill $holder
}

@test "duplicate types, unknown types, relative paths and paths of another type are refused" {
	spec_edit '.linux.namespaces += [{"type": "pid"}]'
	refused 'namespaces.*pid'
	spec_edit '.linux.namespaces[-1] = {"type": "nonsense"}'
	refused 'namespaces.*nonsense'
	spec_edit '.linux.namespaces[-1] = {"type": "cgroup", "path": "self/ns/cgroup"}'
	refused 'namespaces.*path'
	spec_edit '.linux.namespaces[-1] = {"type": "cgroup", "path": "/proc/self/ns/net"}'
	refused 'namespace'
	spec_edit '.linux.namespaces[-1] = {"type": "cgroup", "path": "/no/such/namespace"}'
	refused '/no/such/namespace.*no such file'
	spec_edit '.linux.namespaces[-1] = {"type": "cgroup", "path": "/etc/passwd"}'
	refused '/etc/passwd'
}

@test "hostname and domainname are set, and need a UTS namespace" {
	process /probe uts
	spec_edit '.hostname = "a-name" | .domainname = "example.org"'
	run_box
	expect '.uts.hostname == "a-name"' '.uts.domainname == "example.org"'
	equal "$(hostname)" "$(uname -n)"
	spec_edit '.linux.namespaces -= [{"type": "uts"}]'
	refused 'hostname'
}

@test "a user namespace has the id maps of the spec" {
	need_root 'any ids in a user namespace'
	process /probe namespaces ids caps
	with_user_namespace
	run_box
	expect '.namespaces.uid_map | map(split(" ") | map(select(. != ""))) == [["0", "100000", "65536"]]' \
		'.namespaces.gid_map | map(split(" ") | map(select(. != ""))) == [["0", "200000", "65536"]]' \
		'.ids.uid == 0' '.caps.effective == "0000000020000420"' ".namespaces.user != \"$(host_ns user)\""
	process /probe sleep 100
	start_box
	equal "$(stat -c %u:%g "/proc/$(state_of pid)")" 100000:200000
}

@test "everything works in a user namespace: default mounts, devices, exec" {
	with_user_namespace
	shell 'echo x >/dev/null && head -c 1 /dev/zero | wc -c && cat /proc/self/oom_score_adj >/dev/null && ls /sys >/dev/null && echo fine'
	run_box
	equal "$out" $'1\nfine'
	process /probe sleep 100
	start_box
	masu_ok exec "$ID" /probe ids
	expect '.ids.uid == 0' '.ids.gid == 0'
}

@test "many id map lines are written whole" {
	need_root 'any ids in a user namespace'
	process /probe namespaces
	with_user_namespace
	spec_edit '.linux.uidMappings = [range(100) | {"containerID": ., "hostID": (100000 + 2 * .), "size": 1}] | .linux.gidMappings = .linux.uidMappings'
	run_box
	expect '.namespaces.uid_map | length == 100'
	spec_edit '.linux.uidMappings = [range(341) | {"containerID": ., "hostID": (100000 + 2 * .), "size": 1}]'
	refused 'uidMappings.*340'
}

@test "id maps that overlap or are missing are refused" {
	with_user_namespace
	spec_edit '.linux.uidMappings += [{"containerID": 5, "hostID": 300000, "size": 10}]'
	refused 'uidMappings|uid_map'
	spec_edit '.linux.uidMappings = []'
	refused 'uidMappings'
	spec_edit '.linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 0}]'
	refused 'uidMappings'
	spec_edit '.linux.namespaces -= [{"type": "user"}] | .linux.uidMappings = .linux.gidMappings'
	refused 'uidMappings|user namespace'
}

@test "time offsets shift the clocks of a time namespace" {
	process /probe time namespaces
	spec_edit '.linux.namespaces += [{"type": "time"}] |
		.linux.timeOffsets = {"monotonic": {"secs": 100000, "nanosecs": 5}, "boottime": {"secs": 200000}}'
	run_box
	expect '.namespaces.timens_offsets | map(split(" ") | map(select(. != ""))) | index([["monotonic", "100000", "5"]]) and index([["boottime", "200000", "0"]])' \
		'.time.monotonic > 100000' '.time.boottime - .time.monotonic > 99990'
	process /probe sleep 100
	start_box
	masu_ok exec "$ID" /probe time
	expect '.time.monotonic > 100000'
}

@test "time offsets need a time namespace" {
	spec_edit '.linux.timeOffsets = {"monotonic": {"secs": 5}}'
	refused 'timeOffsets'
}

@test "sysctls of the container's own namespaces are set, with dots or slashes" {
	spec_edit '.linux.sysctl = {"net.ipv4.ip_forward": "1", "kernel.shmmax": "123456", "net/ipv4/conf/lo/rp_filter": "2", "fs.mqueue.msg_max": "20"}'
	shell 'cd /proc/sys; cat net/ipv4/ip_forward kernel/shmmax net/ipv4/conf/lo/rp_filter fs/mqueue/msg_max'
	run_box
	equal "$out" $'1\n123456\n2\n20'
}

@test "sysctls that reach the host are refused" {
	for key in kernel.core_pattern vm.swappiness fs.file-max kernel.hostname kernel/../vm/swappiness net.ipv4.x/../../../vm.swappiness; do
		spec_edit '.linux.sysctl = {($key): "1"}' --arg key $key
		refused 'sysctl'
	done
	spec_edit '.linux.sysctl = {"net.ipv4.ip_forward": "1"} | .linux.namespaces -= [{"type": "network"}]'
	refused 'sysctl.*net.ipv4.ip_forward'
	spec_edit '.linux.sysctl = {"kernel.shmmax": "1"} | .linux.namespaces -= [{"type": "ipc"}]'
	refused 'sysctl.*kernel.shmmax'
}

@test "loopback is up in a new network namespace" {
	shell 'ip address show lo'
	run_box
	matches "$out" 'LOOPBACK,UP'
	matches "$out" 'inet 127.0.0.1/8'
}

@test "network devices are moved with their addresses and renamed" {
	need_root 'network devices'
	local name=mt$((BATS_ROOT_PID % 100000))
	ip link add "$name" type veth peer name "$name-p"
	ip address add 192.0.2.7/24 dev "$name"
	shell 'ip address show inside0'
	spec_edit '.linux.netDevices = {($name): {"name": "inside0"}}' --arg name "$name"
	run_box
	matches "$out" 'inside0.*UP'
	matches "$out" 'inet 192.0.2.7/24'
	[[ ! -e /sys/class/net/$name ]]
}

@test "network devices: missing ones, long names and missing namespaces are refused" {
	need_root 'network devices'
	spec_edit '.linux.netDevices = {"nosuchdev0": {}}'
	refused 'nosuchdev0'
	spec_edit '.linux.netDevices = {"lo": {"name": "averylongdevicename"}}'
	refused 'netDevices'
	spec_edit '.linux.netDevices = {"nosuchdev0": {}} | .linux.namespaces -= [{"type": "network"}]'
	refused 'netDevices'
}
