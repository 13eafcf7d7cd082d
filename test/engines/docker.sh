#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Docker with RUNTIME as its default runtime: dockerd and what it starts run in the world of this script.
. "$(dirname "$0")/lib.bash"
DOCKER=/usr/bin/docker
world dockerd containerd $DOCKER busybox python3 jq iptables
IMAGE=busybox:latest

# start_daemon NAME [MORE JSON]: a dockerd with directories and a socket of its own.
start_daemon() {
	local dir=/run/$1 more=${2:-}

	mkdir -p "$dir"
	cat >"$dir/daemon.json" <<-END
		{ "data-root": "$T/$1", "exec-root": "$dir/exec", "pidfile": "$dir/pid", "deprecated-key-path": "$dir/key.json", "hosts": ["unix://$dir/sock"],
		  "exec-opts": ["native.cgroupdriver=cgroupfs"], "storage-driver": "overlay2", "bip": "172.30.0.1/24",
		  "runtimes": { "under-test": { "path": "$RUNTIME" } }, "default-runtime": "under-test"${more:+, $more} }
	END
	dockerd --config-file "$dir/daemon.json" >"$T/$1.log" 2>&1 &
	export DOCKER_HOST=unix://$dir/sock
	soon $DOCKER version
	$DOCKER import -c 'CMD ["/bin/sh"]' -c 'ENV PATH=/bin' "$T/image.tar" $IMAGE >/dev/null
}

d() {
	timeout -k 5 "$SECONDS_EACH" $DOCKER "$@"
}

run() {
	d run --rm --network none "$@"
}

# box NAME OPTIONS...: a detached container that waits for TERM.
box() {
	local name=$1

	shift
	d run -d --name "$name" --network none "$@" $IMAGE sh -c 'trap "echo bye; exit 0" TERM; echo up; while :; do sleep 0.1; done' >/dev/null
	soon logged "$name" up
}

logged() {
	[[ $(d logs "$1" 2>&1) == *"$2"* ]]
}

pid_of() {
	d inspect -f '{{.State.Pid}}' "$1"
}

state_of() {
	d inspect -f '{{.State.Status}}' "$1"
}

gone() {
	d rm -f "$@" >/dev/null
}

# ---- running ----
foreground() {
	expect '^out$' run $IMAGE echo out
	expect '^in$' bash -c "echo in | $DOCKER run --rm -i --network none $IMAGE cat"
	expect '^ok$' run --runtime under-test $IMAGE echo ok
}

exit_codes() {
	exits 7 run $IMAGE sh -c 'exit 7'
	exits 125 run --no-such-option $IMAGE true
	exits 126 run $IMAGE /etc/not-a-program
	exits 126 run $IMAGE /etc
	exits 127 run $IMAGE no-such-program
	exits 127 run $IMAGE /no/such/program
	exits 125 run --runtime no-such-runtime $IMAGE true
}

detached() {
	box d1
	lives "$(pid_of d1)"
	gone d1
}

terminal() {
	pty -e '#' -s 'tty; stty size' -e /dev/pts/0 -e '24 80' -r 50x120 -s 'stty size; exit 7' -e '50 120' -- \
		$DOCKER run --rm -it --network none $IMAGE sh || [[ $? == 7 ]]
}

exec_inside() {
	box e1
	expect '^hello$' d exec e1 echo hello
	expect '^in$' bash -c "echo in | $DOCKER exec -i e1 cat"
	expect '1000' d exec -u user e1 id -u
	expect '^/tmp$' d exec -w /tmp e1 pwd
	expect '^x y$' d exec -e 'V=x y' e1 sh -c 'echo "$V"'
	exits 9 d exec e1 sh -c 'exit 9'
	# 20.10 gives 126 for exec of a missing program, whatever the runtime says
	exits 126 d exec e1 no-such-program || exits 127 d exec e1 no-such-program
	exits 126 d exec e1 /etc/not-a-program
	d exec -d e1 touch /tmp/made
	soon d exec e1 test -e /tmp/made
	gone e1
}

