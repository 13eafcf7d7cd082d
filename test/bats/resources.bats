# SPDX-License-Identifier: LGPL-2.1-or-later
# linux.resources: each knob, read back from the host's files, and limits that really hold.
load lib

# Rows: controller, file and value in v1, file and value in v2 (- : none there).
check_rows() {
	local controller v1 v1_value v2 v2_value dir

	while read -r controller v1 v1_value v2 v2_value; do
		[[ -n $controller && $controller != \#* ]] || continue
		if has_v1 "$controller"; then
			[[ $v1 != - ]] || continue
			dir=$(cgroup_dir "$controller")
			equal "$(tr '\n\t' '; ' <"$dir/$v1" | sed 's/;$//')" "${v1_value//_/ }" "$v1"
		elif has_v2 "${controller/blkio/io}"; then
			[[ $v2 != - ]] || continue
			dir=$(cgroup_dir "${controller/blkio/io}")
			equal "$(tr '\n\t' '; ' <"$dir/$v2" | sed 's/;$//')" "${v2_value//_/ }" "$v2"
		fi
	done
}

setup() {
	own_world
	process /probe sleep 100
}

resources() {
	spec_edit ".linux.resources += $1"
}

# bats test_tags=guest
@test "memory, cpu and pids limits reach their files" {
	resources '{"memory": {"limit": 104857600, "reservation": 52428800},
		"cpu": {"shares": 512, "quota": 50000, "period": 100000, "cpus": "0", "mems": "0"}, "pids": {"limit": 77}}'
	start_box
	check_rows <<-'ROWS'
		memory	memory.limit_in_bytes		104857600	memory.max	104857600
		memory	memory.soft_limit_in_bytes	52428800	memory.low	52428800
		cpu	cpu.shares			512		-		-
		cpu	cpu.cfs_quota_us		50000		cpu.max		50000_100000
		cpu	cpu.cfs_period_us		100000		-		-
		cpuset	cpuset.cpus			0		cpuset.cpus	0
		cpuset	cpuset.mems			0		cpuset.mems	0
		pids	pids.max			77		pids.max	77
	ROWS
}

@test "a share of 1024 is the default weight of 100 in v2" {
	need 'the cpu controller in cgroup v2' has_v2 cpu
	resources '{"cpu": {"shares": 1024}}'
	start_box
	check_rows <<<'cpu - - cpu.weight 100'
}

@test "unlimited values are written as such" {
	resources '{"memory": {"limit": -1}, "pids": {"limit": -1}, "cpu": {"quota": -1, "period": 50000}}'
	start_box
	check_rows <<-'ROWS'
		memory	memory.limit_in_bytes	9223372036854771712	memory.max	max
		pids	pids.max		max			pids.max	max
		cpu	cpu.cfs_quota_us	-1			cpu.max		max_50000
		cpu	cpu.cfs_period_us	50000			-		-
	ROWS
}

@test "a pids limit of 0 is a limit" {
	need 'pids.limit 0' test "$(basename "$MASU")" = masu
	resources '{"pids": {"limit": 0}}'
	start_box
	check_rows <<<'pids pids.max 0 pids.max 0'
}

@test "zeros as engines send them mean unset" {
	resources '{"memory": {}, "cpu": {"shares": 0, "quota": 0, "period": 0, "cpus": "", "mems": ""}, "blockIO": {"weight": 0}}'
	start_box
	check_rows <<<'cpu cpu.shares 1024 cpu.weight 100'
}

@test "cpu.idle and cpu.burst" {
	resources '{"cpu": {"quota": 50000, "period": 100000, "burst": 10000}}'
	need 'cpu burst' sh -c 'ls /sys/fs/cgroup/cpu/*/cpu.cfs_burst_us /sys/fs/cgroup/*/cpu.max.burst 2>/dev/null | grep -q . || [ -e /sys/fs/cgroup/cpu/cpu.cfs_burst_us ]'
	start_box
	check_rows <<<'cpu cpu.cfs_burst_us 10000 cpu.max.burst 10000'
	masu_ok delete --force "$ID"
	spec_edit '.linux.resources.cpu = {"idle": 1}'
	start_box
	check_rows <<<'cpu cpu.idle 1 cpu.idle 1'
}

@test "memory: swappiness, OOM killer off, swap" {
	need 'the memory controller in cgroup v1' has_v1 memory
	resources '{"memory": {"limit": 104857600, "swappiness": 20, "disableOOMKiller": true, "useHierarchy": true}}'
	start_box
	check_rows <<<'memory memory.swappiness 20 - -'
	matches "$(<"$(cgroup_dir memory)/memory.oom_control")" 'oom_kill_disable 1'
	if [[ -e $(cgroup_dir memory)/memory.memsw.limit_in_bytes ]]; then
		masu_ok delete --force "$ID"
		resources '{"memory": {"limit": 104857600, "swap": 209715200}}'
		start_box
		check_rows <<<'memory memory.memsw.limit_in_bytes 209715200 - -'
	fi
}

# Rows: controller, file, value, resources. Files that this host lacks are passed over; each row is a container of its own.
@test "knobs that only some kernels have" {
	local controller file value json checked=0

	while read -r controller file value json; do
		[[ -n $controller ]] && has_v1 "$controller" || continue
		start_box "$ID-there"
		if [[ -e $(cgroup_dir "$controller" "$(state_of pid "$ID-there")")/$file ]]; then
			spec_edit '.linux.resources = {"devices": [{"allow": false, "access": "rwm"}]}'
			resources "$json"
			start_box
			equal "$(tr '\n' ' ' <"$(cgroup_dir "$controller")/$file" | sed 's/ $//')" "${value//_/ }" "$file"
			checked=$((checked + 1))
			masu_ok delete --force "$ID"
			spec_edit 'del(.linux.resources)'
		fi
		masu_ok delete --force "$ID-there"
	done <<-'ROWS'
		cpu	cpu.rt_period_us			500000	{"cpu": {"realtimePeriod": 500000}}
		cpu	cpu.rt_runtime_us			0	{"cpu": {"realtimePeriod": 500000, "realtimeRuntime": 0}}
		memory	memory.memsw.limit_in_bytes		209715200	{"memory": {"limit": 104857600, "swap": 209715200}}
		memory	memory.memsw.limit_in_bytes		104857600	{"memory": {"limit": 104857600, "swap": 104857600}}
		memory	memory.kmem.tcp.limit_in_bytes		8388608	{"memory": {"kernelTCP": 8388608}}
		memory	memory.use_hierarchy			1	{"memory": {"useHierarchy": true}}
		blkio	blkio.bfq.weight			300	{"blockIO": {"weight": 300}}
		net_cls	net_cls.classid				1048577	{"network": {"classID": 1048577}}
	ROWS
	((checked > 0)) || skip 'no cgroup v1 controller'
}

@test "block I/O throttles for a device" {
	device=$(awk '$3 !~ /^(loop|ram)/ && NF { print $1 ":" $2; exit }' <(sed 1,2d /proc/partitions))
	spec_edit '($device | split(":") | map(tonumber)) as $d | .linux.resources.blockIO = {
		"throttleReadBpsDevice": [{"major": $d[0], "minor": $d[1], "rate": 1048576}],
		"throttleWriteBpsDevice": [{"major": $d[0], "minor": $d[1], "rate": 2097152}],
		"throttleReadIOPSDevice": [{"major": $d[0], "minor": $d[1], "rate": 100}],
		"throttleWriteIOPSDevice": [{"major": $d[0], "minor": $d[1], "rate": 200}]}' --arg device "$device"
	start_box
	check_rows <<-ROWS
		blkio	blkio.throttle.read_bps_device		${device}_1048576	-	-
		blkio	blkio.throttle.write_bps_device		${device}_2097152	-	-
		blkio	blkio.throttle.read_iops_device		${device}_100		-	-
		blkio	blkio.throttle.write_iops_device	${device}_200		-	-
		blkio	-	-	io.max	${device}_rbps=1048576_wbps=2097152_riops=100_wiops=200
	ROWS
}

