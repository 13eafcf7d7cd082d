#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Podman with RUNTIME: what its users do, on this host, without systemd and without a registry.
. "$(dirname "$0")/lib.bash"
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

pod() {
	timeout -k 5 "$SECONDS_EACH" podman --root "$T/storage" --storage-driver overlay --runtime "$RUNTIME" "$@"
}

run() {
	pod run --rm --network none "$@"
}

# box NAME OPTIONS...: a detached container that waits for TERM.
box() {
	local name=$1

	shift
	pod run -d --name "$name" --network none "$@" $IMAGE sh -c 'trap "echo bye; exit 0" TERM; echo up; while :; do sleep 0.1; done' >/dev/null
	soon test "$(pod logs "$name")" = up
}

pid_of() {
	pod inspect -f '{{.State.Pid}}' "$1"
}

state_of() {
	pod inspect -f '{{.State.Status}}' "$1"
}

gone() {
	pod rm -f -t 0 "$@" >/dev/null
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
	expect up pod logs d1
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
	expect '^hello$' pod exec e1 echo hello
	expect '^in$' bash -c "echo in | timeout 60 podman --root '$T/storage' --runtime '$RUNTIME' exec -i e1 cat"
	expect '1000' pod exec -u user e1 id -u
	expect '^/tmp$' pod exec -w /tmp e1 pwd
	expect '^x y$' pod exec -e 'V=x y' e1 sh -c 'echo "$V"'
	exits 9 pod exec e1 sh -c 'exit 9'
	exits 127 pod exec e1 no-such-program
	exits 126 pod exec e1 /etc/not-a-program
	pod exec -d e1 touch /tmp/made
	soon pod exec e1 test -e /tmp/made
	gone e1
}

exec_terminal() {
	box e2
	pty -e '#' -s 'stty size' -e '24 80' -r 33x99 -s 'stty size; tty; exit' -e '33 99' -e /dev/pts -- \
		podman --root "$T/storage" --runtime "$RUNTIME" exec -it e2 sh
	gone e2
}

# ---- life ----
logs() {
	pod run --name l1 --network none $IMAGE sh -c 'echo out; echo err >&2'
	expect 'out' pod logs l1
	expect 'err' pod logs l1
	gone l1
}

stop() {
	box s1
	pod stop -t 10 s1
	expect exited state_of s1
	expect bye pod logs s1
	expect '^0$' pod inspect -f '{{.State.ExitCode}}' s1
	gone s1
}

kills() {
	box k1
	pod kill -s USR1 k1 || true
	pod kill -s KILL k1
	expect 138\|137 pod wait k1
	exits 125 pod kill k1
	gone k1
}

pause() {
	box p1
	pod pause p1
	expect paused state_of p1
	exits 255 pod exec p1 true
	pod unpause p1
	expect running state_of p1
	pod exec p1 true
	gone p1
}

restart() {
	local first

	box r1
	first=$(pid_of r1)
	pod restart -t 5 r1
	[[ $(pid_of r1) != "$first" ]]
	pod stop -t 5 r1 && pod start r1
	expect running state_of r1
	gone r1
}

restart_policy() {
	pod run -d --name r2 --restart on-failure:2 --network none $IMAGE false
	soon test "$(pod inspect -f '{{.RestartCount}}' r2)" = 2 || sleep 3
	expect 2 pod inspect -f '{{.RestartCount}}' r2
	gone r2
}

delete_twice() {
	box x1
	pod rm -f -t 0 x1
	pod rm -f --ignore x1
	exits 1 pod rm x1
	"$RUNTIME" delete --force no-such-container
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
	expect '67108864' run --memory 64m $IMAGE sh -c 'cat /sys/fs/cgroup/memory/memory.limit_in_bytes || cat /sys/fs/cgroup/memory.max'
	expect '77' run --pids-limit 77 $IMAGE sh -c 'cat /sys/fs/cgroup/pids/pids.max || cat /sys/fs/cgroup/pids.max'
}

out_of_memory() {
	exits 137 pod run --name o1 --network none --memory 16m --memory-swap 16m $IMAGE tail /dev/zero
	gone o1
}

pids_in_force() {
	exits 2 run --pids-limit 5 $IMAGE sh -c 'for i in 1 2 3 4 5 6 7 8; do sleep 5 & done; exit 0'
}

update() {
	local pid

	box u1 --memory 64m --pids-limit 50
	pid=$(pid_of u1)
	if pod update --help | grep -q -- --memory; then
		pod update --memory 96m --cpus 0.3 u1
		has_knob "$pid" 100663296 memory memory.limit_in_bytes memory.max
		has_knob "$pid" 30000 cpu cpu.cfs_quota_us cpu.max
		has_knob "$pid" 50 pids pids.max pids.max
	fi
	gone u1
}

