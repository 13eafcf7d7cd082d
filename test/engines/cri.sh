#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# containerd's CRI with RUNTIME: pods and containers as a kubelet makes them, by the small client cri.py.
. "$(dirname "$0")/lib.bash"
. "$(dirname "$0")/containerd.bash"
world containerd ctr containerd-shim-runc-v2 busybox protoc jq

LOOP='trap "exit 5" TERM; while :; do sleep 0.1; done'
STATE=/run/containerd/runc/k8s.io

configure() {
	start_containerd
	mkdir -p "$T/pause" "$T/logs" "$T/volume"
	cp "$PROBE" "$T/pause/pause"
	tar -C "$T/pause" -cf "$T/pause.tar" pause
	import_image k8s.io localhost/pause:latest "$T/pause.tar" '["/pause", "sleep", "100000"]'
	import_image k8s.io $IMAGE "$T/image.tar"
	mkdir "$T/python"
	protoc --python_out="$T/python" -I "$REPO/test/engines" cri.proto
	cat >"$T/etc/cni/10-pods.conflist" <<-END
		{ "cniVersion": "0.4.0", "name": "pods", "plugins": [{ "type": "bridge", "bridge": "cnipods0", "isGateway": true,
		  "ipam": { "type": "host-local", "dataDir": "/run/cni", "subnet": "10.98.0.0/24" } }] }
	END
	soon condition NetworkReady
}

# cri METHOD [JSON]: the answer as JSON. image METHOD: the same of the image service.
cri() {
	PYTHONPATH=$T/python timeout -k 5 "$SECONDS_EACH" /usr/bin/python3 "$REPO/test/engines/cri.py" /run/c/sock "${SERVICE:-RuntimeService}.$1" "${2:-{\}}"
}

condition() {
	cri Status | jq -e --arg type "$1" '.status.conditions[] | select(.type == $type) | .status'
}

# pod NAME [EXPRESSION]: its id in $pod, its configuration (changed by the jq expression) in $pod_config. Without one: the node's network.
pod() {
	pod_config=$(jq -n --arg name "$1" --arg logs "$T/logs" '{metadata: {name: $name, uid: "uid-\($name)", namespace: "test"}, log_directory: $logs,
		linux: {cgroup_parent: "/cri-test/\($name)", security_context: {namespace_options: {network: "NODE"}}}} | '"${2:-.}")
	pod=$(cri RunPodSandbox "{\"config\": $pod_config}" | jq -r .pod_sandbox_id)
	[[ -n $pod ]]
}

# box NAME COMMAND [EXPRESSION]: a container of $pod that the shell's command runs in; its id in $box.
box() {
	create "$1" "[\"sh\", \"-c\", $(jq -n --arg text "$2" '$text')]" "${3:-.}"
	cri StartContainer "{\"container_id\": \"$box\"}" >/dev/null
}

# create NAME COMMAND-AS-JSON EXPRESSION
create() {
	local config

	config=$(jq -n --arg name "$1" --arg image $IMAGE --argjson command "$2" '{metadata: {name: $name}, image: {image: $image}, command: $command,
		log_path: "\($name).log", linux: {resources: {}, security_context: {namespace_options: {network: "NODE", pid: "CONTAINER"}}}} | '"$3")
	box=$(cri CreateContainer "{\"pod_sandbox_id\": \"$pod\", \"config\": $config, \"sandbox_config\": $pod_config}" | jq -r .container_id)
	[[ -n $box ]]
}

status() {
	cri ContainerStatus "{\"container_id\": \"$box\"}" | jq -r ".status.$1"
}

has_status() {
	[[ $(status state) == "CONTAINER_$1" ]]
}

# inside COMMAND...: by ExecSync in $box, the answer as JSON.
inside() {
	cri ExecSync "$(jq -n --arg id "$box" '{container_id: $id, cmd: $ARGS.positional, timeout: 20}' --args -- "$@")"
}

says() {
	inside "$@" | jq -r .stdout
}

pid_of() {
	cri ContainerStatus "{\"container_id\": \"$box\", \"verbose\": true}" | jq -r '.info.info | fromjson.pid'
}

