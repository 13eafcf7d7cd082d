# SPDX-License-Identifier: LGPL-2.1-or-later
# What is true of every engine with docker's command line; `engine` is that command, defined by the script that loads this.

run() {
	engine run --rm --network none "$@"
}

pid_of() {
	engine inspect -f '{{.State.Pid}}' "$1"
}

state_of() {
	engine inspect -f '{{.State.Status}}' "$1"
}

logs() {
	engine run --name l1 --network none $IMAGE sh -c 'echo out; echo err >&2'
	expect out engine logs l1
	expect err engine logs l1
	gone l1
}

stop() {
	box s1
	engine stop -t 10 s1
	expect exited state_of s1
	expect bye engine logs s1
	expect '^0$' engine inspect -f '{{.State.ExitCode}}' s1
	gone s1
}

limits() {
	local pid

	box m1 --memory 64m --memory-swap 64m --cpus 0.5 --cpu-shares 512 --pids-limit 77 --cpuset-cpus 0 --memory-reservation 32m
	pid=$(pid_of m1)
	has_knob "$pid" 67108864 memory memory.limit_in_bytes memory.max
	has_knob "$pid" 33554432 memory memory.soft_limit_in_bytes memory.low
	has_knob "$pid" 50000 cpu cpu.cfs_quota_us cpu.max
	has_knob "$pid" 77 pids pids.max pids.max
	has_knob "$pid" 0 cpuset cpuset.cpus cpuset.cpus
	gone m1
}

limits_inside() {
	expect 67108864 run --memory 64m $IMAGE sh -c 'cat /sys/fs/cgroup/memory/memory.limit_in_bytes || cat /sys/fs/cgroup/memory.max'
	expect 77 run --pids-limit 77 $IMAGE sh -c 'cat /sys/fs/cgroup/pids/pids.max || cat /sys/fs/cgroup/pids.max'
}

pids_in_force() {
	exits 2 run --pids-limit 5 $IMAGE sh -c 'for i in 1 2 3 4 5 6 7 8; do sleep 5 & done; exit 0'
}

ulimits() {
	expect '^321$' run --ulimit nofile=321:321 --ulimit nproc=1000:1000 $IMAGE sh -c 'ulimit -n'
}

seccomp_default() {
	seccomp_is_on run $IMAGE
	expect 'Seccomp:.0' run --security-opt seccomp=unconfined $IMAGE grep Seccomp: /proc/self/status
}

no_new_privileges() {
	expect 'NoNewPrivs:.1' run --security-opt no-new-privileges $IMAGE grep NoNewPrivs /proc/self/status
}

masked() {
	expect '^0$' run $IMAGE sh -c 'cat /proc/timer_list | wc -c'
	expect 'Read-only' run $IMAGE sh -c 'echo 1 >/proc/sys/kernel/msgmax'
}

user() {
	expect 'uid=1000\(user\) gid=1000\(user\)' run -u user $IMAGE id
	expect 'uid=1234.* gid=5678.* groups=.*99' run -u 1234:5678 --group-add 99 $IMAGE id
	expect 'CapEff:.0000000000000000' run -u user $IMAGE grep CapEff /proc/self/status
}

tmpfs() {
	expect 'size=4096k.*mode=1755' run --tmpfs /scratch:size=4m,mode=1755 $IMAGE grep /scratch /proc/mounts
	run --tmpfs /scratch $IMAGE touch /scratch/file
}

devices() {
	run --device /dev/null:/dev/other $IMAGE sh -c 'echo x >/dev/other'
	expect 'not permitted' run --cap-add mknod $IMAGE sh -c 'mknod /dev/blk b 8 0; cat /dev/blk'
}

hostname_and_sysctl() {
	expect '^box$' run --hostname box $IMAGE hostname
	expect '^1234$' run --sysctl kernel.msgmax=1234 $IMAGE cat /proc/sys/kernel/msgmax
	expect '5120' run --shm-size 5m $IMAGE df -k /dev/shm
}

network_host() {
	expect "^$(readlink /proc/self/ns/net | tr '[]' '..')\$" engine run --rm --network host $IMAGE readlink /proc/self/ns/net
}
