# SPDX-License-Identifier: LGPL-2.1-or-later
# masu update: each option reaches its file, whole documents do, and what cannot be applied is named.
load lib

setup() {
	own_world
	process /probe sleep 100
}

# file_of CONTROLLER FILE: what the container's file holds; fails when this host does not have it.
file_of() {
	cat "$(cgroup_dir "$1")/$2" 2>/dev/null
}

# Rows: controller, file, value that is to be there afterwards, arguments of update. A file that this host lacks is passed over.
check_updates() {
	local controller file value arguments checked=0

	while read -r controller file value arguments; do
		[[ -n $controller ]] || continue
		file_of "$controller" "$file" >"$T/before" || continue
		# shellcheck disable=SC2086
		masu_ok update $arguments "$ID"
		equal "$(file_of "$controller" "$file")" "${value//_/ }" "$file after update $arguments"
		checked=$((checked + 1))
	done
	((checked > 0)) || fail 'no row was for this host'
}

@test "each option changes its file" {
	start_box
	check_updates <<-'ROWS'
		cpu	cpu.shares			256		--cpu-share 256
		cpu	cpu.cfs_period_us		200000		--cpu-period 200000
		cpu	cpu.cfs_quota_us		50000		--cpu-quota 50000
		cpu	cpu.cfs_burst_us		20000		--cpu-burst 20000
		cpu	cpu.cfs_quota_us		-1		--cpu-quota -1 --cpu-burst 0
		cpu	cpu.idle			1		--cpu-idle 1
		cpu	cpu.max				50000_200000	--cpu-quota 50000 --cpu-period 200000
		cpu	cpu.weight			10		--cpu-share=102
		cpuset	cpuset.cpus			0		--cpuset-cpus 0
		cpuset	cpuset.mems			0		--cpuset-mems 0
		memory	memory.limit_in_bytes		104857600	--memory 104857600
		memory	memory.soft_limit_in_bytes	52428800	--memory-reservation 52428800
		memory	memory.memsw.limit_in_bytes	209715200	--memory-swap 209715200
		memory	memory.max			104857600	--memory 104857600
		memory	memory.low			52428800	--memory-reservation 52428800
		memory	memory.swap.max			104857600	--memory 104857600 --memory-swap 209715200
		pids	pids.max			33		--pids-limit 33
		pids	pids.max			max		--pids-limit=-1
	ROWS
}

@test "sizes have units" {
	start_box
	check_updates <<-'ROWS'
		memory	memory.limit_in_bytes	33554432	--memory 32768k
		memory	memory.limit_in_bytes	67108864	--memory 64m
		memory	memory.limit_in_bytes	1073741824	--memory 1G
		memory	memory.limit_in_bytes	2147483648	--memory 2GiB
		memory	memory.limit_in_bytes	134217728	--memory=128MB
		memory	memory.max		33554432	--memory 32768k
		memory	memory.max		67108864	--memory 64m
		memory	memory.max		1073741824	--memory 1G
		memory	memory.max		2147483648	--memory 2GiB
	ROWS
}

# bats test_tags=guest
@test "memory and swap move together in both directions" {
	need 'memory and swap in cgroup v1' test -e "$(cgroup_dir memory $$)/memory.memsw.limit_in_bytes"
	spec_edit '.linux.resources.memory = {"limit": 67108864, "swap": 67108864}'
	start_box
	check_updates <<-'ROWS'
		memory	memory.memsw.limit_in_bytes	268435456	--memory 128m --memory-swap 256m
		memory	memory.limit_in_bytes		134217728	--memory 128m --memory-swap 256m
		memory	memory.memsw.limit_in_bytes	33554432	--memory 16m --memory-swap 32m
		memory	memory.limit_in_bytes		16777216	--memory 16m --memory-swap 32m
		memory	memory.memsw.limit_in_bytes	9223372036854771712	--memory -1 --memory-swap -1
		memory	memory.limit_in_bytes		9223372036854771712	--memory -1 --memory-swap -1
	ROWS
}

@test "a document changes what it says, from a file and from standard input" {
	spec_edit '.linux.resources += {"pids": {"limit": 77}, "cpu": {"shares": 512}}'
	start_box
	echo '{"pids": {"limit": 55}}' >"$T/resources"
	check_updates <<<"pids pids.max 55 --resources $T/resources"
	echo '{"pids": {"limit": 44}, "cpu": {"shares": 300}}' >"$T/resources"
	STDIN=$T/resources check_updates <<<"pids pids.max 44 -r -"
	echo '{"memory": {"limit": 0}, "cpu": {"shares": 0}}' >"$T/resources"
	check_updates <<<"pids pids.max 44 --resources=$T/resources"
	if has_v1 cpu; then
		equal "$(file_of cpu cpu.shares)" 300 shares
	fi
}

