# SPDX-License-Identifier: LGPL-2.1-or-later
# masu.network: what a single link can be made to do, on the stage of network.bash.
load lib
load network

# mbit SPACE URL BYTES: the rate of a download, in Mbit/s.
mbit() {
	local begin=${EPOCHREALTIME/./} bytes

	bytes=$(in_space "$1" timeout 20 busybox wget -q -O - "$2" | wc -c)
	equal "$bytes" "$3" "bytes of $2"
	echo $((bytes * 8 / (${EPOCHREALTIME/./} - begin)))
}

# limited SPACE URL BYTES RATE: a download runs at that rate within a tenth; never faster, at times slower on a busy machine.
limited() {
	local rate n

	for n in {1..6}; do
		rate=$(mbit "$1" "$2" "$3")
		((rate * 10 <= $4 * 11)) || fail "$2: $rate Mbit/s, limited to $4"
		((rate * 10 < $4 * 9)) || return 0
	done
	fail "$2: $rate Mbit/s, want $4"
}

# ---- bandwidth ----
@test "bandwidth is limited in both directions, within a tenth; the shaper goes with the container" {
	mkdir "$T/www"
	head -c 2000000 /dev/zero >"$T/www/data"
	outside busybox httpd -f -p 80 -h "$T/www" 3>&- &
	warm_up
	start web '{"interfaces": [{"bandwidth": {"ingress": "40mbit", "egress": "20mbit"}}], "publish": [{"hostPort": "80"}]}' \
		/bin/sh -c 'head -c 2000000 /dev/zero >/tmp/data; exec /bin/busybox httpd -f -p 80 -h /tmp'
	pid=$(state_of pid "$ID-web")
	wait_for 5 in_space "$pid" busybox wget -q -O /dev/null http://127.0.0.1/data
	limited "$OUTSIDE" http://192.0.2.1/data 2000000 20
	limited "$pid" http://192.0.2.2/data 2000000 40
	masu_ok delete --force "$ID-web"
	as_before
}

@test "bandwidth is refused where it is not a rate, and where there is no bridge" {
	on_host ip link add mac0 type veth peer name mac1
	masu_ok network create --driver macvlan --parent mac0 --subnet 10.90.0.0/24 wire
	while IFS='|' read -r text json; do
		box one "{\"interfaces\": [$json]}" /bin/true
		masu_fails "interfaces\[0\].bandwidth$text" run --bundle "$BUNDLE" "$ID-one"
		nothing_left
	done <<-'END'
		.ingress: "fast" is not a rate|{"bandwidth": {"ingress": "fast"}}
		.egress: "100" is not a rate|{"bandwidth": {"egress": "100"}}
		.burst: "1k" is not a size|{"bandwidth": {"egress": "1mbit", "burst": "1k"}}
		.burst: goes with|{"bandwidth": {"burst": "64k"}}
		: only in networks of the driver bridge|{"network": "wire", "bandwidth": {"ingress": "1mbit"}}
	END
}

@test "gc removes the shaper of a start that was killed" {
	need 'a build with fault points (make faults)' test -x "$MASU_FAULTS"
	warm_up
	UNDER_TEST=$(on_stage faults "$(realpath "$MASU_FAULTS")")
	box one '{"interfaces": [{"bandwidth": {"egress": "1mbit"}}]}' /bin/true
	MASU_KILL_AT=net-serve run_masu run --bundle "$BUNDLE" "$ID-one"
	equal "$status" 137
	rm -r "$STATE/$ID-one"
	masu_ok gc
	matches "$out" "^network link mi[0-9a-f]{8}, container $ID-one"
	as_before
}

# ---- coming and going ----
@test "connect and disconnect: a running container comes into a network and leaves it" {
	warm_up
	masu_ok network create --subnet 10.91.0.0/24 --ipv6 red
	masu_ok network create blue
	box warm '{"interfaces": [{"network": "red"}]}' /bin/true
	masu_ok run --bundle "$BUNDLE" "$ID-warm"
	wait_for 5 sh -c "! nsenter --net=/proc/$HOST/ns/net ip -o link | grep -q ' mv'"
	BEFORE=$(picture)
	serve web '{"interfaces": [{"network": "red"}]}'
	# shellcheck disable=SC2086
	start one "$PUBLISH" $SLEEP
	pid=$(state_of pid "$ID-one")
	masu_ok network connect --ip 10.91.0.77 --alias guest --mac 02:00:5e:10:00:77 --mtu 1400 --json red "$ID-one"
	expect ".containers | map(select(.id | startswith(\"$ID-one\"))) | .[0].addresses[0] == \"10.91.0.77/24\" and .[0].interface == \"eth1\""
	masu_ok exec "$ID-one" /bin/busybox wget -q -O - "http://$(address_of web red)"
	equal "$out" web
	out=$(in_space "$pid" ip addr show eth1; in_space "$pid" ip route)
	matches "$out" 'mtu 1400'
	matches "$out" '02:00:5e:10:00:77'
	matches "$out" 'inet6 fd'
	matches "$out" '^default via 10\.210\.0\.1'
	masu_ok exec "$ID-web" /bin/busybox cat /etc/hosts
	matches "$out" '^10\.91\.0\.77.one guest '
	masu_fails 'connect to network red: already in it' network connect red "$ID-one"
	masu_fails 'there is an interface eth0' network connect --name eth0 blue "$ID-one"
	masu_ok network disconnect red "$ID-one"
	masu_fails 'disconnect from network red: not in it' network disconnect red "$ID-one"
	in_space "$pid" sh -c '! ip link show eth1 2>/dev/null' || fail 'eth1 is still there'
	masu_ok exec "$ID-web" /bin/busybox cat /etc/hosts
	lacks "$out" guest
	# the port goes with the interface that it leads to
	masu_ok network disconnect default "$ID-one"
	lacks "$(on_host nft list map inet masu pub4)" "$ID-one"
	masu_ok delete --force "$ID-one"
	masu_ok delete --force "$ID-web"
	as_before
}

