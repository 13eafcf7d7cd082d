# SPDX-License-Identifier: LGPL-2.1-or-later
# What limits do, not what their files say: CPU time, kills, transfer rates and tasks are measured while containers run.
load lib

BURN='while :; do :; done'

# box ID INTENT COMMAND [CGROUPSPATH]: a running container of its own, limited by masu.resources, that may use disks.
box() {
	jq '.masu.resources = $intent | .process.args = ["/bin/sh", "-c", $command]
		| .linux.resources.devices += [{allow: true, type: "b", access: "rw"}]
		| if $path == "" then . else .linux.cgroupsPath = $path end' \
		--argjson intent "$2" --arg command "$3" --arg path "${4:-}" <(default_spec) >"$BUNDLE/config.json"
	start_box "$1"
}

now_us() {
	echo $((${EPOCHREALTIME/./} + 0))
}

# used_us [ID]: the CPU time that a container has had, in microseconds.
used_us() {
	local pid dir

	pid=$(state_of pid "${1:-$ID}")
	if has_v1 cpuacct; then
		dir=$(cgroup_dir cpuacct "$pid")
		echo $(($(<"$dir/cpuacct.usage") / 1000))
	else
		dir=$(cgroup_dir '' "$pid")
		awk '$1 == "usage_usec" { print $2 }' "$dir/cpu.stat"
	fi
}

# percent_of_cpu SECONDS [ID]: how much of one CPU a container has in that time.
percent_of_cpu() {
	local used start

	used=$(used_us "${2:-$ID}")
	start=$(now_us)
	sleep "$1"
	echo $((100 * ($(used_us "${2:-$ID}") - used) / ($(now_us) - start)))
}

# between HAVE LEAST MOST WHAT
between() {
	(($1 >= $2 && $1 <= $3)) || fail "$4 is $1, want $2 to $3"
}

# ooms [ID]: what the kernel has killed in a container for want of memory.
ooms() {
	cat "$(cgroup_dir memory "$(state_of pid "${1:-$ID}")")"/memory.{oom_control,events} 2>/dev/null | awk '$1 == "oom_kill" { print $2 }'
}

needs_controller() {
	need "the $1 controller" eval "has_v1 $1 || has_v2 ${1/blkio/io}"
}

# loop_device SIZE: a block device in $loop, backed by a file; teardown takes it back.
loop_device() {
	need_root 'mounts on the host'
	truncate --size "$1" "$T/disk"
	loop=$(losetup --find --show "$T/disk")
}

teardown() {
	end_jobs
	all_of release_containers release_disk assert_host_clean assert_no_reports
}

release_disk() {
	[[ -n ${loop:-} ]] || return 0
	! mountpoint -q "$T/mnt" || umount "$T/mnt" || return
	losetup --detach "$loop"
}

# How many ms more than 3 s this machine needs for 24 waits of 125 ms, which is what a transfer that is held back does.
slowness() {
	local start i

	start=$(now_us)
	for ((i = 0; i < 24; i++)); do
		sleep 0.125
	done
	echo $((($(now_us) - start) / 1000 - 3000))
}

# takes LEAST MOST COMMAND...: its run time in ms. A busy machine makes it slower, so the best of three counts, and MOST is for a
# machine that waits as long as it was told to; faster it never is.
takes() {
	local least=$1 most=$2 try start took

	shift 2
	for try in 1 2 3; do
		start=$(now_us)
		"$@"
		took=$((($(now_us) - start) / 1000))
		((took >= least)) || fail "it took $took ms, want $least or more: $*"
		((took > most + $(slowness))) || return 0
	done
	fail "it took $took ms at try $try, want $least to $most: $*"
}

# in_box COMMAND...: a process of the host as a tourist in the container's cgroups, where its transfers are counted.
in_box() {
	local files

	mapfile -t files < <(cgroup_files)
	# shellcheck disable=SC2016
	sh -c 'for file in $1; do echo 0 >"$file"; done; shift; exec "$@"' - "${files[*]}" "$@" 3>&-
}

cgroup_files() {
	local controller

	for controller in blkio memory; do
		if has_v1 "$controller"; then
			echo "$(cgroup_dir "$controller")/tasks"
		fi
	done
	if ! has_v1 blkio; then
		echo "$(cgroup_dir io)/cgroup.procs"
	fi
}

@test "100m are a tenth of a CPU" {
	needs_controller cpu
	box "$ID" '{ "cpu": "100m" }' "$BURN"
	# a noisy host can give less than the cap, never more
	between "$(percent_of_cpu 3)" 5 12 'percent of a CPU'
}

@test "shares of 1 to 3 on one CPU are times of 1 to 3, and who is alone takes what the other leaves" {
	needs_controller cpu
	local one three start_one start_three alone
	box "$ID-one" '{ "cpu": { "share": "250m", "mask": "0" } }' "$BURN" "/$ID/one"
	box "$ID-three" '{ "cpu": { "share": "750m", "mask": "0" } }' "$BURN" "/$ID/three"
	start_one=$(used_us "$ID-one") start_three=$(used_us "$ID-three")
	sleep 4
	one=$(($(used_us "$ID-one") - start_one)) three=$(($(used_us "$ID-three") - start_three))
	between $((100 * three / one)) 270 330 'the ratio in percent'
	masu_ok pause "$ID-three"
	start_one=$(used_us "$ID-one")
	sleep 2
	alone=$(($(used_us "$ID-one") - start_one))
	# four times its part of what both had, less what the rest of the host takes away
	((alone > one)) || fail "alone it had $alone us in 2 s, beside the other $one us in 4 s"
	masu_ok resume "$ID-three"
	masu_ok delete --force "$ID-one"
	masu_ok delete --force "$ID-three"
	leftover_cgroups | sort -r | xargs -r rmdir
}

