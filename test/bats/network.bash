# SPDX-License-Identifier: LGPL-2.1-or-later
# The stage of all tests of networks: each test in network namespaces of its own, one that plays the host (192.0.2.1) and one
# that plays a neighbour on its wire (192.0.2.2).
setup() {
	own_world
	need_root 'networks'
	STORE=$T/store
	HOST=$(new_space)
	OUTSIDE=$(new_space)
	host_snapshot >"$T/host.before"
	make_wire
	REAL=$MASU
	MASU=$(on_stage masu "$MASU")
	UNDER_TEST=$MASU
}

teardown() {
	all_of release_containers end_stage assert_host_clean assert_no_reports
}

end_stage() {
	end_jobs
	[[ -z ${HOST:-} ]] || kill "$HOST" "$OUTSIDE"
}

# ---- the stage ----
new_space() {
	unshare --net sleep 3600 >/dev/null 3>&- &
	local space=$!

	until [[ $(readlink "/proc/$space/ns/net") != "$(readlink /proc/self/ns/net)" ]]; do
		sleep 0.005
	done
	echo "$space"
}

# in_space PID COMMAND...
in_space() {
	nsenter --net="/proc/$1/ns/net" -- "${@:2}"
}

on_host() {
	in_space "$HOST" "$@"
}

outside() {
	in_space "$OUTSIDE" "$@"
}

make_wire() {
	on_host ip link set lo up
	on_host ip link add wan0 type veth peer name out0 netns "$OUTSIDE"
	on_host ip addr add 192.0.2.1/24 dev wan0
	on_host ip link set wan0 up
	outside ip link set lo up
	outside ip addr add 192.0.2.2/24 dev out0
	outside ip link set out0 up
	on_host ip route add default via 192.0.2.2
}

# on_stage NAME PROGRAM: a program that is masu in the host's namespace, with a store of the test's own.
on_stage() {
	printf '#!/bin/sh\nexec nsenter --net=/proc/%s/ns/net -- %s --storage-root %s "$@"\n' "$HOST" "$2" "$STORE" >"$T/$1"
	chmod +x "$T/$1"
	echo "$T/$1"
}

# network JSON: what the bundle's masu.network is.
network() {
	spec_edit '.masu.network = $network' --argjson network "$1"
}

# box NAME JSON COMMAND...: a bundle with that host name, network and command; its container is $ID-NAME.
box() {
	BUNDLE=$T/$1
	[[ -d $BUNDLE ]] || make_bundle "$BUNDLE"
	process "${@:3}"
	spec_edit '.hostname = $name' --arg name "$1"
	network "$2"
}

start() {
	box "$@"
	start_box "$ID-$1"
}

# serve NAME JSON: a box that answers its name on port 80, and does already.
serve() {
	start "$1" "$2" /bin/sh -c "echo $1 >/tmp/index.html; exec /bin/busybox httpd -f -p 80 -h /tmp"
	wait_for 5 in_space "$(state_of pid "$ID-$1")" busybox wget -q -O - http://127.0.0.1
}

GET='/bin/busybox timeout 1 /bin/busybox wget -q -O -'
SLEEP='/bin/busybox sleep 600'
DEFAULT='{"interfaces": [{}]}'

# ask NAME JSON URL: what a box in the foreground gets there; empty when nothing answers.
ask() {
	box "$1" "$2" /bin/sh -c "$GET $3 2>/dev/null || exit 3"
	run_masu run --bundle "$BUNDLE" "$ID-$1"
}

answers() {
	ask "$1" "$2" "$3"
	equal "$out" "$4" "answer of $3"
}

# try SPACE URL WANT: a client in a space, until the server has started.
try() {
	local have n

	for n in {1..20}; do
		have=$(in_space "$1" timeout 1 busybox wget -q -O - "$2" 2>/dev/null) && break
		sleep 0.05
	done
	equal "$have" "$3" "answer of $2"
}

silent() {
	! in_space "$1" timeout 0.5 busybox wget -q -O - "$2" >/dev/null 2>&1 || fail "$2 answers"
}

address_of() {
	"$MASU" --root "$STATE" network inspect "${2:-default}" | jq -r --arg id "$ID-$1" \
		'.containers[] | select(.id | startswith($id)) | .addresses[0] | split("/")[0]'
}

# What the host has: rules, elements, links. A container's traces are gone when this is as it was.
picture() {
	on_host nft list ruleset
	on_host ip -o link show | sed 's/^[0-9]*: //; s/@.*//; s/:.*//' | sort
}

# Nothing of a dead container: as before, and no lease, name or port that gc would find.
as_before() {
	local try now

	for try in {1..40}; do
		now=$(picture)
		[[ $now != "$BEFORE" ]] || break
		sleep 0.05
	done
	diff <(echo "$BEFORE") <(echo "$now") || fail 'the host is not as before'
	masu_ok gc --dry-run
	lacks "$out" '^network '
}

# The first start makes bridge and table, which stay.
warm_up() {
	box warm "$DEFAULT" /bin/true
	masu_ok run --bundle "$BUNDLE" "$ID-warm"
	wait_for 5 sh -c "! nsenter --net=/proc/$HOST/ns/net ip -o link | grep -q ' mv'"
	BEFORE=$(picture)
}

PUBLISH='{"interfaces": [{}], "publish": [{"hostPort": "8080", "containerPort": "80"}]}'
