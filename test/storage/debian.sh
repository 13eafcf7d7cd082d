#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# `make check-debian`: a real distribution as an image. A Debian root file system (kept in ${MASU_DEBIAN_CACHE:-/var/tmp/masu-debian};
# made by mmdebstrap, which needs Debian's archive) is imported, run, changed, committed, exported and read by another program.
#
#   debian.sh BUILD [DRIVER...]	drivers: overlay btrfs copy (all three); btrfs in a file of its own
set -euo pipefail
build=$(realpath "$1")
shift
(($#)) || set -- overlay btrfs copy
suite=bookworm
cache=${MASU_DEBIAN_CACHE:-/var/tmp/masu-debian}
work=$(mktemp -d)
store=''
passed=0
trap 'rm -rf "$work"' EXIT

masu() {
	"$build/masu" --root "$work/state" --storage-root "$store" "$@"
}

fail() {
	echo "debian: $*" >&2
	exit 1
}

ok() {
	passed=$((passed + 1))
	echo "ok $passed $*"
}

make_rootfs() {
	[[ ! -e $cache/$suite.tar ]] || return 0
	mkdir -p "$cache"
	mmdebstrap --variant=apt "$suite" "$cache/$suite.new.tar"
	mv "$cache/$suite.new.tar" "$cache/$suite.tar"
}

# inside IMAGE ID COMMAND...
inside() {
	jq -n --arg i "$1" '{process: {args: $ARGS.positional, env: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"]},
		masu: {preset: "default", storage: {image: $i, keep: true}}}' --args -- "${@:3}" >"$work/spec.json"
	masu run "$work/spec.json" "$2"
}

# every_file DIR: names, kinds, modes, owners, sizes and content, to be compared.
every_file() {
	(cd "$1" && find . -printf '%p %y %m %U %G %l' \( -type d -printf '\n' -o -printf ' %s\n' \) | sort)
	(cd "$1" && find . -xdev -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum)
}

check_driver() {
	local driver=$1 version packages

	store=$work/store-$driver
	if [[ $driver == btrfs ]]; then
		masu storage init --driver btrfs --loop-size 2G --sparse
	else
		masu storage init --driver "$driver"
	fi
	masu image import "$cache/$suite.tar" debian >/dev/null
	version=$(inside debian one /usr/bin/apt-get --version | head -1)
	[[ $version == apt\ * ]] || fail "apt-get --version on $driver: $version"
	ok "$driver: $version"
	packages=$(inside debian two /usr/bin/dpkg -l | grep -c '^ii')
	((packages > 50)) || fail "dpkg -l on $driver shows $packages packages"
	ok "$driver: dpkg -l shows $packages packages"
	# a change that touches dpkg's own database, a removal, a set-id bit
	inside debian three /bin/sh -c 'dpkg --purge --force-all gcc-12-base >/dev/null 2>&1; echo masu >/etc/hostname; chmod 2755 /srv; rm /etc/motd'
	masu commit three debian:changed >/dev/null
	masu image export --compression gzip --directory debian:changed "$work/layout"
	mkdir "$work/ours"
	masu export three | tar -C "$work/ours" --xattrs --xattrs-include='*' -xpf -
	umoci unpack --image "$work/layout:changed" "$work/theirs" >/dev/null 2>&1
	every_file "$work/ours" >"$work/ours.list"
	every_file "$work/theirs/rootfs" >"$work/theirs.list"
	diff "$work/ours.list" "$work/theirs.list" >&2 || fail "umoci sees another tree than masu on $driver"
	ok "$driver: umoci unpacks the exported image to the same $(($(wc -l <"$work/ours.list") - 1)) files"
	if command -v skopeo >/dev/null; then
		skopeo --insecure-policy copy -q "oci:$work/layout:changed" "docker-archive:$work/docker.tar:debian:again"
		masu image import "$work/docker.tar" debian:again >/dev/null
		[[ $(inside debian:again four /bin/cat /etc/hostname) == masu ]] || fail "skopeo's copy on $driver"
		ok "$driver: what skopeo made of it runs again"
	fi
	for id in one two three four; do
		masu delete --force "$id"
	done
	[[ -z $(masu storage check) ]] || fail "storage check on $driver"
	ok "$driver: nothing is left and nothing is damaged"
	rm -rf "${work:?}"/{ours,theirs,layout,docker.tar} "$store"
}

make_rootfs
for driver; do
	check_driver "$driver"
done
echo "debian: $passed passed, 0 failed"
