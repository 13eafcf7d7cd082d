#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# `make bench-storage`: what a root costs on each driver, beside the kernel calls it cannot do without; import, diff and commit
# beside tar and podman. A table on standard output, JSON in BUILD/bench-storage.json.
#
# From outside: ROUNDS (30), FILES (20000), MANY (500), PARTS ("roots import podman"), DRIVERS ("overlay btrfs copy").
# devicemapper needs its kernel: in the guest, PARTS=roots DRIVERS=devicemapper.
set -euo pipefail
build=$(realpath "$1")
if [[ -z ${IN_OWN_MOUNTS:-} ]]; then
	IN_OWN_MOUNTS=1 exec unshare --mount --propagation private "$0" "$@"
fi

rounds=${ROUNDS:-30}
files=${FILES:-20000}
many=${MANY:-500}
parts=${PARTS:-roots import podman}
work=$(mktemp -d)
json=$work/rows
trap 'end_all' EXIT

# Our mounts go with our mount namespace; podman's directories may hold some until then.
end_all() {
	umount -l "$work"/btrfs "$work"/pods/overlay/*/merged "$work"/pods/overlay 2>/dev/null || true
	rm -rf "$work"
}

# place DRIVER: a directory on the file system that the driver is meant for.
place() {
	mkdir -p "$work/$1"
	if [[ $1 == btrfs ]]; then
		truncate -s 4G "$work/btrfs.img"
		mkfs.btrfs -q "$work/btrfs.img" >/dev/null
		mount -o loop "$work/btrfs.img" "$work/btrfs"
	fi
}

bench_roots() {
	local driver n rows

	echo 'median, fastest, ninth tenth; the ratio is to the bare calls, or to the first tenth'
	for driver in ${DRIVERS:-overlay btrfs copy}; do
		place "$driver"
		n=$many
		# whole copies of the tree: a few say enough
		[[ $driver != copy ]] || n=10
		rows=$rounds
		[[ $driver != copy ]] || rows=5
		"$build/bench-storage" "$driver" "$work/$driver" "$json" "$rows" "$files" "$n"
		umount "$work/$driver" 2>/dev/null || true
		rm -rf "${work:?}/$driver" "$work/$driver.img"
	done
}

# A tree of many small files and a few large ones, and its tar.
make_tree() {
	python3 - "$work/tree" "$files" <<-'END'
		import os, random, sys
		random.seed(1)
		top, files = sys.argv[1], int(sys.argv[2])
		for number in range(files):
		    path = f'{top}/d{number // 2000}/s{number // 100}'
		    if number % 100 == 0:
		        os.makedirs(path)
		    with open(f'{path}/f{number}', 'wb') as file:
		        file.write(random.randbytes(random.choice((200, 1000, 3000, 8000, 20000))))
	END
	mkdir "$work/tree/bin"
	cp "$(command -v busybox)" "$work/tree/bin/busybox"
	tar -C "$work/tree" --owner=0 --group=0 --numeric-owner -cf "$work/tree.tar" .
	gzip -1 -c "$work/tree.tar" >"$work/tree.tar.gz"
	rm -rf "$work/tree"
}

compare() {
	"$build/bench" "$1" "$json" "${@:2}" </dev/null
}

# tar writes no byte to the disk by itself and hashes nothing; masu does both before it says that it is done.
bench_import() {
	local file

	make_tree
	head_line
	for file in tree.tar tree.tar.gz; do
		compare $((rounds / 4 + 1)) "import $file" \
			-- 'tar -x' '~' mkdir "$work/out" ';' tar -C "$work/out" -xf "$work/$file" ';' '~' rm -rf "$work/out" ';' '~' sync -f "$work" \
			-- 'and sync' '~' mkdir "$work/out" ';' tar -C "$work/out" -xf "$work/$file" ';' sync -f "$work/out" ';' '~' rm -rf "$work/out" \
			-- masu '~' sync -f "$work" ';' "$build/masu" --storage-root "$work/store" image import "$work/$file" many ';' \
			'~' "$build/masu" --storage-root "$work/store" image rm many
	done
	rm -rf "$work/store"
}

# ---- podman on its overlay driver, with the same image; masu's create starts masu-init as well, podman's does not ----
bench_podman() {
	local masu=("$build/masu" --root "$work/state" --storage-root "$work/store")
	local pod=(podman --root "$work/pods" --runroot "$work/podrun" --storage-driver overlay)
	local script='for n in 0 1 2 3 4 5 6 7 8 9; do echo changed >/d$((n % 2))/s$((n % 2 * 20 + n))/new; done' dir n

	if ! command -v podman >/dev/null; then
		echo 'left out: podman is not installed'
		return
	fi
	[[ -e $work/tree.tar ]] || make_tree
	head_line
	compare 3 'import' \
		-- masu "${masu[@]}" image import "$work/tree.tar" one ';' '~' "${masu[@]}" image rm one ';' '~' sync -f "$work" \
		-- podman "${pod[@]}" import "$work/tree.tar" one ';' '~' "${pod[@]}" rmi -f one ';' '~' sync -f "$work"
	"${masu[@]}" image import "$work/tree.tar" base >/dev/null
	"${pod[@]}" import -q "$work/tree.tar" base >/dev/null
	jq -n --arg s "$script" '{process: {args: ["/bin/busybox", "sh", "-c", $s]},
		masu: {preset: "default", storage: {image: "base", keep: true}}}' >"$work/spec.json"
	compare "$rounds" 'create and mount' \
		-- masu "${masu[@]}" create --bundle "$work" --config "$work/spec.json" 'c{}' ';' '~' "${masu[@]}" delete 'c{}' \
		-- podman "${pod[@]}" create --name 'c{}' base /bin/true ';' "${pod[@]}" mount 'c{}' ';' '~' "${pod[@]}" rm 'c{}'
	"${masu[@]}" run "$work/spec.json" one >/dev/null
	"${pod[@]}" create --name one base /bin/true >/dev/null
	dir=$("${pod[@]}" mount one)
	for n in 0 1 2 3 4 5 6 7 8 9; do
		echo changed >"$dir/d$((n % 2))/s$((n % 2 * 20 + n))/new"
	done
	compare "$rounds" 'diff of 10 changes' -- masu "${masu[@]}" diff one -- podman "${pod[@]}" diff one
	compare "$((rounds / 5 + 1))" 'commit of 10 changes' \
		-- masu "${masu[@]}" commit one 'i{}' -- podman "${pod[@]}" commit -q one 'i{}'
	compare "$rounds" 'remove' \
		-- masu '~' "${masu[@]}" create --bundle "$work" --config "$work/spec.json" 'c{}' ';' "${masu[@]}" delete 'c{}' \
		-- podman '~' "${pod[@]}" create --name 'c{}' base /bin/true ';' '~' "${pod[@]}" mount 'c{}' ';' "${pod[@]}" rm 'c{}'
	"${masu[@]}" delete one
	"${pod[@]}" umount one >/dev/null
	"${pod[@]}" rm one >/dev/null
}

head_line() {
	printf '%-28s %-8s %12s %12s %12s %7s\n' scenario program wall CPU 'peak memory' ratio
}

: >"$json"
for part in $parts; do
	"bench_$part"
	echo
done
jq --slurp '{rounds: '"$rounds"', files: '"$files"', rows: .}' "$json" >"$build/bench-storage.json"
echo "rows as JSON: $build/bench-storage.json"
