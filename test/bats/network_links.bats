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