@test "huge page limits, for the sizes that exist" {
	size=$(ls /sys/kernel/mm/hugepages 2>/dev/null | sed -n 's/hugepages-2048kB/2MB/p')
	need 'huge pages of 2 MB' test -n "$size"
	need 'the hugetlb controller' sh -c 'grep -qw hugetlb /sys/fs/cgroup/cgroup.controllers /sys/fs/cgroup/unified/cgroup.controllers || grep -qw hugetlb /proc/mounts'
	resources '{"hugepageLimits": [{"pageSize": "2MB", "limit": 4194304}]}'
	start_box
	check_rows <<<'hugetlb hugetlb.2MB.limit_in_bytes 4194304 hugetlb.2MB.max 4194304'
	masu_ok delete --force "$ID"
	resources '{"hugepageLimits": [{"pageSize": "3MB", "limit": 4194304}]}'
	refused 'hugepageLimits.*3MB'
}

@test "unified keys are written, unknown files and controllers are errors" {
	resources '{"unified": {"cgroup.max.depth": "5"}}'
	start_box
	dir=$(cgroup_dir no-such-controller)
	equal "$(<"$dir/cgroup.max.depth")" 5
	masu_ok delete --force "$ID"
	resources '{"unified": {"nosuch.file": "1"}}'
	refused 'unified.*nosuch'
	resources '{"unified": {"../escape": "1"}}'
	refused 'unified'
}

