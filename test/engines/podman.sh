#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Podman with RUNTIME: what its users do, on this host, without systemd and without a registry.
. "$(dirname "$0")/lib.bash"
. "$(dirname "$0")/docker-like.bash"
world podman conmon busybox python3

configure() {
	export CONTAINERS_CONF=$T/containers.conf
	cat >"$CONTAINERS_CONF" <<-END
		[containers]
		default_ulimits = ["nofile=10000:10000", "nproc=32768:32768"]
		[engine]
		cgroup_manager = "cgroupfs"
		events_logger = "file"
		runtime_supports_json = ["$NAME"]
		runtime_supports_nocgroup = ["$NAME"]
		[engine.runtimes]
		$NAME = ["$RUNTIME"]
		[network]
		network_backend = "netavark"
		network_config_dir = "$T/networks"
	END
	mkdir -p "$T/storage" "$T/volume" && mount -t tmpfs submount "$T/volume"
	mkdir "$T/volume/sub" && mount -t tmpfs submount "$T/volume/sub"
	touch "$T/volume/file" "$T/volume/sub/file"
}

engine() {
	timeout -k 5 "$SECONDS_EACH" podman --root "$T/storage" --storage-driver overlay --runtime "$RUNTIME" "$@"
}

# box NAME OPTIONS...: a detached container that waits for TERM.
box() {
	local name=$1

	shift
	engine run -d --name "$name" --network none "$@" $IMAGE sh -c 'trap "echo bye; exit 0" TERM; echo up; while :; do sleep 0.1; done' >/dev/null
	soon test "$(engine logs "$name")" = up
}

gone() {
	engine rm -f -t 0 "$@" >/dev/null
}

# ---- running ----
foreground() {
	expect '^out$' run $IMAGE echo out
	expect '^in$' bash -c "echo in | timeout 60 podman --root '$T/storage' --runtime '$RUNTIME' run --rm -i --network none $IMAGE cat"
}

exit_codes() {
	exits 7 run $IMAGE sh -c 'exit 7'
	exits 125 run --no-such-option $IMAGE true
	exits 126 run $IMAGE /etc/not-a-program
	exits 126 run $IMAGE /etc
	exits 127 run $IMAGE no-such-program
	exits 127 run $IMAGE /no/such/program
}

detached() {
	box d1
	expect up engine logs d1
	lives "$(pid_of d1)"
	gone d1
}

terminal() {
	local output

	output=$(pty -e '#' -s 'tty; stty size' -e '24 80' -r 50x120 -s 'stty size; exit 7' -e '50 120' -- \
		podman --root "$T/storage" --runtime "$RUNTIME" run --rm -it --network none $IMAGE sh) || [[ $? == 7 ]]
	expect /dev/pts/0 echo "$output"
}

exec_inside() {
	box e1
	expect '^hello$' engine exec e1 echo hello
	expect '^in$' bash -c "echo in | timeout 60 podman --root '$T/storage' --runtime '$RUNTIME' exec -i e1 cat"
	expect '1000' engine exec -u user e1 id -u
	expect '^/tmp$' engine exec -w /tmp e1 pwd
	expect '^x y$' engine exec -e 'V=x y' e1 sh -c 'echo "$V"'
	exits 9 engine exec e1 sh -c 'exit 9'
	exits 127 engine exec e1 no-such-program
	exits 126 engine exec e1 /etc/not-a-program
	engine exec -d e1 touch /tmp/made
	soon engine exec e1 test -e /tmp/made
	gone e1
}

exec_terminal() {
	box e2
	pty -e '#' -s 'stty size' -e '24 80' -r 33x99 -s 'stty size; tty; exit' -e '33 99' -e /dev/pts -- \
		podman --root "$T/storage" --runtime "$RUNTIME" exec -it e2 sh
	gone e2
}

# ---- life ----
kills() {
	box k1
	engine kill -s USR1 k1 || true
	engine kill -s KILL k1
	expect 138\|137 engine wait k1
	exits 125 engine kill k1
	gone k1
}

pause() {
	box p1
	engine pause p1
	expect paused state_of p1
	exits 255 engine exec p1 true
	engine unpause p1
	expect running state_of p1
	engine exec p1 true
	gone p1
}

restart() {
	local first

	box r1
	first=$(pid_of r1)
	engine restart -t 5 r1
	[[ $(pid_of r1) != "$first" ]]
	engine stop -t 5 r1 && engine start r1
	expect running state_of r1
	gone r1
}

restart_policy() {
	engine run -d --name r2 --restart on-failure:2 --network none $IMAGE false
	soon test "$(engine inspect -f '{{.RestartCount}}' r2)" = 2 || sleep 3
	expect 2 engine inspect -f '{{.RestartCount}}' r2
	gone r2
}

delete_twice() {
	box x1
	engine rm -f -t 0 x1
	engine rm -f --ignore x1
	exits 1 engine rm x1
	"$RUNTIME" delete --force no-such-container
}

