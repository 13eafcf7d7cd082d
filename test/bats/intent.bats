# SPDX-License-Identifier: LGPL-2.1-or-later
# masu.resources: limits as intent reach the kernel, are read back, explained and refused, whatever the version of cgroups.
load lib

# intent JSON: what the spec asks for.
intent() {
	spec_edit '.masu.resources = $intent' --argjson intent "$1"
}

# in_force EXPRESSION...: of what `spec --effective` prints.
in_force() {
	masu_ok spec --effective "$ID"
	expect "$@"
}

# either V1 V2 CONTROLLER: one of two texts, by where this host has the controller.
either() {
	if has_v1 "$3"; then echo "$1"; else echo "$2"; fi
}

# bats test_tags=guest
@test "limits said as intent are in force, and read back the same in every version" {
	need 'the memory controller' eval 'has_v1 memory || has_v2 memory'
	process /probe sleep 100
	intent '{ "cpu": { "max": "500m", "share": "250m", "mask": "0" }, "memory": { "max": "64M", "soft": "48Mi" }, "pids": 32 }'
	start_box
	in_force '.cpu == {max: "500m", share: "250m", mask: "0"}' '.memory.max == 67108864' '.memory.soft == 50331648' '.pids.max == 32'
	equal "$(jq -r 'has("io") or has("network") or has("disk")' <<<"$out")" false 'limits that nobody asked for'
}

@test "what is read back can be asked for again" {
	process /probe sleep 100
	intent '{ "cpu": "1500m", "memory": "64M", "pids": 32 }'
	start_box
	masu_ok spec --effective "$ID"
	spec_edit '.masu.resources = $again' --argjson again "$out"
	cp "$T/out" "$T/first"
	start_box "$ID-again"
	masu_ok spec --effective "$ID-again"
	equal "$out" "$(<"$T/first")" 'limits of the second container'
}

@test "100m are a quota of 25 ms in 250 ms" {
	process /probe sleep 100
	intent '{ "cpu": "100m" }'
	start_box
	if has_v1 cpu; then
		equal "$(cat "$(cgroup_dir cpu)"/cpu.cfs_{period,quota}_us | xargs)" '250000 25000' 'period and quota'
	else
		equal "$(cat "$(cgroup_dir cpu)/cpu.max")" '25000 250000' cpu.max
	fi
}

@test "shares keep their proportions in every version" {
	process /probe sleep 100
	intent '{ "cpu": { "share": "1500m" } }'
	start_box
	equal "$(cat "$(cgroup_dir cpu)/$(either cpu.shares cpu.weight cpu)")" "$(either 1536 150 cpu)" 'its weight'
	in_force '.cpu.share == "1500m"'
}

@test "class best-effort takes what others leave" {
	process /probe sleep 100
	intent '{ "cpu": { "class": "best-effort" } }'
	start_box
	equal "$(cat "$(cgroup_dir cpu)/cpu.idle")" 1 cpu.idle
	in_force '.cpu.class == "best-effort"' '.cpu | has("share") | not'
}

@test "a pin takes CPUs that no other container has" {
	need 'two CPUs' test "$(nproc)" -ge 2
	process /probe sleep 100
	intent '{ "cpu": { "pin": 1 } }'
	start_box
	masu_ok spec --effective "$ID"
	local first=$out
	start_box "$ID-other"
	masu_ok spec --effective "$ID-other"
	expect '.cpu.mask | test("^[0-9]+$")'
	[[ $(jq .cpu.mask <<<"$out") != $(jq .cpu.mask <<<"$first") ]] || fail "both have $out"
}

@test "intent and linux.resources go together, and must not contradict each other" {
	process /probe sleep 100
	spec_edit '.linux.resources.pids = {limit: 20} | .linux.resources.cpu.period = 50000'
	intent '{ "memory": "64M", "cpu": "1", "pids": 20 }'
	start_box
	in_force '.pids.max == 20' '.memory.max == 67108864' '.cpu.max == "1000m"'
	spec_edit '.linux.resources.pids = {limit: 21}'
	masu_fails 'masu.resources.pids.max: linux.resources.pids.limit says something else' create --bundle "$BUNDLE" "$ID-other"
}