exec_terminal() {
	box e2
	pty -e '#' -s 'stty size' -e '24 80' -r 33x99 -s 'stty size; exit' -e '33 99' -- $DOCKER exec -it e2 sh
	gone e2
}

logs() {
	d run --name l1 --network none $IMAGE sh -c 'echo out; echo err >&2'
	expect out d logs l1
	expect err d logs l1
	gone l1
}

# ---- life ----
stop() {
	box s1
	d stop -t 10 s1
	expect exited state_of s1
	expect bye d logs s1
	expect '^0$' d inspect -f '{{.State.ExitCode}}' s1
	gone s1
}

kills() {
	box k1
	d kill -s KILL k1
	expect 137 d wait k1
	exits 1 d kill k1
	gone k1
}

pause() {
	box p1
	d pause p1
	expect paused state_of p1
	exits 1 d exec p1 true
	d unpause p1
	d exec p1 true
	d pause p1
	gone p1
}

restart() {
	local first

	box r1
	first=$(pid_of r1)
	d restart -t 5 r1
	[[ $(pid_of r1) != "$first" ]]
	d stop -t 5 r1
	d start r1
	expect running state_of r1
	gone r1
}

was_restarted() {
	[[ $(d inspect -f '{{.RestartCount}}' "$1") == "$2" ]]
}

restart_policy() {
	d run -d --name r2 --restart on-failure:2 --network none $IMAGE false
	soon was_restarted r2 2
	gone r2
}

delete_twice() {
	box x1
	d rm -f x1
	exits 1 d rm x1
	"$RUNTIME" --root /run/docker-one/exec/runtime-runc/moby delete --force x1
}

# ---- limits ----
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

out_of_memory() {
	exits 137 run --memory 16m --memory-swap 16m $IMAGE tail /dev/zero
}

pids_in_force() {
	exits 2 run --pids-limit 5 $IMAGE sh -c 'for i in 1 2 3 4 5 6 7 8; do sleep 5 & done; exit 0'
}

update() {
	local pid

	box u1 --memory 64m --memory-swap 128m --pids-limit 50
	pid=$(pid_of u1)
	d update --memory 96m --cpus 0.3 u1
	has_knob "$pid" 100663296 memory memory.limit_in_bytes memory.max
	has_knob "$pid" 30000 cpu cpu.cfs_quota_us cpu.max
	has_knob "$pid" 50 pids pids.max pids.max
	d update --pids-limit 60 u1
	has_knob "$pid" 60 pids pids.max pids.max
	gone u1
}

ulimits() {
	expect '^321$' run --ulimit nofile=321:321 $IMAGE sh -c 'ulimit -n'
}

cgroup_parent() {
	box c1 --cgroup-parent /docker-test
	expect '/docker-test/' cat "/proc/$(pid_of c1)/cgroup"
	gone c1
}

cgroup_namespace() {
	expect '(pids|0:):/($|[^[:print:]])' run --cgroupns private $IMAGE grep -E 'pids|^0' /proc/self/cgroup
}

# ---- security ----
seccomp_default() {
	seccomp_is_on run $IMAGE
	expect 'Seccomp:.0' run --security-opt seccomp=unconfined $IMAGE grep Seccomp: /proc/self/status
}

capabilities() {
	capabilities_are 00000000a80425fb run $IMAGE
	expect 'CapEff:.0000000000000000' run --cap-drop all $IMAGE grep CapEff /proc/self/status
	expect 'CapEff:.0000000000001000' run --cap-drop all --cap-add net_admin $IMAGE grep CapEff /proc/self/status
}

no_new_privileges() {
	expect 'NoNewPrivs:.1' run --security-opt no-new-privileges $IMAGE grep NoNewPrivs /proc/self/status
}

masked() {
	expect '^0$' run $IMAGE sh -c 'cat /proc/timer_list | wc -c'
	expect 'Read-only' run $IMAGE sh -c 'echo 1 >/proc/sys/kernel/msgmax'
}

privileged() {
	expect '^ok$' run --privileged $IMAGE echo ok
}

