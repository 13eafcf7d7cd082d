#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# `make bench`: masu beside the kernel's own floor, crun and runc. A table on standard output, JSON in BUILD/bench.json.
#
# From outside: ROUNDS (30), ALIVE ("1 10 100 500": how many containers live while one more starts).
set -euo pipefail
build=$(realpath "$1")
here=$(dirname "$(realpath "$0")")
if [[ -z ${IN_OWN_MOUNTS:-} ]]; then
	IN_OWN_MOUNTS=1 exec unshare --mount --propagation private "$0" "$@"
fi

rounds=${ROUNDS:-30}
alive=${ALIVE:-1 10 100 500}
work=$(mktemp -d)
json=$work/rows
# the records lie on a tmpfs, as /run does on a host; the bundles where TMPDIR says
mkdir "$work/run"
mount -t tmpfs -o mode=700 tmpfs "$work/run"
trap 'end_all; umount "$work/run"; rm -rf "$work"' EXIT

end_all() {
	local runtime dir

	for runtime in "${runtimes[@]}"; do
		for dir in "$work/run/$runtime"/*/; do
			[[ ! -d $dir ]] || program "$runtime" delete --force "$(basename "$dir")" >/dev/null 2>&1 || true
		done
	done
}

program() {
	local runtime=$1

	shift
	"${path[$runtime]}" --root "$work/run/$runtime" "$@"
}

# ---- the bundle: the default spec with `true`, a second one that sleeps ----
mkdir -p "$work"/{true,sleep}/rootfs/{bin,dev,etc,proc,sys,tmp}
for bundle in true sleep; do
	cp "$(command -v busybox)" "$work/$bundle/rootfs/bin/busybox"
	ln -s busybox "$work/$bundle/rootfs/bin/true"
	ln -s busybox "$work/$bundle/rootfs/bin/sleep"
done
# what `runc spec` writes, with its cgroup mount
default='.ociVersion = "1.0.2" | .mounts += [{ destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["nosuid", "noexec", "nodev", "relatime", "ro"] }]'
jq "$default"' | .process.args = ["/bin/true"]' "$here/../data/config.json" >"$work/true/config.json"
jq "$default"' | .process.args = ["/bin/sleep", "100000"]' "$here/../data/config.json" >"$work/sleep/config.json"

# ---- who takes part: a peer that cannot run here is left out ----
declare -A path=([masu]=$build/masu [crun]=$(command -v crun || true) [runc]=$(command -v runc || true))
runtimes=()
# Debian's crun refuses a hybrid host whose v2 hierarchy has controllers; in our own mounts it sees none.
if [[ -e /sys/fs/cgroup/unified/cgroup.controllers ]]; then
	mount --bind /dev/null /sys/fs/cgroup/unified/cgroup.controllers
fi
for runtime in masu crun runc; do
	[[ -n ${path[$runtime]} ]] || continue
	if program "$runtime" run --bundle "$work/true" try >"$work/log" 2>&1 </dev/null; then
		runtimes+=("$runtime")
	else
		echo "left out: $runtime: $(tail -1 "$work/log")"
	fi
done

# scenario NAME FLOOR? WORDS...: the same words for each runtime; RT stands for the program with its root.
scenario() {
	local name=$1 with_floor=$2 words=() runtime word

	shift 2
	[[ $with_floor == no ]] || words+=(-- floor "$build/floor" "$work/true/rootfs" /bin/true)
	for runtime in "${runtimes[@]}"; do
		words+=(-- "$runtime")
		for word in "$@"; do
			if [[ $word == RT ]]; then
				words+=("${path[$runtime]}" --root "$work/run/$runtime")
			else
				words+=("$word")
			fi
		done
	done
	"$build/bench" "$rounds" "$json" "$name" "${words[@]}" </dev/null
}

printf '%-28s %-8s %12s %12s %12s %7s\n' scenario program wall CPU 'peak memory' ratio
scenario 'run' yes RT run --bundle "$work/true" 'b{}'
scenario 'create+start+delete' no RT create --bundle "$work/true" 'b{}' ';' RT start 'b{}' ';' RT delete --force 'b{}'
for runtime in "${runtimes[@]}"; do
	program "$runtime" run --detach --bundle "$work/sleep" target </dev/null >/dev/null 2>&1
done
scenario 'exec' no RT exec target /bin/true
scenario 'state' no RT state target
scenario 'list' no RT list --quiet
scenario 'version' no RT --version

# ---- a created container's own memory ----
for runtime in "${runtimes[@]}"; do
	program "$runtime" create --bundle "$work/sleep" waiting </dev/null >/dev/null 2>&1
	pid=$(program "$runtime" state waiting | jq .pid)
	rss=$(awk '/^VmRSS/ { print $2 }' "/proc/$pid/status")
	peak=$(awk '/^VmHWM/ { print $2 }' "/proc/$pid/status")
	printf '%-28s %-8s %8s KiB resident %8s KiB peak\n' 'created container' "$runtime" "$rss" "$peak"
	echo "{\"scenario\":\"created container\",\"subject\":\"$runtime\",\"resident_kib\":$rss,\"peak_kib\":$peak}" >>"$json"
	program "$runtime" delete --force waiting >/dev/null 2>&1
done

# ---- groups: created and destroyed, beside the same mkdir, writes and rmdir ----
read -r masus floor ratio < <("$build/bench-group" "$work/run/groups")
printf '%-28s %-8s %8s us %8s us floor, %s times it\n' 'group create and destroy' masu "$masus" "$floor" "$ratio"
echo "{\"scenario\":\"group create and destroy\",\"subject\":\"masu\",\"wall_us\":$masus,\"floor_us\":$floor,\"ratio\":$ratio}" >>"$json"

# ---- one more start beside N that live: while the kernel still removes the last one, and when it has done so ----
# beside NAME PAUSE...: the pause is not measured.
beside() {
	local name="$1, $want alive"

	shift
	"$build/bench" "$rounds" "$json" "$name" -- floor '~' "$@" ';' "$build/floor" "$work/true/rootfs" /bin/true -- \
		masu '~' "$@" ';' "$build/masu" --root "$work/run/masu" run --bundle "$work/true" 'b{}' </dev/null
}

count=1
for want in $alive; do
	for ((; count < want; count++)); do
		program masu run --detach --bundle "$work/sleep" "alive$count" </dev/null >/dev/null 2>&1
	done
	beside 'run, back to back' /bin/true
	beside 'run, 0.1 s apart' /bin/sleep 0.1
done

for kind in 'back to back' '0.1 s apart'; do
	jq --slurp --raw-output --arg kind "$kind" 'map(select(.scenario | contains($kind))) | group_by(.subject)[] | if length > 1 then
		"\(.[-1].subject): \(.[-1].scenario) is \(.[-1].wall_ms / .[1].wall_ms * 100 | round / 100) times \(.[1].scenario)" else empty end' "$json"
done
jq --slurp '{rounds: '"$rounds"', rows: .}' "$json" >"$build/bench.json"
echo "rows as JSON: $build/bench.json"
