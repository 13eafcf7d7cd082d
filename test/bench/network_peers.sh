#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The same work by masu, netavark and the CNI plug-ins bridge, host-local and portmap, round by round: a namespace gets a veth pair
# on a bridge, an address, a default route, masquerade to the outside and one published port; and loses them. Called by
# network.sh, in network and mount namespaces of its own, with a tmpfs on $work.
#
# masu: its rows net-reserve and net-attach (with the loading of its plug-ins), as its trace tells. Peers: their programs.
# From outside: masu (a function), work, build, rounds.
set -euo pipefail
: "${work:?}" "${build:?}" "${rounds:?}"

netavark=/usr/lib/podman/netavark
plugins=/usr/lib/cni
for each in "$netavark" "$plugins/bridge" "$plugins/host-local" "$plugins/portmap"; do
	[[ -x $each ]] || { echo "network_peers: $each is not installed (make deps)" >&2; exit 1; }
done
now_us() {
	echo $((${EPOCHREALTIME/./}))
}
mkdir -p /var/lib/cni "$work/peers"
mount -t tmpfs none /var/lib/cni
mount -t tmpfs none /run
cd "$work/peers"

# netavark leaves the choice of addresses to its caller
jq -n '{container_id: "a", container_name: "a",
	port_mappings: [{container_port: 80, host_ip: "", host_port: 8080, protocol: "tcp", range: 1}],
	networks: {podman: {interface_name: "eth0", static_ips: ["10.88.0.2"]}},
	network_info: {podman: {name: "podman", id: "2f259bab93aaaaa2542ba43ef33eb990d0999ee1b9924b557b7be53c0b7a1bb9",
		driver: "bridge", network_interface: "podman0", subnets: [{subnet: "10.88.0.0/16", gateway: "10.88.0.1"}],
		ipv6_enabled: false, internal: false, dns_enabled: false, ipam_options: {driver: "host-local"}}}}' >netavark.json
jq -n '{cniVersion: "1.0.0", name: "n", type: "bridge", bridge: "cni0", isGateway: true, ipMasq: true,
	ipam: {type: "host-local", subnet: "10.89.0.0/16", routes: [{dst: "0.0.0.0/0"}]}}' >bridge.json

# in_netns COMMAND: with a new namespace at ./netns, which goes afterwards.
with_netns() {
	touch netns
	unshare --net=netns true
	"$@"
	umount netns
}

netavark_round() {
	local begin

	begin=$(now_us)
	"$netavark" setup "$PWD/netns" <netavark.json >/dev/null
	echo $(($(now_us) - begin)) >>netavark.up
	begin=$(now_us)
	"$netavark" teardown "$PWD/netns" <netavark.json
	echo $(($(now_us) - begin)) >>netavark.down
}

cni() {
	CNI_COMMAND=$1 CNI_CONTAINERID=b CNI_NETNS=$PWD/netns CNI_IFNAME=eth0 CNI_PATH=$plugins "$plugins/$2"
}

cni_round() {
	local begin middle

	begin=$(now_us)
	cni ADD bridge <bridge.json >result
	middle=$(now_us)
	jq '{cniVersion, name: "n", type: "portmap", capabilities: {portMappings: true}, prevResult: .,
		runtimeConfig: {portMappings: [{hostPort: 8081, containerPort: 80, protocol: "tcp"}]}}' result >portmap.json
	begin=$((begin + $(now_us) - middle)) # jq is not theirs
	cni ADD portmap <portmap.json >/dev/null
	echo $(($(now_us) - begin)) >>cni.up
	begin=$(now_us)
	cni DEL portmap <portmap.json >/dev/null
	cni DEL bridge <bridge.json
	echo $(($(now_us) - begin)) >>cni.down
}

masu_round() {
	masu run --detach --trace trace "$work/port.json" "peer$1" >/dev/null
	jq '[(if type == "array" then . else .traceEvents end)[] | select(.name == "net-reserve" or .name == "net-attach") | .dur] | add | floor' trace >>masu.up
	masu delete --force "peer$1"
}

for ((n = 0; n < rounds; n++)); do
	masu_round "$n"
	with_netns netavark_round
	with_netns cni_round
done
median() {
	sort -n "$1" | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }'
}
ratio() {
	paste masu.up "$1" | awk '{ print $2 / $1 }' >ratios
	median ratios
}
jq -cn --argjson masu "$(median masu.up)" --argjson netavark "$(median netavark.up)" --argjson cni "$(median cni.up)" \
	--argjson netavark_down "$(median netavark.down)" --argjson cni_down "$(median cni.down)" \
	--argjson times_netavark "$(ratio netavark.up)" --argjson times_cni "$(ratio cni.up)" \
	'{masu_us: $masu, netavark_us: $netavark, cni_us: $cni, netavark_end_us: $netavark_down, cni_end_us: $cni_down,
	netavark_times_masu: $times_netavark, cni_times_masu: $times_cni}'