@test "connect: the name server of a run learns of it; what cannot be is refused and leaves nothing" {
	masu_ok network create red
	serve web '{"interfaces": [{"network": "red"}]}'
	box one "$DEFAULT" /bin/sh -c "until [ -e /sys/class/net/eth1 ]; do sleep 0.05; done; $GET http://web"
	UNDER_TEST=$MASU
	"$MASU" --root "$STATE" run --bundle "$T/one" "$ID-one" >"$T/answer" 3>&- &
	wait_for 5 has_status running "$ID-one"
	masu_fails 'no such network' network connect nope "$ID-one"
	masu_fails 'ips\[0\]: 10.1.1.1 is in no subnet' network connect --ip 10.1.1.1 red "$ID-one"
	masu_fails 'does not exist' network connect red nobody
	masu_ok network connect red "$ID-one"
	wait_for 5 grep -q web "$T/answer"
	wait_for 5 sh -c "! test -e $STATE/$ID-one"
	box two '{"mode": "host"}' /bin/busybox sleep 60
	start_box "$ID-two"
	masu_fails 'no network namespace of its own' network connect red "$ID-two"
	masu_ok gc --dry-run
	lacks "$out" "network .*$ID-one"
}

# ---- devices of the host ----
@test "macvlan: an address directly on the parent's wire; the host's mtu and no bridge" {
	on_host ip link set wan0 mtu 1450
	outside ip link set out0 mtu 1450
	mkdir "$T/www"
	echo outside >"$T/www/index.html"
	outside busybox httpd -f -p 80 -h "$T/www" 3>&- &
	masu_ok network create --driver macvlan --parent wan0 --subnet 192.0.2.0/24 --gateway 192.0.2.2 --range 192.0.2.128/25 wire
	answers one '{"interfaces": [{"network": "wire"}]}' http://192.0.2.2 outside
	box one '{"interfaces": [{"network": "wire", "mac": "02:00:5e:10:00:99"}]}' ip addr show eth0
	masu_ok run --bundle "$BUNDLE" "$ID-one"
	matches "$out" 'mtu 1450'
	matches "$out" 'inet 192\.0\.2\.1[2-9][0-9]/24'
	matches "$out" '02:00:5e:10:00:99'
	box one '{"interfaces": [{"network": "wire"}], "publish": [{"hostPort": "80"}]}' /bin/true
	masu_fails 'no address of that family in a bridge network' run --bundle "$BUNDLE" "$ID-one"
}

@test "phys: a device of the host itself, with another name inside; disconnect gives it back" {
	on_host ip link add dev0 type veth peer name far0 netns "$OUTSIDE"
	outside ip addr add 10.92.0.1/24 dev far0
	outside ip link set far0 up
	masu_ok network create --driver phys --parent dev0 --subnet 10.92.0.0/24 lent
	# shellcheck disable=SC2086
	start one '{"interfaces": [{"network": "lent", "name": "up"}]}' $SLEEP
	on_host sh -c '! ip link show dev0 2>/dev/null' || fail 'dev0 is still on the host'
	in_space "$(state_of pid "$ID-one")" busybox ping -c 1 -W 2 10.92.0.1
	box two '{"interfaces": [{"network": "lent"}]}' /bin/true
	masu_fails 'the host has no device dev0' run --bundle "$BUNDLE" "$ID-two"
	masu_ok network disconnect lent "$ID-one"
	on_host ip link show up >/dev/null
}

@test "vlan: macvlan on a tag of the parent; the tagged device goes with the network" {
	need 'a kernel with 802.1q' on_host ip link add link wan0 name probe type vlan id 9
	on_host ip link del probe
	outside ip link add link out0 name out0.7 type vlan id 7
	outside ip addr add 10.93.0.1/24 dev out0.7
	outside ip link set out0.7 up
	masu_ok network create --driver macvlan --parent wan0 --vlan 7 --subnet 10.93.0.0/24 tagged
	# shellcheck disable=SC2086
	start one '{"interfaces": [{"network": "tagged"}]}' $SLEEP
	in_space "$(state_of pid "$ID-one")" busybox ping -c 1 -W 2 10.93.0.1
	masu_ok delete --force "$ID-one"
	masu_ok network rm tagged
	lacks "$(on_host ip -o link)" 'mt[0-9a-f]{8}'
}

@test "ipvlan: several addresses behind the parent's own" {
	need 'a kernel with ipvlan' on_host ip link add link wan0 name probe type ipvlan
	on_host ip link del probe
	masu_ok network create --driver ipvlan --parent wan0 --subnet 192.0.2.0/24 --gateway 192.0.2.2 --range 192.0.2.128/25 wire
	# shellcheck disable=SC2086
	start one '{"interfaces": [{"network": "wire"}]}' $SLEEP
	in_space "$(state_of pid "$ID-one")" busybox ping -c 1 -W 2 192.0.2.2
}

@test "sctp: a published port leads to the container" {
	need 'a kernel with sctp' modprobe sctp
	start web '{"interfaces": [{}], "publish": [{"hostPort": "7000", "containerPort": "7001", "proto": "sctp"}]}' /bin/busybox sleep 600
	pid=$(state_of pid "$ID-web")
	in_space "$pid" "$REPO/test/bats/sctp.py" serve 7001 3>&- &
	wait_for 5 sh -c "$(declare -f in_space); in_space $OUTSIDE '$REPO/test/bats/sctp.py' ask 192.0.2.1 7000 | grep -q hello"
}