# gone: $pod and all that is in it.
gone() {
	cri StopPodSandbox "{\"pod_sandbox_id\": \"$pod\"}" >/dev/null
	cri RemovePodSandbox "{\"pod_sandbox_id\": \"$pod\"}" >/dev/null
	[[ ! -e $STATE/$pod ]]
}

# ---- the engine ----
version() {
	expect '"runtime_name": "containerd"' cri Version
	condition RuntimeReady
	condition NetworkReady
}

images() {
	SERVICE=ImageService expect "$IMAGE" cri ListImages
}

# ---- pods ----
pod_life() {
	pod p1
	expect SANDBOX_READY cri PodSandboxStatus "{\"pod_sandbox_id\": \"$pod\"}"
	[[ -d $STATE/$pod ]] # RUNTIME made it
	cri StopPodSandbox "{\"pod_sandbox_id\": \"$pod\"}" >/dev/null
	expect SANDBOX_NOTREADY cri PodSandboxStatus "{\"pod_sandbox_id\": \"$pod\"}"
	gone
	expect '"items": \[\]' cri ListPodSandbox
}

pod_handler() {
	jq -n '{metadata: {name: "p2", uid: "u", namespace: "test"}, linux: {cgroup_parent: "/cri-test/p2", security_context:
		{namespace_options: {network: "NODE"}}}}' >"$T/pod"
	pod=$(cri RunPodSandbox "{\"config\": $(<"$T/pod"), \"runtime_handler\": \"masu\"}" | jq -r .pod_sandbox_id)
	expect '"runtime_handler": "masu"' cri PodSandboxStatus "{\"pod_sandbox_id\": \"$pod\"}"
	gone
	expect 'no runtime for' cri RunPodSandbox "{\"config\": $(<"$T/pod"), \"runtime_handler\": \"nonsense\"}"
}

pod_network() {
	local address

	pod p3 'del(.linux.security_context) | .hostname = "pod-three" | .dns_config = {servers: ["192.0.2.53"], searches: ["example.org"]}
		| .linux.sysctls = {"net.ipv4.ip_unprivileged_port_start": "0"}'
	address=$(cri PodSandboxStatus "{\"pod_sandbox_id\": \"$pod\"}" | jq -r .status.network.ip)
	[[ $address == 10.98.0.* ]]
	box c1 "$LOOP" 'del(.linux.security_context)'
	expect "inet $address/24" says ip addr show eth0
	expect '^pod-three$' says hostname
	expect 'nameserver 192.0.2.53' says cat /etc/resolv.conf
	expect '^0$' says cat /proc/sys/net/ipv4/ip_unprivileged_port_start
	busybox ping -c 1 -W 2 "$address" >/dev/null
	gone
}

pod_shares() {
	local net ipc

	pod p4 'del(.linux.security_context)'
	box c1 "$LOOP" '.linux.security_context.namespace_options = {network: "POD", pid: "POD"}'
	net=$(says readlink /proc/self/ns/net) ipc=$(says readlink /proc/self/ns/ipc)
	expect 'pause' says ps
	box c2 "$LOOP" 'del(.linux.security_context)'
	[[ $(says readlink /proc/self/ns/net) == "$net" && $(says readlink /proc/self/ns/ipc) == "$ipc" ]]
	gone
}

pod_of_the_node() {
	pod p5 '.linux.security_context.namespace_options = {network: "NODE", pid: "NODE", ipc: "NODE"}'
	box c1 "$LOOP" '.linux.security_context.namespace_options = {network: "NODE", pid: "NODE", ipc: "NODE"}'
	for type in net pid ipc; do
		[[ $(says readlink /proc/self/ns/$type) == "$(readlink /proc/self/ns/$type)" ]]
	done
	gone
	expect '^$' pgrep -f 'while :; do sleep 0.1'
}