@test "cgroupsPath decides the place, and the same value the same place" {
	spec_edit '.linux.cgroupsPath = "/masu-\($id)/deeper"' --arg id "$ID"
	start_box
	matches "$(<"/proc/$(state_of pid)/cgroup")" "/masu-$ID/deeper$"
	masu_ok delete --force "$ID"
	# parents may be shared with others: they stay
	find /sys/fs/cgroup -depth -type d -path "*/masu-$ID" -exec rmdir {} +
	spec_edit '.linux.cgroupsPath = "relative-\($id)"' --arg id "$ID"
	start_box
	matches "$(<"/proc/$(state_of pid)/cgroup")" "relative-$ID$"
}

@test "the process is in its cgroup in every hierarchy" {
	start_box
	while IFS=: read -r number controllers path; do
		grep -q "cgroup.*$controllers" /proc/mounts || continue
		matches "$path" "$ID" "hierarchy $number $controllers"
	done <"/proc/$(state_of pid)/cgroup"
}

@test "a cgroup that is not empty, frozen or a way out is refused" {
	spec_edit '.linux.cgroupsPath = "/../escape-\($id)"' --arg id "$ID"
	refused 'cgroupsPath'
	spec_edit '.linux.cgroupsPath = "/ok/../../escape-\($id)"' --arg id "$ID"
	refused 'cgroupsPath'
	spec_edit '.linux.cgroupsPath = "/taken-\($id)"' --arg id "$ID"
	start_box
	masu_fails 'cgroup.*(not empty|taken|busy|processes)' create --bundle "$BUNDLE" "$ID-b"
	equal "$(state_of status)" running
}

@test "a cgroup that was there before is used and stays" {
	root=$(awk '$3 == "cgroup" && $4 ~ /pids/ { print $2 } $3 == "cgroup2" { v2 = $2 } END { }' /proc/mounts | head -1)
	root=${root:-/sys/fs/cgroup}
	mkdir "$root/before-$ID"
	spec_edit '.linux.cgroupsPath = "/before-\($id)"' --arg id "$ID"
	start_box
	masu_ok delete --force "$ID"
	[[ -d $root/before-$ID ]]
	rmdir "$root/before-$ID"
}

# bats test_tags=guest
@test "the memory limit holds: what asks for more is killed, and run says why" {
	need 'a memory controller' sh -c 'grep -qw memory /proc/self/cgroup || grep -qw memory /sys/fs/cgroup/cgroup.controllers'
	process /probe mem 200000000
	resources '{"memory": {"limit": 20000000}}'
	run_masu run --bundle "$BUNDLE" "$ID"
	equal "$status" 137
	process /probe mem 5000000
	run_box
}

@test "a container starts within a memory limit of 512 KiB" {
	need 'a small first process' test "$(basename "$MASU")" = masu
	process /probe umask
	resources '{"memory": {"limit": 524288}}'
	run_box
	expect '.umask'
}

@test "a limit that is too small to start is named" {
	resources '{"memory": {"limit": 4096}}'
	process /probe mem 5000000
	run_masu run --bundle "$BUNDLE" "$ID"
	((status != 0))
	nothing_left
}

# bats test_tags=guest
@test "the pids limit holds" {
	process /probe fork 50
	resources '{"pids": {"limit": 10}}'
	run_box
	matches "$out" '^9 Resource temporarily unavailable'
}

@test "update changes limits of a running container, and only those given" {
	resources '{"memory": {"limit": 104857600}, "cpu": {"shares": 512, "quota": 50000, "period": 100000}, "pids": {"limit": 77}}'
	start_box
	masu_ok update --memory 209715200 --cpu-share 256 --cpu-quota 70000 --cpu-period 140000 --pids-limit 50 "$ID"
	check_rows <<-'ROWS'
		memory	memory.limit_in_bytes	209715200	memory.max	209715200
		cpu	cpu.shares		256		-		-
		cpu	cpu.cfs_quota_us	70000		cpu.max		70000_140000
		cpu	cpu.cfs_period_us	140000		-		-
		pids	pids.max		50		pids.max	50
	ROWS
	echo '{"memory": {"reservation": 1048576}}' >"$T/resources"
	masu_ok update --resources "$T/resources" "$ID"
	check_rows <<-'ROWS'
		memory	memory.limit_in_bytes		209715200	memory.max	209715200
		memory	memory.soft_limit_in_bytes	1048576		memory.low	1048576
		pids	pids.max			50		pids.max	50
	ROWS
	masu_ok update --cpuset-cpus 0 --memory-reservation 2097152 "$ID"
	check_rows <<-'ROWS'
		cpuset	cpuset.cpus			0	cpuset.cpus	0
		memory	memory.soft_limit_in_bytes	2097152	memory.low	2097152
	ROWS
}

