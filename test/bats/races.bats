#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# Somebody inside swaps directories and symbolic links of the image while containers start on it (CVE-2021-30465,
# CVE-2024-45310, CVE-2025-52881): a start works or fails cleanly, and nothing outside of the root changes.
#
# From outside: RACE_STARTS, how many starts each test makes (2000 in `make torture`).
load lib

setup() {
	own_world
	root=$BUNDLE/rootfs
	decoy=$T/decoy
	starts=${RACE_STARTS:-25}
	mkdir -p "$decoy/dir/below"
	echo untouched >"$decoy/file"
	tree "$decoy" >"$T/decoy.before"
}

# Names, types, modes, owners and contents of all that is below.
tree() {
	(cd "$1" && find . -printf '%p %y %m %U:%G %l\n' | sort && find . -type f -exec sha256sum {} +)
}

# swap PLACE LINK-TEXT: PLACE in the image is by turns what it is and a symbolic link.
swap() {
	ln -s "$2" "$root/${1%/*}/swapped"
	"$PROBE" exchange "$root/$1" "$root/${1%/*}/swapped" >/dev/null 3>&- &
}

# race PATTERN: start after start; what fails says one of these. Neither the decoy nor the host's mounts change.
race() {
	local worked=0 number

	for ((number = 0; number < starts; number++)); do
		run_masu run --bundle "$BUNDLE" "$ID"
		if ((status == 0)); then
			worked=$((worked + 1))
			lacks "$out" untouched
		else
			one_line_error "$1"
		fi
	done
	end_jobs
	tree "$decoy" | diff "$T/decoy.before" - || fail 'the decoy has changed'
	diff <(sort /proc/self/mountinfo) <(sed -n '/^mounts:/,/^links:/{//!p}' "$T/host.before")
	((worked > 0)) || fail 'no start worked: the race was never won by us'
}

# The process prints all that it finds below /data: nothing of the decoy.
seen_inside() {
	process /bin/sh -c 'ls /data /data/*; cat /data/* /data/*/* 2>/dev/null; true'
}

@test "a mount's destination is swapped with a link out of the root" {
	mkdir -p "$root/data/place"
	spec_edit '.mounts += [{destination: "/data/place", type: "tmpfs", source: "tmpfs"},
		{destination: "/data/place/below", type: "tmpfs", source: "tmpfs"}]'
	swap data/place "../../../../../../../../$decoy/dir"
	seen_inside
	race 'mount|/data/place'
}

@test "a directory above a destination that is missing is swapped" {
	mkdir -p "$root/data/place"
	spec_edit '.mounts += [{destination: "/data/place/new/er", type: "tmpfs", source: "tmpfs"}]'
	swap data/place "$decoy"
	seen_inside
	race 'mount|/data/place'
}

@test "the file that a file is bound on is swapped" {
	mkdir -p "$root/data"
	echo image >"$root/data/file"
	spec_edit '.mounts += [{destination: "/data/file", source: $source, options: ["bind", "ro"]}]' --arg source "$root/etc/passwd"
	swap data/file "$decoy/file"
	process /bin/sh -c 'head -c 4 /data/file'
	race 'mount|/data/file'
}

@test "the place of the process's directory is swapped" {
	mkdir -p "$root/data/place"
	spec_edit '.process.cwd = "/data/place/work/dir"'
	swap data/place "$decoy/dir"
	process /bin/sh -c 'ls .. ../..; cat ../../file 2>/dev/null; true'
	race 'cwd|/data/place'
}

@test "proc and sys are swapped with links: the real directory or an error" {
	swap proc /tmp
	process /bin/sh -c 'stat -f -c %t /proc/self/status'
	race '/proc|proc'
}

@test "what is masked, made read-only and copied up is swapped" {
	mkdir -p "$root/data/place"
	echo image >"$root/data/place/file"
	spec_edit '.mounts += [{destination: "/data/place", type: "tmpfs", source: "tmpfs", options: ["tmpcopyup"]}]
		| .linux.maskedPaths += ["/data/place/file"] | .linux.readonlyPaths += ["/data/place"]'
	swap data/place "$decoy"
	seen_inside
	race 'mount|/data/place|mask|read'
}

@test "a device's place is swapped when the image's own dev is used" {
	spec_edit '.mounts |= map(select(.destination | startswith("/dev") | not))
		| .linux.devices = [{path: "/data/place/node", type: "c", major: 1, minor: 3}]'
	mkdir -p "$root/data/place"
	swap data/place "$decoy/dir"
	process /bin/true
	race 'device|/data/place|/dev'
}