@test "amounts that are none are refused with their place" {
	local row text
	while IFS='|' read -r row text; do
		intent "$row"
		refused "$text"
	done <<-'ROWS'
		{ "memory": "1X" }|masu.resources.memory: "1X" has an unknown unit
		{ "memory": "-1M" }|masu.resources.memory: "-1M" is negative
		{ "memory": "9999999P" }|masu.resources.memory: "9999999P" is too large
		{ "cpu": "0.0001" }|masu.resources.cpu: "0.0001" is not a whole number
		{ "cpu": "1m" }|masu.resources.cpu.max: 1m is below 4m
		{ "cpu": { "max": 1, "share": 2 } }|masu.resources.cpu.max: 1000m is below cpu.share, 2000m
		{ "cpu": { "mask": "0,4095" } }|masu.resources.cpu.mask: CPU 4095 does not exist, this host has 0
		{ "cpu": { "pin": 4096 } }|masu.resources.cpu.pin: 4096 CPUs do not exist
		{ "memory": { "max": "1M", "guarantee": "2M" } }|masu.resources.memory.max: 1048576 is below memory.guarantee, 2097152
		{ "pids": true }|masu.resources.pids: did not expect a boolean here
		{ "io": { "devices": [{ "device": "/dev/null", "read": 1 }] } }|io.devices\[0\].device: /dev/null is not a block device
		{ "disk": "1G" }|masu.resources.disk: needs masu.storage
		{ "network": { "egress": "1mbit" } }|masu.resources.network: rates need a container with one interface
	ROWS
}

@test "a property that nobody knows is warned about when it is nearly one" {
	process /bin/true
	intent '{ "memori": "64M" }'
	run_box
	matches "$err" 'memori.*memory'
}

@test "a control that this host lacks is a warning that names it, and an error when strict" {
	need 'a host without net_cls and net_prio' eval '! has_v1 net_prio'
	process /bin/true
	intent '{ "network": { "priority": 5 } }'
	run_box
	matches "$err" 'warning: masu.resources.network.priority: not in force, the cgroup v1 controller net_prio is not mounted'
	masu_fails 'masu.resources.network.priority: not in force' --strict run --bundle "$BUNDLE" "$ID"
	nothing_left
}

@test "strict holds for linux.resources, too" {
	process /bin/true
	spec_edit '.linux.resources.memory.kernel = 1048576'
	run_box
	matches "$err" 'warning: linux.resources.memory.kernel: not in force'
	masu_fails 'linux.resources.memory.kernel: cgroup v[12] has nothing like it' run --strict --bundle "$BUNDLE" "$ID"
	nothing_left
}

@test "explain names each file, value and property, and does nothing" {
	intent '{ "cpu": "100m", "pids": 32 }'
	masu_ok explain --bundle "$BUNDLE" "$ID"
	matches "$out" "masu.resources.pids.max +/sys/fs/cgroup/.*$ID/pids.max +32"
	matches "$out" "masu.resources.cpu.max +/sys/fs/cgroup/.*$ID/cpu.(cfs_quota_us +25000|max +25000 250000)"
	nothing_left
	[[ ! -e $STATE ]] || fail 'explain made a state directory'
}

@test "explain --json says what create then writes" {
	process /probe sleep 100
	intent '{ "cpu": { "max": "300m", "share": "200m" }, "memory": "32M", "pids": 32 }'
	masu_ok explain --json --bundle "$BUNDLE" "$ID"
	expect '.rows | length > 3' 'all(.rows[]; has("field") and has("value"))'
	jq -r '.rows[] | select(.field | startswith("masu.")) | [.file, .value] | @tsv' <<<"$out" >"$T/rows"
	start_box
	while IFS=$'\t' read -r file value; do
		equal "$(cat "$file")" "$value" "$file"
	done <"$T/rows"
}

@test "a container that is gone has no limits to show" {
	masu_fails 'container does not exist' spec --effective "$ID"
	masu_fails 'takes a container' spec --effective
	masu_fails 'unexpected argument' spec "$ID"
}