# ---- limits ----
out_of_memory() {
	exits 137 engine run --name o1 --network none --memory 16m --memory-swap 16m $IMAGE tail /dev/zero
	gone o1
}

update() {
	local pid

	box u1 --memory 64m --pids-limit 50
	pid=$(pid_of u1)
	if engine update --help | grep -q -- --memory; then
		engine update --memory 96m --cpus 0.3 u1
		has_knob "$pid" 100663296 memory memory.limit_in_bytes memory.max
		has_knob "$pid" 30000 cpu cpu.cfs_quota_us cpu.max
		has_knob "$pid" 50 pids pids.max pids.max
	fi
	gone u1
}

no_cgroups() {
	expect '^ok$' run --cgroups disabled $IMAGE echo ok
}

cgroup_parent() {
	box c1 --cgroup-parent /podman-test
	expect '/podman-test/libpod-' cat "/proc/$(pid_of c1)/cgroup"
	gone c1
}

cgroup_namespace() {
	expect '/$' run --cgroupns private $IMAGE grep pids /proc/self/cgroup ||
		expect '^0::/$' run --cgroupns private $IMAGE cat /proc/self/cgroup
}

# ---- security ----
capabilities() {
	capabilities_are 00000000800405fb run $IMAGE || capabilities_are '00000000[0-9a-f]{8}' run $IMAGE
	expect 'CapEff:.0000000000000000' run --cap-drop all $IMAGE grep CapEff /proc/self/status
	expect 'CapEff:.0000000000001000' run --cap-drop all --cap-add net_admin $IMAGE grep CapEff /proc/self/status
}

privileged() {
	expect '^ok$' run --privileged $IMAGE echo ok
	run --privileged $IMAGE mount -t tmpfs none /tmp
}

user_namespace() {
	expect '0 +300000 +1000' run --uidmap 0:300000:1000 --gidmap 0:300000:1000 $IMAGE cat /proc/self/uid_map
	run --uidmap 0:300000:1000 --gidmap 0:300000:1000 $IMAGE sh -c 'touch /made; test -O /made'
}

user_namespace_auto() {
	expect '0 +2[0-9]{5} ' run --userns auto $IMAGE cat /proc/self/uid_map
}

# ---- files ----
volumes() {
	run -v "$T/volume:/v" $IMAGE sh -c 'touch /v/new && test -e /v/sub/file'
	test -e "$T/volume/new"
	expect Read-only run -v "$T/volume:/v:ro" $IMAGE touch /v/no
	run -v "$T/volume:/v:ro" $IMAGE test -e /v/sub/file
	run -v named:/v $IMAGE touch /v/kept && run -v named:/v $IMAGE test -e /v/kept
	run -v "$T/volume/file:/etc/one" $IMAGE test -f /etc/one
	expect Read-only run --mount type=bind,src="$T/volume",dst=/v,ro,bind-propagation=rslave $IMAGE touch /v/no
}

read_only_root() {
	expect Read-only run --read-only $IMAGE touch /no
	run --read-only $IMAGE touch /tmp/yes
}

init_process() {
	expect 'catatonit|podman-init' run --init --init-path "$(command -v catatonit)" $IMAGE cat /proc/1/cmdline
}

shared_namespaces() {
	box n1
	expect 'sleep 0.1|trap' run --pid container:n1 $IMAGE ps
	expect "$(hostname)" run --uts host $IMAGE hostname
	run --ipc host --pid host $IMAGE true
	gone n1
}

# ---- watching ----
healthcheck() {
	box h1 --health-cmd 'test -e /tmp/well' --health-interval disable
	exits 1 engine healthcheck run h1
	engine exec h1 touch /tmp/well
	engine healthcheck run h1
	gone h1
}

stats() {
	box t1 --memory 64m
	expect '67.11MB' engine stats --no-stream t1
	gone t1
}

top() {
	box t2
	expect 'sleep|sh' engine top t2
	expect 'COMMAND|sh' engine top t2 pid comm
	gone t2
}

checkpoint_probe() {
	local output

	"$RUNTIME" checkpoint --help >/dev/null
	box c2
	output=$(engine container checkpoint c2 2>&1) && { gone c2; return 0; }
	expect 'checkpoint|criu|CRIU' echo "$output"
	expect running state_of c2
	gone c2
}

build() {
	printf 'FROM %s\nRUN echo built >/built\nCMD cat /built\n' $IMAGE >"$T/Dockerfile"
	engine build --network none --ulimit nofile=10000:10000 --ulimit nproc=32768:32768 -t localhost/built -f "$T/Dockerfile" "$T/subid"
	expect '^built$' run localhost/built
	engine rmi localhost/built
}

# ---- network ----
network_none() {
	expect '^lo$' run $IMAGE ls /sys/class/net || expect '^ *lo:' run $IMAGE tail -n +3 /proc/net/dev
}

