#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# containerd with RUNTIME, driven by ctr: its shim calls the runtime as it does for Docker and Kubernetes.
. "$(dirname "$0")/lib.bash"
. "$(dirname "$0")/containerd.bash"
world containerd ctr containerd-shim-runc-v2 busybox python3 jq

configure() {
	mkdir -p "$T/volume/sub"
	start_containerd
	mkdir -p /run/other/default
	mount -t tmpfs submount "$T/volume/sub"
	touch "$T/volume/sub/file"
}

c() {
	timeout -k 5 "$SECONDS_EACH" ctr "$@"
}

# run OPTIONS... -- ID COMMAND...
run() {
	local options=()

	while [[ $1 != -- ]]; do
		options+=("$1")
		shift
	done
	shift
	c run --rm --runc-binary "$RUNTIME" "${options[@]}" $IMAGE "$@"
}

box() {
	local id=$1

	shift
	c run -d --runc-binary "$RUNTIME" "$@" $IMAGE "$id" sh -c 'trap "exit 5" TERM; while :; do sleep 0.1; done'
}

pid_of() {
	c task ls | awk -v id="$1" '$1 == id { print $2 }'
}

state_of() {
	c task ls | awk -v id="$1" '$1 == id { print $3 }'
}

in_state() {
	[[ $(state_of "$1") == "$2" ]]
}

gone() {
	c task kill -a -s KILL "$1" 2>/dev/null || true
	soon in_state "$1" STOPPED
	c task delete "$1" || true
	c container delete "$1"
}

# ---- running ----
foreground() {
	expect '^out$' run -- f1 echo out
	exits 7 run -- f2 sh -c 'exit 7'
}

missing_program() {
	expect 'executable file not found|no such file or directory' run -- f3 no-such-program
	expect 'permission denied|Permission denied' run -- f4 /etc/not-a-program
	[[ -z $(c task ls -q) ]]
}

terminal() {
	pty -e '#' -s 'stty size; tty' -e '24 80' -r 50x120 -s 'stty size; exit 7' -e '50 120' -- \
		ctr run --rm -t --runc-binary "$RUNTIME" $IMAGE t1 sh || [[ $? == 7 ]]
}

exec_inside() {
	box e1
	expect '^hello$' c task exec --exec-id x1 e1 echo hello
	expect '1000' c task exec --exec-id x2 --user 1000 e1 id -u
	expect '^/tmp$' c task exec --exec-id x3 --cwd /tmp e1 pwd
	exits 9 c task exec --exec-id x4 e1 sh -c 'exit 9'
	expect 'not found|no such file' c task exec --exec-id x5 e1 no-such-program
	gone e1
}

exec_terminal() {
	box e2
	pty -e '#' -s 'stty size' -e '24 80' -r 33x99 -s 'stty size; exit' -e '33 99' -- \
		ctr task exec -t --exec-id x1 e2 sh
	gone e2
}

logs() {
	c run -d --runc-binary "$RUNTIME" --log-uri "file://$T/l1.log" $IMAGE l1 sh -c 'echo out; echo err >&2; sleep 0.2'
	soon in_state l1 STOPPED
	soon grep -q out "$T/l1.log"
	grep -q err "$T/l1.log"
	gone l1
}

# ---- life ----
stop() {
	box s1
	c task kill -s TERM s1
	soon in_state s1 STOPPED
	expect "exit code 5" c task delete s1
	c container delete s1
}

kills() {
	box k1
	c task kill -s KILL k1
	soon in_state k1 STOPPED
	expect "exit code 137" c task delete k1
	exits 1 c task kill k1
	c container delete k1
}

kill_all() {
	c run -d --runc-binary "$RUNTIME" --with-ns pid:/proc/1/ns/pid $IMAGE k2 sh -c 'sleep 1234 & sleep 1234'
	expect 'sleep 1234' ps ax
	gone k2
	expect '^0$' pgrep -c -f 'sleep 1234$'
}

pause() {
	box p1
	c task pause p1
	in_state p1 PAUSED
	c task resume p1
	in_state p1 RUNNING
	gone p1
}

restart() {
	box r1
	c task kill -s KILL r1
	soon in_state r1 STOPPED
	c task delete r1 || true
	c task start -d r1
	in_state r1 RUNNING
	gone r1
}

delete_twice() {
	box x1
	c task delete --force x1 || true
	exits 1 c task delete x1
	c container delete x1
	"$RUNTIME" --root /run/containerd/runc/default delete --force x1
}

# ---- limits ----
limits() {
	local pid

	box m1 --memory-limit 67108864 --cpu-quota 50000 --cpu-period 100000
	pid=$(pid_of m1)
	has_knob "$pid" 67108864 memory memory.limit_in_bytes memory.max
	has_knob "$pid" 50000 cpu cpu.cfs_quota_us cpu.max
	expect 'memory.*67108864|67108864' c task metrics m1
	gone m1
}

# ctr has no update: the shim's own call of it, as Kubernetes causes it.
update() {
	local root=/run/containerd/runc/default pid

	box u1 --memory-limit 67108864
	pid=$(pid_of u1)
	echo '{"memory":{"limit":100663296},"pids":{"limit":66}}' |
		"$RUNTIME" --root $root --log "$T/log.json" --log-format json update --resources - u1
	has_knob "$pid" 100663296 memory memory.limit_in_bytes memory.max
	has_knob "$pid" 66 pids pids.max pids.max
	gone u1
}