user() {
	expect 'uid=1000\(user\) gid=1000\(user\)' run -u user $IMAGE id
	expect 'uid=1234 gid=5678 groups=.*99' run -u 1234:5678 --group-add 99 $IMAGE id
	expect 'CapEff:.0000000000000000' run -u user $IMAGE grep CapEff /proc/self/status
}

# ---- files ----
tmpfs() {
	expect 'size=4096k.*mode=1755' run --tmpfs /scratch:size=4m,mode=1755 $IMAGE grep /scratch /proc/mounts
	run --tmpfs /scratch $IMAGE touch /scratch/file
}

volumes() {
	run -v "$T/volume:/v" $IMAGE sh -c 'touch /v/new && test -e /v/sub/file'
	test -e "$T/volume/new"
	expect Read-only run -v "$T/volume:/v:ro" $IMAGE touch /v/no
	run -v "$T/volume:/v:ro" $IMAGE test -e /v/sub/file
	run -v named:/v $IMAGE touch /v/kept
	run -v named:/v $IMAGE test -e /v/kept
	run -v "$T/volume/sub/file:/etc/one" $IMAGE test -f /etc/one
	exits 127 run -v "$T/volume:/etc/passwd" $IMAGE true || exits 125 run -v "$T/volume:/etc/passwd" $IMAGE true
}

read_only_root() {
	expect Read-only run --read-only $IMAGE touch /no
	run --read-only --tmpfs /tmp $IMAGE touch /tmp/yes
}

devices() {
	run --device /dev/null:/dev/other $IMAGE sh -c 'echo x >/dev/other'
	expect 'not permitted' run --cap-add mknod $IMAGE sh -c 'mknod /dev/blk b 8 0; cat /dev/blk'
}

init_process() {
	expect 'init' run --init $IMAGE cat /proc/1/cmdline
}

hostname_and_sysctl() {
	expect '^box$' run --hostname box $IMAGE hostname
	expect '^1234$' run --sysctl kernel.msgmax=1234 $IMAGE cat /proc/sys/kernel/msgmax
	expect '5120' run --shm-size 5m $IMAGE df -k /dev/shm
}

shared_namespaces() {
	box n1 --ipc shareable
	expect 'sleep 0.1|trap' run --pid container:n1 --ipc container:n1 $IMAGE ps
	expect "$(hostname)" run --uts host $IMAGE hostname
	run --ipc host --pid host $IMAGE true
	[[ $(d run --rm --network container:n1 $IMAGE readlink /proc/self/ns/net) == "$(d exec n1 readlink /proc/self/ns/net)" ]]
	gone n1
}

# ---- watching ----
has_health() {
	[[ $(d inspect -f '{{.State.Health.Status}}' "$1") == "$2" ]]
}

healthcheck() {
	box h1 --health-cmd 'test -e /tmp/well' --health-interval 1s --health-retries 2
	soon has_health h1 unhealthy
	d exec h1 touch /tmp/well
	soon has_health h1 healthy
	gone h1
}

stats() {
	box t1 --memory 64m
	expect '64MiB' d stats --no-stream t1
	gone t1
}

top() {
	box t2
	expect 'sleep|sh' d top t2
	gone t2
}

events() {
	d run --name v1 --network none $IMAGE true
	expect 'die.*exitCode=0' d events --since 60s --until "$(($(date +%s) + 1))" --filter container=v1
	gone v1
}

checkpoint_probe() {
	box c2
	expect 'experimental|checkpoint|criu' d checkpoint create c2 p1
	expect running state_of c2
	gone c2
}

build() {
	printf 'FROM %s\nRUN echo built >/built\nCMD cat /built\n' $IMAGE >"$T/subid/Dockerfile"
	DOCKER_BUILDKIT=0 d build --network none -t built "$T/subid"
	expect '^built$' run built
	DOCKER_BUILDKIT=1 d build --no-cache --network none -t built "$T/subid"
	expect '^built$' run built
	d rmi built
}

info() {
	expect 'under-test' d info -f '{{.DefaultRuntime}}'
}

# ---- network ----
network_none() {
	expect '^ *lo:' run $IMAGE tail -n +3 /proc/net/dev
}