@test "class best-effort runs on what others leave" {
	needs_controller cpu
	local idle normal start_idle start_normal
	box "$ID-idle" '{ "cpu": { "class": "best-effort", "mask": "0" } }' "$BURN"
	box "$ID-normal" '{ "cpu": { "mask": "0" } }' "$BURN"
	start_idle=$(used_us "$ID-idle") start_normal=$(used_us "$ID-normal")
	sleep 2
	idle=$(($(used_us "$ID-idle") - start_idle)) normal=$(($(used_us "$ID-normal") - start_normal))
	((normal > 10 * idle)) || fail "it had $idle us beside $normal us"
}

@test "the memory limit kills inside the container, and nobody else" {
	needs_controller memory
	box "$ID-beside" '{ "memory": "64M" }' '/probe mem 30000000 && sleep 100'
	box "$ID" '{ "memory": { "max": "64M", "swap": 0 } }' '/probe mem 200000000; echo "killed $?" >/proc/1/root/tmp/end; sleep 100'
	wait_for 20 test -s "$BUNDLE/rootfs/tmp/end"
	equal "$(<"$BUNDLE/rootfs/tmp/end")" 'killed 137' 'the end of the one that took too much'
	has_status running
	has_status running "$ID-beside"
	equal "$(ooms)" 1 'kills in the container'
	equal "$(ooms "$ID-beside")" 0 'kills in the other'
}

@test "memory.oom.group takes the whole container" {
	need 'the memory controller in cgroup v2' has_v2 memory
	shell '/probe mem 200000000; sleep 100'
	spec_edit '.masu.resources.memory = "64M" | .linux.resources.unified = {"memory.oom.group": "1"}'
	start_box
	wait_for 20 has_status stopped
}

@test "page cache is bounded by the memory limit without a kill" {
	needs_controller memory
	box "$ID" '{ "memory": { "max": "32M", "swap": 0 } }' 'dd if=/dev/zero of=/cache bs=1M count=64 2>/dev/null && echo done >/tmp/end; sleep 100'
	wait_for 120 test -s "$BUNDLE/rootfs/tmp/end"
	equal "$(ooms)" 0 'kills in the container'
	rm "$BUNDLE/rootfs/cache"
}

@test "reading a device goes at the rate that was given" {
	needs_controller blkio
	loop_device 16M
	box "$ID" '{ "io": { "devices": [{ "device": "'"$loop"'", "read": "2M/s" }] } }' 'sleep 100'
	# 6 MiB at 2 MiB/s are 3 s
	takes 2550 3450 in_box dd if="$loop" of=/dev/null bs=256k count=24 iflag=direct status=none
}

@test "direct writes to a device go at the rate that was given" {
	needs_controller blkio
	loop_device 16M
	box "$ID" '{ "io": { "devices": [{ "device": "'"$loop"'", "write": "2M/s" }] } }' 'sleep 100'
	takes 2550 3450 in_box dd if=/dev/zero of="$loop" bs=256k count=24 oflag=direct status=none
}

@test "operations a second are limited" {
	needs_controller blkio
	loop_device 16M
	box "$ID" '{ "io": { "devices": [{ "device": "'"$loop"'", "readOps": 50 }] } }' 'sleep 100'
	# 3 s worth of operations; each waits for the next tick of the kernel's clock, so it is slower than asked, never faster
	takes 2550 4800 in_box dd if="$loop" of=/dev/null bs=4k count=150 iflag=direct status=none
}

@test "buffered writing is limited in v2; in v1 a warning says that it is not" {
	needs_controller blkio
	loop_device 64M
	box "$ID" '{ "memory": "256M", "io": { "devices": [{ "device": "'"$loop"'", "write": "2M/s" }] } }' 'sleep 100'
	if has_v1 blkio; then
		matches "$err" 'warning: masu.resources.io.devices: cgroup v1 limits direct writing only'
		return
	fi
	need 'mkfs.ext4' command -v mkfs.ext4
	mkfs.ext4 -q "$loop"
	mkdir "$T/mnt"
	mount "$loop" "$T/mnt"
	# 8 MiB at 2 MiB/s; the file system's own blocks come on top
	takes 3400 6000 in_box dd if=/dev/zero of="$T/mnt/file" bs=64k count=128 conv=fsync status=none
}

@test "tasks stay below the limit: the next one cannot be made" {
	needs_controller pids
	process /probe fork 60
	spec_edit '.masu.resources.pids = 20'
	run_box
	matches "$out" '^19 Resource temporarily unavailable'
}

@test "pause stops a container that forks all the time, and resume lets it go on" {
	local before
	box "$ID" '{ "pids": 200 }' 'while :; do (:) & (:) & wait; done'
	sleep 0.3
	masu_ok pause "$ID"
	has_status paused
	before=$(used_us)
	sleep 0.5
	equal "$(used_us)" "$before" 'CPU time while paused'
	masu_ok resume "$ID"
	sleep 0.5
	(($(used_us) > before)) || fail 'it does not go on'
}
