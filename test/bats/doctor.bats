# SPDX-License-Identifier: LGPL-2.1-or-later
# masu doctor: what the host gives, and whether a spec can run on it.
load lib

# answer CHECK: the answer in $out.
answer() {
	jq -c --arg check "$1" '.[] | select(.check == $check)' <<<"$out"
}

# says CHECK STATE [TEXT]: what `doctor --json` found there.
says() {
	equal "$(answer "$1" | jq -r .state)" "$2" "state of $1"
	[[ -z ${3-} ]] || matches "$(answer "$1" | jq -r .found)" "$3"
}

# bats test_tags=guest
@test "doctor says where each controller is, and a host that runs these tests lacks nothing" {
	masu_ok doctor --json
	expect 'length > 30' 'all(.[]; .check and .found and (.state | IN("ok", "warn")))' \
		'all(.[]; .state == "ok" or (.consequence and .remedy))' '([.[].check] | unique | length) == length'
	says kernel ok "$(uname -r)"
	for controller in cpu memory pids; do
		dir=$(cgroup_dir $controller $$)
		says "cgroup $controller" ok "at ${dir%/*}|at $(cut -d/ -f1-4 <<<"$dir")"
	done
}

@test "doctor speaks to people in lines, with consequence and remedy below what is amiss" {
	masu_ok doctor
	matches "$out" '^ok +kernel +Linux'
	if grep -q '^warn' <<<"$out"; then
		matches "$out" '^ +consequence: '
		matches "$out" '^ +remedy: '
	fi
}

@test "doctor tells of a user namespace limit of 0" {
	need_root 'a user namespace limit'
	# the limit of a user namespace of our own: the host's stays
	unshare --user --map-root-user sh -c 'echo 0 >/proc/sys/user/max_user_namespaces && exec "$@"' - \
		"$MASU" --root "$STATE" doctor --json >"$T/out" 2>"$T/err" 3>&- || status=$?
	out=$(<"$T/out")
	says 'user namespaces: limit' missing 'is 0'
	says 'user namespaces: trial' missing 'No space left'
	equal "$status" 1
}

@test "doctor sees a /proc that is partly covered" {
	need_root 'mounts on the host'
	unshare --mount --propagation private sh -c 'mount -t tmpfs t /proc/sys && exec "$@"' - \
		"$MASU" --root "$STATE" doctor --json >"$T/out" 3>&-
	out=$(<"$T/out")
	says /proc warn 'covered at /proc/sys'
}

@test "doctor sees cgroups that are mounted read-only" {
	need_root 'mounts on the host'
	unshare --mount --propagation private sh -c 'for at in $(awk '\''$3 ~ /^cgroup/ { print $2 }'\'' /proc/mounts); do
		mount -o remount,bind,ro "$at" || exit; done; exec "$@"' - \
		"$MASU" --root "$STATE" doctor --json >"$T/out" 3>&-
	out=$(<"$T/out")
	says 'cgroup memory' warn 'read-only'
	says 'cgroup delegation' warn 'in 0 of '
}

@test "a spec that can run here is accepted, and nothing is made" {
	masu_ok doctor --json --bundle "$BUNDLE"
	expect 'all(.[]; .state == "ok")'
	spec_edit '.linux.resources += {"memory": {"limit": 67108864}, "pids": {"limit": 50}}'
	masu_ok doctor --json "$BUNDLE/config.json"
	says linux.resources.memory.limit ok 'cgroup memory'
	says linux.resources.pids.limit ok 'cgroup pids'
	nothing_left
}

@test "the field that keeps a spec from running is named, and the status is 1" {
	# one edit a row, then what is said
	while IFS='|' read -r edit text; do
		default_spec >"$BUNDLE/config.json"
		spec_edit "$edit"
		run_masu doctor --json --bundle "$BUNDLE"
		equal "$status" 1 "status with $edit"
		matches "$(jq -r '.[] | select(.state == "missing") | .check + ": " + .found' <<<"$out")" "$text"
	done <<-'ROWS'
		.process.cwd = 5|process.cwd: did not expect a number
		.process.cwd = "x"|process.cwd: "x" is not an absolute path
		.root.path = "none"|root.path .*none: No such file
		.mounts += [{"destination": "/x", "source": "/no/such/source", "options": ["bind"]}]|/no/such/source: No such file
		.linux.namespaces[0].path = "/no/such/namespace"|/no/such/namespace
		.process.apparmorProfile = "no-such-profile"|process.apparmorProfile: no-such-profile
	ROWS
	nothing_left
}

@test "a limit whose controller this host has not is named" {
	need 'a host without rdma' sh -c '! grep -qw rdma /sys/fs/cgroup/cgroup.controllers /sys/fs/cgroup/unified/cgroup.controllers /proc/mounts'
	spec_edit '.linux.resources.rdma = {"mlx5": {"hcaHandles": 1}}'
	run_masu doctor --json --bundle "$BUNDLE"
	equal "$status" 1
	says linux.resources.rdma missing 'cgroup rdma: '
}

@test "a bundle that is not there is an answer of doctor's, a wrong option an error" {
	run_masu doctor --json /no/such/config.json
	equal "$status" 1
	expect '.[0].state == "missing"' '.[0].found | test("/no/such")'
	run_masu doctor --nonsense
	equal "$status" 1
	one_line_error nonsense
}