network_host() {
	expect "^$(readlink /proc/self/ns/net | tr '[]' '..')\$" d run --rm --network host $IMAGE readlink /proc/self/ns/net
}

network_bridge() {
	expect 'inet 172\.30\.' d run --rm $IMAGE ip addr show eth0
	d run -d --name w1 $IMAGE sh -c 'echo page >/tmp/index.html; httpd -f -h /tmp'
	expect page d run --rm $IMAGE sh -c "printf 'GET /index.html HTTP/1.0\r\n\r\n' | nc -w 5 $(d inspect -f '{{.NetworkSettings.IPAddress}}' w1) 80"
	gone w1
}

nothing_left() {
	[[ -z $(d ps -aq) ]] || gone $(d ps -aq)
	no_state_left /run/docker-one/exec/runtime-runc/moby
	expect '^$' find /sys/fs/cgroup ! -fstype tmpfs -type d -path '*/docker/[0-9a-f]*' ! -name buildkit
}

remapped() {
	kill "$(cat /run/docker-one/pid)"
	soon test ! -e /run/docker-one/pid
	ip link delete docker0
	start_daemon docker-two '"userns-remap": "default"'
	expect '0 +200000 +65536' run $IMAGE cat /proc/self/uid_map
	expect 'uid=1000' run -u user $IMAGE id
	expect 'inet 172\.30\.' d run --rm $IMAGE ip addr show eth0
	box e1 --memory 64m
	expect '^hello$' d exec e1 echo hello
	gone e1
}

mkdir -p "$T/volume/sub"
mount -t tmpfs submount "$T/volume/sub"
touch "$T/volume/sub/file"
start_daemon docker-one
echo "# $($DOCKER --version), $("$RUNTIME" --version | head -1)"

check 'run gives output and takes input'                        foreground
check 'info names the runtime'                                  info
check 'exit codes: own, 125, 126, 127'                          exit_codes
check 'a detached container lives'                              detached
check '-it has a terminal that follows a resize'                terminal
check 'exec: input, user, directory, variables, exit codes, -d' exec_inside
check 'exec -it has a terminal that follows a resize'           exec_terminal
check 'logs keep both streams'                                  logs
check 'stop lets the program say bye'                           stop
check 'kill sends the signal; a stopped container takes none'   kills
check 'pause and unpause; a paused container can be removed'    pause
check 'restart, stop and start'                                 restart
check 'a restart policy counts'                                 restart_policy
check 'a container is deleted twice'                            delete_twice
check 'limits are in the cgroups'                               limits
check 'limits are seen inside'                                  limits_inside
check 'out of memory ends with 137'                             out_of_memory
check 'the limit of pids is in force'                           pids_in_force
check 'update changes what is given and nothing else'           update
check 'ulimits'                                                 ulimits
check '--cgroup-parent'                                         cgroup_parent
check '--cgroupns private'                                      cgroup_namespace
check 'the default seccomp profile is in force'                 seccomp_default
check 'default and chosen capabilities'                         capabilities
check 'no-new-privileges'                                       no_new_privileges
check 'masked and read-only paths'                              masked
check '--privileged'                                            privileged
check '--user and --group-add'                                  user
check 'tmpfs with options'                                      tmpfs
check 'volumes: recursive, read-only, named, of one file'       volumes
check '--read-only'                                             read_only_root
check 'devices given and refused'                               devices
check '--init'                                                  init_process
check 'hostname, sysctl, size of /dev/shm'                      hostname_and_sysctl
check 'namespaces of other containers and of the host'          shared_namespaces
check 'a timed healthcheck'                                     healthcheck
check 'stats'                                                   stats
check 'top'                                                     top
check 'events'                                                  events
check 'a checkpoint is refused in words'                        checkpoint_probe
check 'build, classic and buildkit'                             build
check '--network none'                                          network_none
check '--network host'                                          network_host
check '--network bridge'                                        network_bridge
check 'nothing of the runtime is left'                          nothing_left
check 'userns-remap'                                            remapped
finish