# ---- containers ----
container_life() {
	pod c0
	create c1 '["sh", "-c", "exit 7"]' .
	has_status CREATED
	cri StartContainer "{\"container_id\": \"$box\"}" >/dev/null
	soon has_status EXITED
	[[ $(status exit_code) == 7 && $(status reason) == Error ]]
	cri RemoveContainer "{\"container_id\": \"$box\"}" >/dev/null
	[[ ! -e $STATE/$box ]]
	gone
}

missing_program() {
	pod c2
	create c1 '["no-such-program"]' .
	expect 'executable file not found|no such file or directory' cri StartContainer "{\"container_id\": \"$box\"}"
	has_status EXITED
	create c2 '["/etc/not-a-program"]' .
	expect 'permission denied|Permission denied' cri StartContainer "{\"container_id\": \"$box\"}"
	gone
}

stops() {
	pod c3
	box c1 "$LOOP"
	cri StopContainer "{\"container_id\": \"$box\", \"timeout\": 10}" >/dev/null
	[[ $(status exit_code) == 5 ]]
	box c2 'trap "" TERM; while :; do sleep 0.1; done'
	cri StopContainer "{\"container_id\": \"$box\", \"timeout\": 1}" >/dev/null
	[[ $(status exit_code) == 137 ]]
	gone
}

exec_sync() {
	pod c4
	box c1 "$LOOP"
	expect '"stdout": "out\\n", "stderr": "err\\n", "exit_code": 3' inside sh -c 'echo out; echo err >&2; exit 3'
	expect 'no-such-program.*(not found|no such file)' inside no-such-program
	expect 'deadline|timed out|timeout' cri ExecSync "{\"container_id\": \"$box\", \"cmd\": [\"sleep\", \"30\"], \"timeout\": 1}"
	for n in 1 2 3 4 5; do
		[[ $(says echo "$n") == "$n" ]]
	done
	has_status RUNNING
	gone
}

logs() {
	pod c5
	box c1 'echo out; echo err >&2'
	soon has_status EXITED
	expect 'stdout F out' cat "$T/logs/c1.log"
	expect 'stderr F err' cat "$T/logs/c1.log"
	gone
}