ulimits() {
	expect '^321$' run --ulimit nofile=321:321 --ulimit nproc=1000:1000 $IMAGE sh -c 'ulimit -n'
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
seccomp_default() {
	seccomp_is_on run $IMAGE
	expect 'Seccomp:.0' run --security-opt seccomp=unconfined $IMAGE grep Seccomp: /proc/self/status
}

capabilities() {
	capabilities_are 00000000800405fb run $IMAGE || capabilities_are '00000000[0-9a-f]{8}' run $IMAGE
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
	run --privileged $IMAGE mount -t tmpfs none /tmp
}

user() {
	expect 'uid=1000\(user\) gid=1000\(user\)' run -u user $IMAGE id
	expect 'uid=1234.* gid=5678.* groups=.*99' run -u 1234:5678 --group-add 99 $IMAGE id
	expect 'CapEff:.0000000000000000' run -u user $IMAGE grep CapEff /proc/self/status
}

user_namespace() {
	expect '0 +300000 +1000' run --uidmap 0:300000:1000 --gidmap 0:300000:1000 $IMAGE cat /proc/self/uid_map
	run --uidmap 0:300000:1000 --gidmap 0:300000:1000 $IMAGE sh -c 'touch /made; test -O /made'
}

user_namespace_auto() {
	expect '0 +2[0-9]{5} ' run --userns auto $IMAGE cat /proc/self/uid_map
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
	run -v named:/v $IMAGE touch /v/kept && run -v named:/v $IMAGE test -e /v/kept
	run -v "$T/volume/file:/etc/one" $IMAGE test -f /etc/one
	expect Read-only run --mount type=bind,src="$T/volume",dst=/v,ro,bind-propagation=rslave $IMAGE touch /v/no
}

read_only_root() {
	expect Read-only run --read-only $IMAGE touch /no
	run --read-only $IMAGE touch /tmp/yes
}

devices() {
	run --device /dev/null:/dev/other $IMAGE sh -c 'echo x >/dev/other'
	expect 'not permitted' run --cap-add mknod $IMAGE sh -c 'mknod /dev/blk b 8 0; cat /dev/blk'
}

init_process() {
	expect 'catatonit|podman-init' run --init --init-path "$(command -v catatonit)" $IMAGE cat /proc/1/cmdline
}

hostname_and_sysctl() {
	expect '^box$' run --hostname box $IMAGE hostname
	expect '^1234$' run --sysctl kernel.msgmax=1234 $IMAGE cat /proc/sys/kernel/msgmax
	expect '5120' run --shm-size 5m $IMAGE df -k /dev/shm
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
	exits 1 pod healthcheck run h1
	pod exec h1 touch /tmp/well
	pod healthcheck run h1
	gone h1
}

stats() {
	box t1 --memory 64m
	expect '67.11MB' pod stats --no-stream t1
	gone t1
}

top() {
	box t2
	expect 'sleep|sh' pod top t2
	expect 'COMMAND|sh' pod top t2 pid comm
	gone t2
}

checkpoint_probe() {
	local output

	"$RUNTIME" checkpoint --help >/dev/null
	box c2
	output=$(pod container checkpoint c2 2>&1) && { gone c2; return 0; }
	expect 'checkpoint|criu|CRIU' echo "$output"
	expect running state_of c2
	gone c2
}

build() {
	printf 'FROM %s\nRUN echo built >/built\nCMD cat /built\n' $IMAGE >"$T/Dockerfile"
	pod build --network none --ulimit nofile=10000:10000 --ulimit nproc=32768:32768 -t localhost/built -f "$T/Dockerfile" "$T/subid"
	expect '^built$' run localhost/built
	pod rmi localhost/built
}

# ---- network ----
network_none() {
	expect '^lo$' run $IMAGE ls /sys/class/net || expect '^ *lo:' run $IMAGE tail -n +3 /proc/net/dev
}

network_host() {
	expect "^$(readlink /proc/self/ns/net | tr '[]' '..')\$" pod run --rm --network host $IMAGE readlink /proc/self/ns/net
}

network_bridge() {
	expect 'inet 10\.88\.' pod run --rm $IMAGE ip addr show eth0
	pod run -d --name w1 -p 127.0.0.1:8123:80 $IMAGE sh -c 'echo page >/tmp/index.html; httpd -f -h /tmp'
	expect page pod run --rm $IMAGE nc "$(pod inspect -f '{{.NetworkSettings.IPAddress}}' w1)" 80 -w 5 -e sh -c 'printf "GET /index.html HTTP/1.0\r\n\r\n"; cat >&2'
	gone w1
}

# ---- pods ----
pods() {
	pod pod create --name p --infra-image $IMAGE --infra-command '/bin/sleep 1000' --share ipc,net,uts,pid --network none
	pod run -d --name in1 --pod p $IMAGE sleep 1000
	expect 'sleep 1000' pod run --rm --pod p $IMAGE ps
	[[ $(pod exec in1 readlink /proc/self/ns/net) == "$(pod run --rm --pod p $IMAGE readlink /proc/self/ns/net)" ]]
	pod pod pause p && pod pod unpause p
	expect in1 pod pod stats --no-stream p
	pod pod stop -t 0 p && pod pod start p
	pod pod rm -f -t 0 p
}

pod_without_infra() {
	pod pod create --name q --infra=false
	pod run -d --name in2 --pod q --network none $IMAGE sleep 1000
	pod pod kill q
	pod pod rm -f -t 0 q
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
	pod play kube "$T/kube.yaml"
	has_knob "$(pid_of kube-one)" 67108864 memory memory.limit_in_bytes memory.max
	pod play kube --down "$T/kube.yaml"
}

no_cgroup_left() {
	expect '^$' find /sys/fs/cgroup ! -fstype tmpfs -type d -path '*libpod-[0-9a-f]*'
}

nothing_left() {
	gone -a
	pod pod rm -f -a
	no_state_left "/run/$NAME"
	soon no_cgroup_left
}

configure
pod import --change 'CMD ["/bin/sh"]' --change 'ENV PATH=/bin' "$T/image.tar" $IMAGE >/dev/null 2>&1
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