network_bridge() {
	expect 'inet 10\.88\.' engine run --rm $IMAGE ip addr show eth0
	engine run -d --name w1 -p 127.0.0.1:8123:80 $IMAGE sh -c 'echo page >/tmp/index.html; httpd -f -h /tmp'
	expect page engine run --rm $IMAGE nc "$(engine inspect -f '{{.NetworkSettings.IPAddress}}' w1)" 80 -w 5 -e sh -c 'printf "GET /index.html HTTP/1.0\r\n\r\n"; cat >&2'
	gone w1
}

# ---- pods ----
pods() {
	engine pod create --name p --infra-image $IMAGE --infra-command '/bin/sleep 1000' --share ipc,net,uts,pid --network none
	engine run -d --name in1 --pod p $IMAGE sleep 1000
	expect 'sleep 1000' engine run --rm --pod p $IMAGE ps
	[[ $(engine exec in1 readlink /proc/self/ns/net) == "$(engine run --rm --pod p $IMAGE readlink /proc/self/ns/net)" ]]
	engine pod pause p && engine pod unpause p
	expect in1 engine pod stats --no-stream p
	engine pod stop -t 0 p && engine pod start p
	engine pod rm -f -t 0 p
}

pod_without_infra() {
	engine pod create --name q --infra=false
	engine run -d --name in2 --pod q --network none $IMAGE sleep 1000
	engine pod kill q
	engine pod rm -f -t 0 q
}

play_kube() {
	cat >"$T/kube.yaml" <<-END
		apiVersion: v1
		kind: Pod
		metadata: { name: kube }
		spec:
		  hostNetwork: true
		  containers:
		  - name: one
		    image: $IMAGE
		    imagePullPolicy: Never
		    command: ["sleep", "1000"]
		    resources: { limits: { memory: "64Mi" } }
	END
	engine play kube "$T/kube.yaml"
	has_knob "$(pid_of kube-one)" 67108864 memory memory.limit_in_bytes memory.max
	engine play kube --down "$T/kube.yaml"
}

no_cgroup_left() {
	expect '^$' find /sys/fs/cgroup ! -fstype tmpfs -type d -path '*libpod-[0-9a-f]*'
}

nothing_left() {
	gone -a
	engine pod rm -f -a
	no_state_left "/run/$NAME"
	soon no_cgroup_left
}

configure
engine import --change 'CMD ["/bin/sh"]' --change 'ENV PATH=/bin' "$T/image.tar" $IMAGE >/dev/null 2>&1
echo "# $(podman --version), $("$RUNTIME" --version | head -1)"

check 'run gives output and takes input'                        foreground
check 'exit codes: own, 125, 126, 127'               exit_codes
check 'a detached container lives and logs'                     detached
check '-it has a terminal that follows a resize'                terminal
check 'exec: input, user, directory, variables, exit codes, -d' exec_inside
check 'exec -it has a terminal that follows a resize'           exec_terminal
check 'logs keep both streams'                                  logs
check 'stop lets the program say bye'                           stop
check 'kill sends the signal; a stopped container takes none'   kills
check 'pause and unpause'                                       pause
check 'restart, stop and start'                                 restart
check 'a restart policy counts'                                 restart_policy
check 'a container is deleted twice'                            delete_twice
check 'limits are in the cgroups'                               limits
check 'limits are seen inside'                                  limits_inside
check 'out of memory ends with 137'                             out_of_memory
check 'the limit of pids is in force'                           pids_in_force
check 'update changes what is given and nothing else'           update
check 'ulimits'                                                 ulimits
check '--cgroups disabled'                                      no_cgroups
check '--cgroup-parent'                                         cgroup_parent
check '--cgroupns private'                                      cgroup_namespace
check 'the default seccomp profile is in force'                 seccomp_default
check 'default and chosen capabilities'                         capabilities
check 'no-new-privileges'                                       no_new_privileges
check 'masked and read-only paths'                              masked
check '--privileged'                                            privileged
check '--user and --group-add'                                  user
check '--uidmap'                                                user_namespace
check '--userns auto'                                           user_namespace_auto
check 'tmpfs with options'                                      tmpfs
check 'volumes: recursive, read-only, named, of one file'       volumes
check '--read-only'                                             read_only_root
check 'devices given and refused'                               devices
check '--init'                                                  init_process
check 'hostname, sysctl, size of /dev/shm'                      hostname_and_sysctl
check 'namespaces of other containers and of the host'          shared_namespaces
check 'healthcheck run'                                         healthcheck
check 'stats'                                                   stats
check 'top'                                                     top
check 'the probe for checkpoint is answered'                    checkpoint_probe
check 'build'                                                   build
check '--network none'                                          network_none
check '--network host'                                          network_host
check '--network bridge'                                        network_bridge
check 'a pod shares namespaces, pauses, stops and starts'       pods
check 'a pod without an infra container'                        pod_without_infra
check 'play kube'                                               play_kube
check 'nothing of the runtime is left'                          nothing_left
finish
