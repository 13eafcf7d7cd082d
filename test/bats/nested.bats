# SPDX-License-Identifier: LGPL-2.1-or-later
# masu in masu: a cgroup that was given to the container, and containers in containers below it.
load lib

setup() {
	own_world
	need 'a cgroup v2 hierarchy' grep -qw cgroup2 /proc/mounts
	need_root 'any ids in a user namespace'
}

v2_mount() {
	awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts
}

# delegated DIR HOST_ID COMMAND...: the spec in DIR becomes that of a box with ids, cgroups and a root of cgroups of its own.
delegated() {
	local dir=$1 host_id=$2

	shift 2
	jq --argjson id "$host_id" '
		del(.linux.maskedPaths, .linux.readonlyPaths, .linux.resources)
		| .linux.namespaces += [{type: "user"}, {type: "cgroup"}]
		| .linux.uidMappings = [{containerID: 0, hostID: $id, size: 10000}] | .linux.gidMappings = .linux.uidMappings
		| .process.noNewPrivileges = false | .process.args = $ARGS.positional
		| .process.capabilities |= map_values(["CAP_SYS_ADMIN", "CAP_SETUID", "CAP_SETGID", "CAP_CHOWN", "CAP_KILL",
			"CAP_SYS_CHROOT", "CAP_MKNOD", "CAP_DAC_OVERRIDE", "CAP_NET_ADMIN", "CAP_SETPCAP", "CAP_SETFCAP"])
		| .mounts += [{destination: "/sys/fs/cgroup", type: "cgroup2", source: "cgroup2"},
			{destination: "/run", type: "tmpfs", source: "tmpfs", options: ["mode=755"]}]' \
		"$REPO/test/data/config.json" --args -- "$@" >"$dir/config.json"
}

# nest DIR DEPTH COMMAND: bundles in bundles; the innermost runs the command, the others run the next one.
nest() {
	local dir=$1 depth=$2 id=0

	((depth < 3)) || id=100000
	make_bundle "$dir"
	mkdir -p "$dir/rootfs/sys/fs/cgroup"
	if ((depth == 1)); then
		delegated "$dir" "$id" /bin/sh -c "$3"
		return
	fi
	cp --reflink=auto "$MASU" "$dir/rootfs/masu"
	nest "$dir/rootfs/inner" $((depth - 1)) "$3"
	delegated "$dir" "$id" /masu --root /run/state run --bundle /inner "deep$((depth - 1))"
}

@test "a cgroup is given away in v2 only, to the container's user, with a root of cgroups that it may write" {
	local dir file
	make_bundle "$T/own"
	mkdir -p "$T/own/rootfs/sys/fs/cgroup"
	delegated "$T/own" 100000 /bin/sleep 100
	cp "$T/own/config.json" "$BUNDLE/config.json"
	mkdir -p "$BUNDLE/rootfs/sys/fs/cgroup"
	start_box
	dir=$(v2_mount)$(sed -n 's/^0:://p' "/proc/$(state_of pid)/cgroup")
	equal "$(stat -c %u "$dir")" 100000 "the owner of $dir"
	while read -r file; do
		[[ ! -e $dir/$file ]] || equal "$(stat -c %u "$dir/$file")" 100000 "the owner of $file"
	done </sys/kernel/cgroup/delegate
	for file in cgroup.freeze cgroup.max.depth; do
		equal "$(stat -c %u "$dir/$file")" 0 "the owner of $file"
	done
	for file in cpu memory pids; do
		! has_v1 "$file" || equal "$(stat -c %u "$(cgroup_dir "$file")")" 0 "the owner in the v1 hierarchy $file"
	done
}

@test "a cgroup that the container can only read stays the host's" {
	mkdir -p "$BUNDLE/rootfs/sys/fs/cgroup"
	delegated "$BUNDLE" 100000 /bin/sleep 100
	spec_edit '(.mounts[] | select(.type == "cgroup2")).options = ["ro"]'
	start_box
	equal "$(stat -c %u "$(v2_mount)$(sed -n 's/^0:://p' "/proc/$(state_of pid)/cgroup")")" 0 'its owner'
}

@test "the cgroup namespace is made where the container lives" {
	mkdir -p "$BUNDLE/rootfs/sys/fs/cgroup"
	delegated "$BUNDLE" 100000 /bin/sh -c 'grep ^0: /proc/self/cgroup; ls -d /sys/fs/cgroup/cgroup.events'
	run_box
	equal "$out" $'0::/\n/sys/fs/cgroup/cgroup.events' 'what it sees'
}

is_static() {
	! readelf --program-headers "$1" | grep -q INTERP
}

@test "three containers in each other, each with a cgroup below the one around it" {
	local path

	# the sanitizers' build has libraries, which the containers do not
	need 'a static masu' is_static "$MASU"
	chmod o+x "$T" "$BATS_TEST_TMPDIR"
	nest "$T/outer" 3 'grep ^0: /proc/self/cgroup; echo three deep; sleep 1'
	LIMIT=60 run_masu run --bundle "$T/outer" "$ID" &
	wait_for 40 eval 'path=$(find "$(v2_mount)" -type d -path "*$ID*/masu-deep2*/masu-deep1" 2>/dev/null) && [[ -n $path ]]'
	wait
	equal "$(<"$T/out")" $'0::/\nthree deep' "what the innermost says ($(<"$T/err"))"
}