@test "device rules of a document replace those in force" {
	need_root 'device rules'
	# opened for writing: reading it may need a capability
	local log='{"path": "/dev/kmsg", "type": "c", "major": 1, "minor": 11}'

	spec_edit ".linux.devices += [$log]"
	start_box
	run_masu exec "$ID" /bin/sh -c ': >/dev/kmsg'
	matches "$err" 'not permitted'
	echo '{"devices": [{"allow": false, "access": "rwm"}, {"allow": true, "type": "c", "major": 1, "minor": 11, "access": "w"}]}' >"$T/resources"
	masu_ok update --resources "$T/resources" "$ID"
	masu_ok exec "$ID" /bin/sh -c ': >/dev/kmsg'
	# another update leaves them alone
	masu_ok update --pids-limit 44 "$ID"
	masu_ok exec "$ID" /bin/sh -c ': >/dev/kmsg'
	echo '{"devices": [{"allow": false, "access": "rwm"}]}' >"$T/resources"
	masu_ok update --resources "$T/resources" "$ID"
	run_masu exec "$ID" /bin/sh -c ': >/dev/kmsg'
	matches "$err" 'not permitted'
}

@test "a value that the kernel refuses is named with its file and reason" {
	start_box
	masu_fails 'linux.resources.cpu.cpus.*cpuset.cpus: (Invalid argument|Numerical result out of range|No space)' update --cpuset-cpus 4000 "$ID"
	masu_fails 'linux.resources.cpu.mems.*cpuset.mems: ' update --cpuset-mems 900 "$ID"
	masu_fails 'cpu.quota' update --cpu-quota 5 "$ID"
	equal "$(state_of status)" running
}

@test "values that are none are refused" {
	start_box
	for value in x '' 1.5m 12q 99999999999g ' 5' 0x10; do
		masu_fails '(memory|size)' update --memory "$value" "$ID"
		masu_fails '(pids-limit|number)' update --pids-limit "$value" "$ID"
	done
	echo '{}' >"$T/resources"
	masu_fails 'either' update --memory 64m --resources "$T/resources" "$ID"
	masu_fails 'No such file' update --resources "$T/absent" "$ID"
	masu_fails 'cpu.cpus|cpus' update --cpuset-cpus 0-x "$ID"
}

@test "Intel RDT schemata need a group of the container's own" {
	start_box
	masu_fails 'resctrl group' update --l3-cache-schema 'L3:0=f' "$ID"
	masu_fails 'resctrl group' update --mem-bw-schema 'MB:0=50' "$ID"
}

@test "a container that stopped is not updated, a paused and a created one are" {
	create_box
	check_updates <<<'pids pids.max 21 --pids-limit 21'
	masu_ok start "$ID"
	masu_ok pause "$ID"
	check_updates <<<'pids pids.max 22 --pids-limit 22'
	masu_ok resume "$ID"
	masu_ok kill "$ID" KILL
	wait_for 5 has_status stopped
	masu_fails 'not running' update --pids-limit 23 "$ID"
	masu_fails 'does not exist' update --pids-limit 23 "$ID-none"
}

@test "a limit that cannot be applied at create names field, file and reason, and leaves nothing" {
	while read -r text resources; do
		[[ -n $text ]] || continue
		spec_edit '.linux.resources = {"devices": [{"allow": false, "access": "rwm"}]}'
		spec_edit ".linux.resources += $resources"
		refused "${text//_/ }"
	done <<-'ROWS'
		linux.resources.cpu.cpus.*cpuset.cpus:_		{"cpu": {"cpus": "4000"}}
		linux.resources.cpu.mems.*cpuset.mems:_		{"cpu": {"mems": "900"}}
		linux.resources.blockIO.*99:99			{"blockIO": {"throttleReadBpsDevice": [{"major": 99, "minor": 99, "rate": 5}]}}
		linux.resources.unified.nosuch			{"unified": {"nosuch.file": "1"}}
		linux.resources.unified.cgroup.max.depth.*cgroup.max.depth:_	{"unified": {"cgroup.max.depth": "many"}}
	ROWS
}

@test "what only cgroup v1 had is told, once each" {
	need 'a host without net_cls and net_prio' sh -c '! grep -q -e net_cls -e net_prio /proc/mounts'
	spec_edit '.linux.resources.network = {"classID": 1048577, "priorities": [{"name": "lo", "priority": 3}]}'
	create_box
	equal "$(grep -c 'warning: linux.resources.network.classID: not in force' <<<"$err")" 1
	equal "$(grep -c 'warning: linux.resources.network.priorities: not in force' <<<"$err")" 1
}

@test "a controller that this host does not have is named" {
	need 'a host without rdma' sh -c '! grep -qw rdma /sys/fs/cgroup/cgroup.controllers /sys/fs/cgroup/unified/cgroup.controllers /proc/mounts'
	spec_edit '.linux.resources.rdma = {"mlx5_1": {"hcaHandles": 3}}'
	refused 'linux.resources.rdma: .*rdma.max: the rdma controller is not available'
}

@test "a swap limit goes with the memory limit in force, and needs one" {
	start_box
	masu_fails 'linux.resources.memory.swap: needs memory.limit' update --memory-swap 64m "$ID"
	masu_ok update --memory 64m "$ID"
	masu_fails 'linux.resources.memory.swap: 33554432 is less than memory.limit 67108864' update --memory-swap 32m "$ID"
	check_updates <<-'ROWS'
		memory	memory.memsw.limit_in_bytes	134217728	--memory-swap 128m
		memory	memory.limit_in_bytes		67108864	--memory-swap 96m
		memory	memory.swap.max			67108864	--memory-swap 128m
	ROWS
}

@test "busybox starts within 1 MiB" {
	need 'a small first process' test "$(basename "$MASU")" = masu
	spec_edit '.linux.resources.memory = {"limit": 1048576}'
	shell 'echo started'
	run_box
	equal "$out" started
}