@test "update refuses what is no resource and leaves everything as it was" {
	resources '{"pids": {"limit": 77}}'
	start_box
	echo '{"pids": {"limit": "many"}}' >"$T/resources"
	masu_fails 'pids.limit' update --resources "$T/resources" "$ID"
	echo '{"pids": ' >"$T/resources"
	masu_fails 'resources|JSON|parse|end' update --resources "$T/resources" "$ID"
	check_rows <<<'pids pids.max 77 pids.max 77'
	[[ $(state_of status) == running ]]
}

@test "checkBeforeUpdate refuses a limit below what is in use" {
	process /bin/sh -c '/probe mem 30000000; exec /probe sleep 100'
	resources '{"memory": {"limit": 104857600}}'
	start_box
	masu_ok exec -d "$ID" /probe sleep 100
	echo '{"memory": {"limit": 4096, "checkBeforeUpdate": true}}' >"$T/resources"
	masu_fails 'memory' update --resources "$T/resources" "$ID"
	check_rows <<<'memory memory.limit_in_bytes 104857600 memory.max 104857600'
}

@test "impossible resources are refused" {
	while read -r text expression; do
		[[ -n $text ]] || continue
		spec_edit '.linux.resources = {"devices": [{"allow": false, "access": "rwm"}]}'
		spec_edit ".linux.resources += $expression"
		refused "$text"
	done <<-'ROWS'
		memory.swap		{"memory": {"swap": 1000000}}
		memory			{"memory": {"limit": 2000000, "swap": 1000000}}
		memory.limit		{"memory": {"limit": "1M"}}
		memory.swappiness	{"memory": {"limit": 104857600, "swappiness": 101}}
		cpu			{"cpu": {"quota": 1, "period": 100000}}
		cpu			{"cpu": {"quota": 50000, "period": 5}}
		cpus			{"cpu": {"cpus": "0-x"}}
		cpus			{"cpu": {"cpus": "1000"}}
		cpu.idle		{"cpu": {"idle": 2}}
		pids			{"pids": {"limit": "x"}}
		blockIO			{"blockIO": {"weight": 5}}
		blockIO			{"blockIO": {"weightDevice": [{"major": 8, "minor": 0}]}}
		devices			{"devices": [{"allow": false, "access": "xyz"}]}
		devices			{"devices": [{"allow": false, "type": "z", "access": "r"}]}
		rdma			{"rdma": {"mlx5_1": {}}}
		unified			{"unified": {"a/b": "1"}}
	ROWS
}

@test "intelRdt without resctrl is an error that says so" {
	need 'no resctrl' test ! -e /sys/fs/resctrl/schemata
	spec_edit '.linux.intelRdt = {"closID": "group", "l3CacheSchema": "L3:0=f"}'
	refused 'intelRdt|resctrl'
	spec_edit '.linux.intelRdt = {"closID": "../x"}'
	refused 'intelRdt|resctrl'
}

@test "without a cgroup: no limits work, limits are an error" {
	process /probe cgroup
	need 'the disabled cgroup manager' test "$(basename "$MASU")" != runc
	spec_edit 'del(.linux.resources)'
	masu_ok --cgroup-manager disabled run --bundle "$BUNDLE" "$ID"
	lacks "$out" "$ID"
	# engines leave their default rule in
	resources '{"devices": [{"allow": false, "access": "rwm"}]}'
	masu_ok --cgroup-manager disabled run --bundle "$BUNDLE" "$ID"
	spec_edit '.mounts += [{"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["ro"]}]'
	shell 'ls -A /sys/fs/cgroup; touch /sys/fs/cgroup/x'
	run_masu --cgroup-manager disabled run --bundle "$BUNDLE" "$ID"
	matches "$err" 'Read-only'
	equal "$out" ''
	resources '{"pids": {"limit": 5}}'
	masu_fails 'cgroup' --cgroup-manager disabled create --bundle "$BUNDLE" "$ID"
}

@test "cgroups that the container makes below its own are removed too" {
	shell 'mkdir /sys/fs/cgroup/pids/a /sys/fs/cgroup/pids/a/b 2>/dev/null || mkdir /sys/fs/cgroup/a /sys/fs/cgroup/a/b; echo done; sleep 100'
	spec_edit '.mounts += [{"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["rw"]}]'
	start_box
	wait_for 5 grep -q done "$T/out"
	masu_ok delete --force "$ID"
	nothing_left
}
