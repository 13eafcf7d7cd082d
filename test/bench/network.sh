#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# `make bench-network`: what a network costs a start and a delete, in network namespaces of its own. A table on standard output.
#
# From outside: ROUNDS (30), ALIVE ("1 100": how many containers with a network live meanwhile), PORTS ("0 10000": published
# ports present).
set -euo pipefail
build=$(realpath "$1")
if [[ -z ${IN_OWN_NAMESPACES:-} ]]; then
	IN_OWN_NAMESPACES=1 exec unshare --net --mount --propagation private "$0" "$@"
fi

rounds=${ROUNDS:-30}
alive=${ALIVE:-1 100}
ports=${PORTS:-0 10000}
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
	umount "$work"
	rmdir "$work"
}
trap end_all EXIT

mkdir -p "$work"/rootfs/{bin,dev,etc,proc,sys,tmp}
cp "$(command -v busybox)" "$work/rootfs/bin/busybox"
ip link set lo up

# spec NAME NETWORK COMMAND...
spec() {
	jq -n --argjson network "$2" '{process: {args: $ARGS.positional}, masu: ({preset: "default"} + $network)}' \
		--args -- "${@:3}" >"$work/$1.json"
}

spec bare '{}' /bin/busybox sleep 1000
spec wired '{"network": {"interfaces": [{}]}}' /bin/busybox sleep 1000
spec port '{"network": {"interfaces": [{}], "publish": [{"hostPort": "9", "containerPort": "9"}]}}' /bin/busybox sleep 1000
spec full '{"network": {"interfaces": [{}], "publish": [{"hostPort": "20000-29999", "containerPort": "30000-39999"}]}}' \
	/bin/busybox sleep 1000

median() {
	sort -n | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }'
}

now_us() {
	echo $((${EPOCHREALTIME/./}))
}

# measure SPEC: medians in microseconds of a start, of its two network rows (from the trace), of a delete.
measure() {
	local n begin

	for ((n = 0; n < rounds; n++)); do
		begin=$(now_us)
		masu run --detach --trace "$work/trace" "$work/$1.json" "one$n" >/dev/null
		echo $(($(now_us) - begin)) >&3
		jq '[(if type == "array" then . else .traceEvents end)[] | select(.name == "net-reserve" or .name == "net-attach") | .dur] | add // 0 | floor' "$work/trace" >&4
		masu kill "one$n" KILL
		until masu state "one$n" | grep -q '"stopped"'; do
			sleep 0.005
		done
		begin=$(now_us)
		masu delete "one$n"
		echo $(($(now_us) - begin)) >&5
	done 3>"$work/starts" 4>"$work/rows" 5>"$work/deletes"
	printf '%-8s %10s %14s %10s\n' "$1" "$(median <"$work/starts")" "$(median <"$work/rows")" "$(median <"$work/deletes")"
}

printf 'medians of %d, in microseconds\n' "$rounds"
for count in $alive; do
	for ((n = 0; n < count; n++)); do
		[[ -e $work/state/live$n ]] || masu run --detach "$work/wired.json" "live$n" >/dev/null
	done
	for present in $ports; do
		if ((present)); then
			masu run --detach "$work/full.json" full >/dev/null
		fi
		printf '\n%d alive, %d ports published\n' "$count" "$present"
		printf '%-8s %10s %14s %10s\n' '' start 'network rows' delete
		for kind in bare wired port; do
			measure $kind
		done
		if ((present)); then
			masu delete --force full
		fi
	done
done