environment() {
	pod c6
	mkdir -p "$T/volume/rw" "$T/volume/ro"
	box c1 "$LOOP" ".envs = [{key: \"A\", value: \"b c\"}] | .working_dir = \"/tmp\" | .mounts = [
		{container_path: \"/rw\", host_path: \"$T/volume/rw\"}, {container_path: \"/ro\", host_path: \"$T/volume/ro\", readonly: true}]"
	expect '^b c$' says sh -c 'echo "$A"'
	expect '^/tmp$' says pwd
	inside touch /rw/file >/dev/null
	[[ -e $T/volume/rw/file ]]
	expect 'Read-only' inside touch /ro/file
	gone
}

# ---- resources ----
limits() {
	local pid

	pod r1
	box c1 "$LOOP" '.linux.resources = {cpu_period: 100000, cpu_quota: 50000, cpu_shares: 512, memory_limit_in_bytes: 67108864, oom_score_adj: 500}'
	pid=$(pid_of)
	has_knob "$pid" 67108864 memory memory.limit_in_bytes memory.max
	has_knob "$pid" 50000 cpu cpu.cfs_quota_us cpu.max
	expect '^500$' cat "/proc/$pid/oom_score_adj"
	expect '/cri-test/r1/' cat "/proc/$pid/cgroup"
	gone
}

update() {
	local pid

	pod r2
	box c1 "$LOOP" '.linux.resources = {memory_limit_in_bytes: 67108864}'
	pid=$(pid_of)
	cri UpdateContainerResources "{\"container_id\": \"$box\", \"linux\": {\"memory_limit_in_bytes\": 100663296, \"cpu_period\": 100000, \"cpu_quota\": 30000}}"
	has_knob "$pid" 100663296 memory memory.limit_in_bytes memory.max
	has_knob "$pid" 30000 cpu cpu.cfs_quota_us cpu.max
	gone
}

stats() {
	pod r3
	box c1 "$LOOP"
	cri ContainerStats "{\"container_id\": \"$box\"}" |
		jq -e '.stats | (.cpu.usage_core_nano_seconds.value | tonumber) > 0 and (.memory.working_set_bytes.value | tonumber) > 0'
	gone
}

out_of_memory() {
	pod r4
	box c1 'tail /dev/zero' '.linux.resources = {memory_limit_in_bytes: 16777216}'
	soon has_status EXITED
	[[ $(status exit_code) == 137 ]]
	soon killed_for_memory
	gone
}

killed_for_memory() {
	[[ $(status reason) == OOMKilled ]]
}

# ---- security ----
users() {
	pod s1
	box c1 "$LOOP" '.linux.security_context += {run_as_user: {value: 1000}, run_as_group: {value: 1001}, supplemental_groups: [5, 6]}'
	expect 'uid=1000.* gid=1001 groups=.*5.*6' says id
	gone
}

capabilities() {
	pod s2
	box c1 "$LOOP"
	capabilities_are 00000000a80425fb says
	box c2 "$LOOP" '.linux.security_context.capabilities = {add_capabilities: ["NET_ADMIN"], drop_capabilities: ["CHOWN"]}'
	capabilities_are 00000000a80435fa says
	box c3 "$LOOP" '.linux.security_context.no_new_privs = true'
	expect 'NoNewPrivs:.1' says grep NoNewPrivs /proc/self/status
	gone
}

seccomp() {
	pod s3
	box c1 "$LOOP" '.linux.security_context.seccomp = {profile_type: "RuntimeDefault"}'
	seccomp_is_on says
	box c2 "$LOOP" '.linux.security_context.seccomp = {profile_type: "Unconfined"}'
	expect 'Seccomp:.0' says grep Seccomp: /proc/self/status
	gone
}

paths() {
	pod s4
	box c1 "$LOOP" '.linux.security_context += {readonly_rootfs: true, masked_paths: ["/proc/kcore"], readonly_paths: ["/proc/sys"]}'
	expect 'Read-only' inside touch /file
	expect '^0$' says sh -c 'head -c 10 /proc/kcore | wc -c'
	expect 'Read-only' inside sh -c 'echo 1 >/proc/sys/kernel/domainname'
	gone
}

privileged() {
	pod s5 '.linux.security_context.privileged = true'
	box c1 "$LOOP" '.linux.security_context.privileged = true'
	expect 'Seccomp:.0' says grep Seccomp: /proc/self/status
	expect '^ok$' says sh -c 'mount -t tmpfs t /mnt 2>/dev/null || { mkdir -p /mnt && mount -t tmpfs t /mnt; } && echo ok'
	gone
}

nothing_left() {
	expect '"containers": \[\]' cri ListContainers
	expect '"items": \[\]' cri ListPodSandbox
	no_state_left $STATE
	expect '^$' pgrep containerd-shim
	expect '^$' find /sys/fs/cgroup -path '*cri-test/*/*' -type d
}

configure >/dev/null
echo "# $(containerd --version), $("$RUNTIME" --version | head -1)"

check 'the engine answers, runtime and network are ready'    version
check 'images are listed'                                    images
check 'a pod is run, stopped and removed'                    pod_life
check 'a runtime handler, and one that is unknown'           pod_handler
check 'a pod has a network, a name, DNS and sysctls'         pod_network
check 'containers of a pod share its namespaces'             pod_shares
check 'a pod in the node'"'"'s namespaces'                   pod_of_the_node
check 'a container is created, started and removed'          container_life
check 'a missing program and one that cannot run are told'   missing_program
check 'stop sends TERM, then KILL'                           stops
check 'exec gives output and exit code, and ends in time'    exec_sync
check 'logs keep both streams'                               logs
check 'environment, directory and mounts'                    environment
check 'limits are in the cgroups of the pod'                 limits
check 'resources are updated'                                update
check 'statistics'                                           stats
check 'out of memory is told as such'                        out_of_memory
check 'user, group and more groups'                          users
check 'default and chosen capabilities, no_new_privs'        capabilities
check 'the default seccomp profile, and none'                seccomp
check 'a read-only root, masked and read-only paths'         paths
check 'a privileged container'                               privileged
check 'nothing of the runtime is left'                       nothing_left
finish
