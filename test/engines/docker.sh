#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Docker with RUNTIME as its default runtime: dockerd and what it starts run in the world of this script.
. "$(dirname "$0")/lib.bash"
. "$(dirname "$0")/docker-like.bash"
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

engine() {
	timeout -k 5 "$SECONDS_EACH" $DOCKER "$@"
}

# box NAME OPTIONS...: a detached container that waits for TERM.
box() {
	local name=$1

	shift
	engine run -d --name "$name" --network none "$@" $IMAGE sh -c 'trap "echo bye; exit 0" TERM; echo up; while :; do sleep 0.1; done' >/dev/null
	soon logged "$name" up
}

logged() {
	[[ $(engine logs "$1" 2>&1) == *"$2"* ]]
}

gone() {
	engine rm -f "$@" >/dev/null
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
	expect '^hello$' engine exec e1 echo hello
	expect '^in$' bash -c "echo in | $DOCKER exec -i e1 cat"
	expect '1000' engine exec -u user e1 id -u
	expect '^/tmp$' engine exec -w /tmp e1 pwd
	expect '^x y$' engine exec -e 'V=x y' e1 sh -c 'echo "$V"'
	exits 9 engine exec e1 sh -c 'exit 9'
	# 20.10 gives 126 for exec of a missing program, whatever the runtime says
	exits 126 engine exec e1 no-such-program || exits 127 engine exec e1 no-such-program
	exits 126 engine exec e1 /etc/not-a-program
	engine exec -d e1 touch /tmp/made
	soon engine exec e1 test -e /tmp/made
	gone e1
}

exec_terminal() {
	box e2
	pty -e '#' -s 'stty size' -e '24 80' -r 33x99 -s 'stty size; exit' -e '33 99' -- $DOCKER exec -it e2 sh
	gone e2
}

# ---- life ----
kills() {
	box k1
	engine kill -s KILL k1
	expect 137 engine wait k1
	exits 1 engine kill k1
	gone k1
}

pause() {
	box p1
	engine pause p1
	expect paused state_of p1
	exits 1 engine exec p1 true
	engine unpause p1
	engine exec p1 true
	engine pause p1
	gone p1
}

restart() {
	local first

	box r1
	first=$(pid_of r1)
	engine restart -t 5 r1
	[[ $(pid_of r1) != "$first" ]]
	engine stop -t 5 r1
	engine start r1
	expect running state_of r1
	gone r1
}

was_restarted() {
	[[ $(engine inspect -f '{{.RestartCount}}' "$1") == "$2" ]]
}

restart_policy() {
	engine run -d --name r2 --restart on-failure:2 --network none $IMAGE false
	soon was_restarted r2 2
	gone r2
}

delete_twice() {
	box x1
	engine rm -f x1
	exits 1 engine rm x1
	"$RUNTIME" --root /run/docker-one/exec/runtime-runc/moby delete --force x1
}

# ---- limits ----
out_of_memory() {
	exits 137 run --memory 16m --memory-swap 16m $IMAGE tail /dev/zero
}

update() {
	local pid

	box u1 --memory 64m --memory-swap 128m --pids-limit 50
	pid=$(pid_of u1)
	engine update --memory 96m --cpus 0.3 u1
	has_knob "$pid" 100663296 memory memory.limit_in_bytes memory.max
	has_knob "$pid" 30000 cpu cpu.cfs_quota_us cpu.max
	has_knob "$pid" 50 pids pids.max pids.max
	engine update --pids-limit 60 u1
	has_knob "$pid" 60 pids pids.max pids.max
	gone u1
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
capabilities() {
	capabilities_are 00000000a80425fb run $IMAGE
	expect 'CapEff:.0000000000000000' run --cap-drop all $IMAGE grep CapEff /proc/self/status
	expect 'CapEff:.0000000000001000' run --cap-drop all --cap-add net_admin $IMAGE grep CapEff /proc/self/status
}

privileged() {
	expect '^ok$' run --privileged $IMAGE echo ok
}

# ---- files ----
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

init_process() {
	expect 'init' run --init $IMAGE cat /proc/1/cmdline
}

shared_namespaces() {
	box n1 --ipc shareable
	expect 'sleep 0.1|trap' run --pid container:n1 --ipc container:n1 $IMAGE ps
	expect "$(hostname)" run --uts host $IMAGE hostname
	run --ipc host --pid host $IMAGE true
	[[ $(engine run --rm --network container:n1 $IMAGE readlink /proc/self/ns/net) == "$(engine exec n1 readlink /proc/self/ns/net)" ]]
	gone n1
}

# ---- watching ----
has_health() {
	[[ $(engine inspect -f '{{.State.Health.Status}}' "$1") == "$2" ]]
}

healthcheck() {
	box h1 --health-cmd 'test -e /tmp/well' --health-interval 1s --health-retries 2
	soon has_health h1 unhealthy
	engine exec h1 touch /tmp/well
	soon has_health h1 healthy
	gone h1
}

stats() {
	box t1 --memory 64m
	expect '64MiB' engine stats --no-stream t1
	gone t1
}

top() {
	box t2
	expect 'sleep|sh' engine top t2
	gone t2
}

events() {
	engine run --name v1 --network none $IMAGE true
	expect 'die.*exitCode=0' engine events --since 60s --until "$(($(date +%s) + 1))" --filter container=v1
	gone v1
}

checkpoint_probe() {
	box c2
	expect 'experimental|checkpoint|criu' engine checkpoint create c2 p1
	expect running state_of c2
	gone c2
}

build() {
	printf 'FROM %s\nRUN echo built >/built\nCMD cat /built\n' $IMAGE >"$T/subid/Dockerfile"
	DOCKER_BUILDKIT=0 engine build --network none -t built "$T/subid"
	expect '^built$' run built
	DOCKER_BUILDKIT=1 engine build --no-cache --network none -t built "$T/subid"
	expect '^built$' run built
	engine rmi built
}

info() {
	expect 'under-test' engine info -f '{{.DefaultRuntime}}'
}

# ---- network ----
network_none() {
	expect '^ *lo:' run $IMAGE tail -n +3 /proc/net/dev
}

network_bridge() {
	expect 'inet 172\.30\.' engine run --rm $IMAGE ip addr show eth0
	engine run -d --name w1 $IMAGE sh -c 'echo page >/tmp/index.html; httpd -f -h /tmp'
	expect page engine run --rm $IMAGE sh -c "printf 'GET /index.html HTTP/1.0\r\n\r\n' | nc -w 5 $(engine inspect -f '{{.NetworkSettings.IPAddress}}' w1) 80"
	gone w1
}

nothing_left() {
	[[ -z $(engine ps -aq) ]] || gone $(engine ps -aq)
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
	expect 'inet 172\.30\.' engine run --rm $IMAGE ip addr show eth0
	box e1 --memory 64m
	expect '^hello$' engine exec e1 echo hello
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
