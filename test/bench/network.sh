#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# `make bench-network`: what a network costs, in network and mount namespaces of its own. Tables on standard output, all figures in
# build/bench-network.json. Run it on an idle machine.
#
#	net	net/ alone, beside the same kernel objects made by hand: a start, a port, an end
#	masu	whole commands: run --detach and delete, without a network, with one, with a published port
#	speed	throughput and latency, beside namespaces wired by hand
#	peers	the same work by netavark and by the CNI plug-ins (make deps)
#
# From outside: ROUNDS (30), ALIVE ("1 100 500": how many containers live meanwhile), PORTS ("0 10000": published ports present),
# PARTS ("net masu speed peers").
set -euo pipefail
build=$(realpath "$1")
if [[ -z ${IN_OWN_NAMESPACES:-} ]]; then
	IN_OWN_NAMESPACES=1 exec unshare --net --mount --propagation private "$0" "$@"
fi

rounds=${ROUNDS:-30}
alive=${ALIVE:-1 100 500}
ports=${PORTS:-0 10000}
parts=${PARTS:-net masu speed peers}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
masu() {
	"$build/masu" --root "$work/state" --storage-root "$work/store" "$@"
}

# The leases are on tmpfs, as they are in /run.
mount -t tmpfs none "$work"
end_all() {
	local dir

	for dir in "$work"/state/*/; do
		[[ ! -d $dir ]] || masu delete --force "$(basename "$dir")" || true
	done
	umount -l "$work"
	rmdir "$work"
}
trap end_all EXIT

mkdir -p "$work"/rootfs/{bin,dev,etc,proc,sys,tmp}
cp "$(command -v busybox)" "$work/rootfs/bin/busybox"
ip link set lo up

# spec NAME NETWORK: a box that sleeps.
spec() {
	jq -n --argjson network "$2" '{process: {args: ["/bin/busybox", "sleep", "1000"]}, masu: ({preset: "default"} + $network)}' \
		>"$work/$1.json"
}

spec bare '{}'
spec wired '{"network": {"interfaces": [{}]}}'
spec port '{"network": {"interfaces": [{}], "publish": [{"hostPort": "9", "containerPort": "9"}]}}'

median() {
	sort -n | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }'
}

now_us() {
	echo $((${EPOCHREALTIME/./}))
}

# commands SPEC: medians in microseconds of a start and of a delete.
commands() {
	local n begin

	for ((n = 0; n < rounds; n++)); do
		begin=$(now_us)
		masu run --detach "$work/$1.json" "one$n" >/dev/null
		echo $(($(now_us) - begin)) >&3
		masu kill "one$n" KILL
		until masu state "one$n" | grep -q '"stopped"'; do
			sleep 0.005
		done
		begin=$(now_us)
		masu delete "one$n"
		echo $(($(now_us) - begin)) >&4
	done 3>"$work/starts" 4>"$work/deletes"
	jq -cn --arg kind "$1" --argjson start "$(median <"$work/starts")" --argjson delete "$(median <"$work/deletes")" \
		'{kind: $kind, start_us: $start, delete_us: $delete}'
}

part_net() {
	local present

	for present in $ports; do
		# shellcheck disable=SC2086
		"$build/test/net/bench/network_cost" "$rounds" "$present" $alive | jq -c --argjson ports "$present" '{ports: $ports} + .'
		# the kernel ends the namespaces of one run behind it, for seconds
		sleep 5
	done
}

part_masu() {
	commands bare
	commands wired
	commands port
}

part_speed() {
	"$build/test/net/bench/network_speed" "$rounds"
}

part_peers() {
	export -f masu
	export work build rounds
	unshare --mount --propagation private "$here/network_peers.sh"
}

for part in $parts; do
	"part_$part" >"$work/lines"
	jq -c --arg part "$part" '{part: $part} + .' "$work/lines" >>"$work/all"
	echo "$part:"
	jq -r '[to_entries[] | "\(.key) \(.value)"] | join(", ")' "$work/lines" | sed 's/^/    /'
done
jq -s . "$work/all" >"$build/bench-network.json"