out_of_memory() {
	exits 137 run --memory-limit 16777216 -- o1 tail /dev/zero
}

# ---- security ----
seccomp() {
	expect 'Seccomp:.2' run --seccomp -- q1 grep Seccomp: /proc/self/status
	expect '^-1 1$' run --seccomp -- q2 probe syscall 135 0x40000
	expect 'Seccomp:.0' run -- q3 grep Seccomp: /proc/self/status
}

capabilities() {
	capabilities_are 00000000a80425fb run -- q4
	expect 'CapEff:.00000000a80435fb' run --cap-add CAP_NET_ADMIN -- q4 grep CapEff /proc/self/status
	expect 'CapEff:.00000000a80425fa' run --cap-drop CAP_CHOWN -- q4 grep CapEff /proc/self/status
	expect 'NoNewPrivs:.1' run -- q4 grep NoNewPrivs /proc/self/status
}

user_namespace() {
	expect '0 +300000 +65536' run --uidmap 0:300000:65536 --gidmap 0:300000:65536 -- q6 cat /proc/self/uid_map
}

# ---- files ----
volumes() {
	run --mount type=bind,src="$T/volume",dst=/v,options=rbind:rw -- v1 sh -c 'touch /v/new && test -e /v/sub/file'
	test -e "$T/volume/new"
	expect Read-only run --mount type=bind,src="$T/volume",dst=/v,options=rbind:ro -- v1 touch /v/no
	run --mount type=tmpfs,src=tmpfs,dst=/v,options=size=4m -- v1 touch /v/yes
}

read_only_root() {
	expect Read-only run --read-only -- v2 touch /no
}

rootfs_directory() {
	expect '^ok$' c run --rm --runc-binary "$RUNTIME" --rootfs "$T/image" v3 /bin/echo ok
}

# ---- network, namespaces, processes ----
network() {
	expect '^lo$' run -- n1 sh -c 'mount -t sysfs none /mnt 2>/dev/null; ls /sys/class/net'
	expect "$(readlink /proc/self/ns/net | tr '[]' '..')" run --net-host -- n2 readlink /proc/self/ns/net
}

network_cni() {
	mkdir -p /run/cni-conf
	mount --bind /run/cni-conf /etc/cni/net.d
	cat >/etc/cni/net.d/10-test.conflist <<-END
		{ "cniVersion": "0.4.0", "name": "test", "plugins": [{ "type": "bridge", "bridge": "cnit0", "isGateway": true,
		  "ipam": { "type": "host-local", "dataDir": "/run/cni", "subnet": "10.99.0.0/24" } }] }
	END
	expect 'inet 10\.99\.' c run --rm --cni --runc-binary "$RUNTIME" $IMAGE n3 ip addr
}

joined_namespace() {
	local pid

	box j1
	pid=$(pid_of j1)
	expect "$(readlink "/proc/$pid/ns/ipc" | tr '[]' '..')" run --with-ns "ipc:/proc/$pid/ns/ipc" -- j2 readlink /proc/self/ns/ipc
	gone j1
}

processes() {
	box y1
	expect "$(pid_of y1)" c task ps y1
	gone y1
}

own_root() {
	expect '^ok$' run --runc-root "/run/other" -- z1 echo ok
}

no_cgroup() {
	expect '^ok$' run --cgroup "" -- z2 echo ok
}

checkpoint_probe() {
	box c1
	expect 'checkpoint|criu|CRIU' c task checkpoint c1
	in_state c1 RUNNING
	gone c1
}

no_shims() {
	expect '^$' pgrep containerd-shim
}

nothing_left() {
	[[ -z $(c task ls -q; c container ls -q) ]]
	no_state_left /run/containerd/runc/default /run/other/default
	soon no_shims
}

configure
import_image default $IMAGE "$T/image.tar" >/dev/null
echo "# $(containerd --version), $("$RUNTIME" --version | head -1)"

check 'run gives output and the exit code'                   foreground
check 'a missing program and one that cannot run are told'   missing_program
check '-t has a terminal that follows a resize'              terminal
check 'exec: user, directory, exit codes'                    exec_inside
check 'exec -t has a terminal that follows a resize'         exec_terminal
check 'logs keep both streams'                               logs
check 'TERM stops; the status is kept'                       stop
check 'KILL gives 137; a stopped task takes no signal'       kills
check 'kill --all ends what shares the host'"'"'s pids'      kill_all
check 'pause and resume'                                     pause
check 'a container starts again'                             restart
check 'a task is deleted twice'                              delete_twice
check 'limits are in the cgroups and in the metrics'         limits
check 'update in the form of the shim'                       update
check 'out of memory ends with 137'                          out_of_memory
check 'the default seccomp profile is in force on request'   seccomp
check 'default and chosen capabilities, no_new_privs'        capabilities
check '--uidmap'                                             user_namespace
check 'mounts: recursive, read-only, tmpfs'                  volumes
check '--read-only'                                          read_only_root
check '--rootfs of a directory'                              rootfs_directory
check 'no network, the host'"'"'s network'                   network
check '--cni with a bridge'                                  network_cni
check '--with-ns joins another container'                    joined_namespace
check 'ps names the processes'                               processes
check '--runc-root'                                          own_root
check '--cgroup ""'                                          no_cgroup
check 'a checkpoint is refused in words'                     checkpoint_probe
check 'nothing of the runtime is left'                       nothing_left
finish
