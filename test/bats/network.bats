# SPDX-License-Identifier: LGPL-2.1-or-later
# masu.network and `masu network`, on the stage of network.bash.
load lib
load network

# ---- the default network ----
# bats test_tags=guest
@test "the default network is made at first use: address, route, NAT to the outside" {
	outside sh -c 'mkdir -p "$1" && echo outside >"$1/index.html" && exec busybox httpd -f -p 80 -h "$1"' sh "$T/www" 3>&- &
	box one "$DEFAULT" /bin/sh -c "ip -4 addr show eth0; ip route; for i in 1 2 3 4 5; do $GET http://192.0.2.2 && break; sleep 0.2; done"
	masu_ok run --bundle "$BUNDLE" "$ID-one"
	matches "$out" 'inet 10\.210\.0\.2/24'
	matches "$out" '^default via 10\.210\.0\.1 dev eth0'
	matches "$out" '^outside$'
	on_host ip -o addr show masu0 | grep -q '10.210.0.1/24' || fail 'no masu0'
	masu_ok network inspect default
	expect '.bridge == "masu0"' '.subnets[0].subnet == "10.210.0.0/24"' '.containers == []'
}

@test "a subnet that the host uses is not chosen" {
	on_host ip addr add 10.210.0.9/24 dev wan0
	box one "$DEFAULT" ip -4 addr show eth0
	masu_ok run --bundle "$BUNDLE" "$ID-one"
	matches "$out" 'inet 10\.210\.1\.2/24'
}

@test "two containers reach each other by address, host name and alias" {
	serve alpha '{"interfaces": [{"aliases": ["db", "Main"]}]}'
	answers beta "$DEFAULT" "http://$(address_of alpha)" alpha
	answers beta "$DEFAULT" http://alpha alpha
	answers beta "$DEFAULT" http://db alpha
	answers beta "$DEFAULT" http://main alpha
	ask beta "$DEFAULT" http://nobody
	equal "$status" 3 'status of a name that nobody has'
}

@test "several interfaces; the gateway is where the spec says" {
	masu_ok network create --subnet 10.80.0.0/24 red
	masu_ok network create --subnet 10.81.0.0/24 --ipv6 blue
	box one '{"interfaces": [{"network": "red"}, {"network": "blue", "name": "up", "gateway": true, "metric": 7, "mtu": 1400}],
		"routes": [{"dst": "10.9.0.0/16", "via": "10.80.0.1"}]}' /bin/sh -c 'ip addr; ip route; ip -6 route'
	masu_ok run --bundle "$BUNDLE" "$ID-one"
	matches "$out" 'inet 10\.80\.0\.2/24 .*eth0'
	matches "$out" 'inet 10\.81\.0\.2/24 .*up'
	matches "$out" 'up@.*mtu 1400'
	matches "$out" 'inet6 fd.*/64'
	matches "$out" '^default via 10\.81\.0\.1 dev up  *metric 7'
	matches "$out" '^10\.9\.0\.0/16 via 10\.80\.0\.1 dev eth0'
	lacks "$out" '^default via 10\.80'
}

@test "a static address and MAC; an address that somebody has is refused with its name" {
	box one '{"interfaces": [{"ips": ["10.210.0.77"], "mac": "02:00:5e:10:00:77"}]}' ip addr show eth0
	masu_ok run --bundle "$BUNDLE" "$ID-one"
	matches "$out" 'inet 10\.210\.0\.77/24'
	matches "$out" '02:00:5e:10:00:77'
	# shellcheck disable=SC2086
	start one '{"interfaces": [{"ips": ["10.210.0.77"]}]}' $SLEEP
	box two '{"interfaces": [{"ips": ["10.210.0.77"]}]}' /bin/true
	masu_fails "take address 10.210.0.77: container $ID-one" run --bundle "$BUNDLE" "$ID-two"
}

@test "hosts and resolv.conf" {
	box one '{"interfaces": [{"ips": ["10.210.0.5"], "aliases": ["db"]}], "hosts": ["printer:192.0.2.9"],
		"dns": {"servers": ["192.0.2.53"], "search": ["a.test", "b.test"], "options": ["ndots:2"]}}' \
		/bin/sh -c 'cat /etc/hosts /etc/resolv.conf; stat -c %a /etc/hosts'
	masu_ok run --bundle "$BUNDLE" "$ID-one"
	matches "$out" '^127\.0\.0\.1.localhost'
	matches "$out" '^10\.210\.0\.5.one( |$)'
	matches "$out" '^192\.0\.2\.9.printer'
	matches "$out" '^search a.test b.test$'
	matches "$out" '^options .*ndots:2'
	matches "$out" '^nameserver 127\.0\.0\.11$'
	matches "$out" '^644$'
	# nobody stays to answer for a container in the background
	# shellcheck disable=SC2086
	start one "$(jq -c .masu.network "$BUNDLE/config.json")" $SLEEP
	masu_ok exec "$ID-one" /bin/busybox cat /etc/resolv.conf
	matches "$out" '^nameserver 192\.0\.2\.53$'
	lacks "$out" '127\.0\.0\.11'
}

@test "what the spec mounts at /etc/hosts stays" {
	echo '192.0.2.7 mine' >"$T/hosts"
	box one "$DEFAULT" cat /etc/hosts
	spec_edit '.mounts += [{"destination": "/etc/hosts", "type": "bind", "source": $hosts, "options": ["bind"]}]' --arg hosts "$T/hosts"
	masu_ok run --bundle "$BUNDLE" "$ID-one"
	equal "$out" '192.0.2.7 mine'
}

# ---- ports ----
@test "a published port answers outside, on the host, on its loopback and to a neighbour" {
	serve web "$PUBLISH"
	try "$OUTSIDE" http://192.0.2.1:8080 web
	try "$HOST" http://192.0.2.1:8080 web
	try "$HOST" http://127.0.0.1:8080 web
	answers other "$DEFAULT" http://192.0.2.1:8080 web
	silent "$OUTSIDE" http://192.0.2.1:80
}

@test "ports for loopback only, for some only, and a range" {
	serve web '{"interfaces": [{}], "publish": [{"host": "127.0.0.1", "hostPort": "8081", "containerPort": "80"},
		{"hostPort": "8082", "containerPort": "80", "allowFrom": ["198.51.100.0/24"]}, {"hostPort": "79-81"}]}'
	try "$HOST" http://127.0.0.1:8081 web
	silent "$OUTSIDE" http://192.0.2.1:8081
	try "$HOST" http://192.0.2.1:8082 web
	silent "$OUTSIDE" http://192.0.2.1:8082
	try "$OUTSIDE" http://192.0.2.1:80 web
}

@test "a port that a program or a container has is refused before anything starts" {
	warm_up
	on_host busybox nc -ll -p 8080 -e /bin/true 3>&- &
	wait_for 5 sh -c "nsenter --net=/proc/$HOST/ns/net ss -Hltn | grep -q 8080"
	box one "$PUBLISH" /bin/true
	masu_fails 'net-reserve: publish tcp port 8080: a program on this host uses port 8080' run --bundle "$BUNDLE" "$ID-one"
	nothing_left
	as_before
	end_jobs
	wait_for 5 sh -c "! nsenter --net=/proc/$HOST/ns/net ss -Hltn | grep -q 8080"
	# shellcheck disable=SC2086
	start one "$PUBLISH" $SLEEP
	box two '{"interfaces": [{}], "publish": [{"hostPort": "8000-8100"}]}' /bin/true
	masu_fails "publish tcp ports 8000-8100: container $ID-one.* has it already" run --bundle "$BUNDLE" "$ID-two"
	masu_ok delete --force "$ID-one"
	as_before
}

@test "a container that has stopped gives its port to the next; its delete takes nothing from that one" {
	start old "$PUBLISH" /bin/true
	wait_for 5 has_status stopped "$ID-old"
	serve new "$PUBLISH"
	try "$OUTSIDE" http://192.0.2.1:8080 new
	masu_ok delete "$ID-old"
	try "$OUTSIDE" http://192.0.2.1:8080 new
}

@test "the same name in two state directories: neither takes from the other" {
	serve web "$PUBLISH"
	first=$(address_of web)
	BUNDLE=$T/web spec_edit '.linux.cgroupsPath = $path' --arg path "/masu-$ID-other"
	BUNDLE=$T/web network "$DEFAULT"
	STATE=$T/other BUNDLE=$T/web start_box "$ID-web"
	STATE=$T/other masu_ok network inspect default
	expect '.containers | length == 2' '[.containers[].addresses[0]] | unique | length == 2'
	STATE=$T/other masu_ok delete --force "$ID-web"
	STATE=$T/other masu_ok gc
	equal "$(address_of web)" "$first" 'address of the first'
	try "$OUTSIDE" http://192.0.2.1:8080 web
}

# ---- who may talk to whom ----
@test "networks are kept apart, containers of one network are not; --no-isolate and --no-icc" {
	for name in red blue open; do
		masu_ok network create "$([[ $name == open ]] && echo --no-isolate || echo --mtu=1500)" "$name"
	done
	masu_ok network create --no-icc apart
	serve red '{"interfaces": [{"network": "red"}]}'
	serve open '{"interfaces": [{"network": "open"}]}'
	serve apart '{"interfaces": [{"network": "apart"}]}'
	answers one '{"interfaces": [{"network": "red"}]}' "http://$(address_of red red)" red
	ask one '{"interfaces": [{"network": "blue"}]}' "http://$(address_of red red)"
	equal "$status$out" 3 'blue asks red'
	answers one '{"interfaces": [{"network": "red"}]}' "http://$(address_of open open)" open
	ask one '{"interfaces": [{"network": "apart"}]}' "http://$(address_of apart apart)"
	equal "$status$out" 3 'two that are kept apart'
}

@test "an internal network has no way out and publishes nothing" {
	masu_ok network create --internal cellar
	serve one '{"interfaces": [{"network": "cellar"}]}'
	answers two '{"interfaces": [{"network": "cellar"}]}' "http://$(address_of one cellar)" one
	box two '{"interfaces": [{"network": "cellar"}]}' ip route
	masu_ok run --bundle "$BUNDLE" "$ID-two"
	lacks "$out" default
	box two '{"interfaces": [{"network": "cellar"}], "publish": [{"hostPort": "8080"}]}' /bin/true
	masu_fails 'masu.network.publish\[0\]: ' run --bundle "$BUNDLE" "$ID-two"
}

# ---- modes ----
@test "mode none, host, container and ns" {
	box one '{"mode": "none"}' ls /sys/class/net
	masu_ok run --bundle "$BUNDLE" "$ID-one"
	equal "$out" lo
	box one '{"mode": "host"}' readlink /proc/self/ns/net
	masu_ok run --bundle "$BUNDLE" "$ID-one"
	equal "$out" "$(readlink "/proc/$HOST/ns/net")"
	box one "{\"mode\": \"ns:/proc/$OUTSIDE/ns/net\"}" readlink /proc/self/ns/net
	masu_ok run --bundle "$BUNDLE" "$ID-one"
	equal "$out" "$(readlink "/proc/$OUTSIDE/ns/net")"
	serve one "$DEFAULT"
	answers two "{\"mode\": \"container:$ID-one\"}" http://127.0.0.1 one
	box two '{"mode": "container:nobody"}' /bin/true
	masu_fails 'masu.network.mode: container:nobody: container does not exist' run --bundle "$BUNDLE" "$ID-two"
}

# ---- bad input ----
@test "specs that are refused before anything is made" {
	while IFS='|' read -r text json; do
		box one "$json" /bin/true
		masu_fails "$text" run --bundle "$BUNDLE" "$ID-one"
		nothing_left
	done <<-'END'
		mode: "hots" is none of|{"mode": "hots"}
		mode: "none" goes without|{"mode": "none", "interfaces": [{}]}
		publish: needs an interface|{"publish": [{"hostPort": "80"}]}
		interfaces\[0\].name: "sixteen-bytes-ab"|{"interfaces": [{"name": "sixteen-bytes-ab"}]}
		interfaces\[1\].name: "x" is given twice|{"interfaces": [{"name": "x"}, {"name": "x"}]}
		interfaces\[0\].network: "a/b" is not a name|{"interfaces": [{"network": "a/b"}]}
		interfaces\[0\]: find network nope: no such|{"interfaces": [{"network": "nope"}]}
		interfaces\[0\].ips\[0\]: "10.0.0.256"|{"interfaces": [{"ips": ["10.0.0.256"]}]}
		ips\[0\]: 10.0.0.7 is in no subnet of network default|{"interfaces": [{"ips": ["10.0.0.7"]}]}
		take address 10.210.0.1: it is the network's|{"interfaces": [{"ips": ["10.210.0.1"]}]}
		interfaces\[0\].mac: "03:00:00:00:00:01"|{"interfaces": [{"mac": "03:00:00:00:00:01"}]}
		interfaces\[0\].aliases\[0\]: "a b"|{"interfaces": [{"aliases": ["a b"]}]}
		publish\[0\].hostPort: "0"|{"interfaces": [{}], "publish": [{"hostPort": "0"}]}
		publish\[0\].hostPort: "65536"|{"interfaces": [{}], "publish": [{"hostPort": "65536"}]}
		publish\[0\].containerPort: "80-90" has not as many|{"interfaces": [{}], "publish": [{"hostPort": "8000-8005", "containerPort": "80-90"}]}
		publish\[0\].host: "::1"|{"interfaces": [{}], "publish": [{"host": "::1", "hostPort": "80"}]}
		publish tcp port 80 of 198.51.100.1: this host has no|{"interfaces": [{}], "publish": [{"host": "198.51.100.1", "hostPort": "80"}]}
		publish\[0\].allowFrom\[0\]: "me"|{"interfaces": [{}], "publish": [{"hostPort": "80", "allowFrom": ["me"]}]}
		dns.servers\[0\]: "dns.test"|{"interfaces": [{}], "dns": {"servers": ["dns.test"]}}
		hosts\[0\]: "printer" is not|{"interfaces": [{}], "hosts": ["printer"]}
		routes\[0\].via: |{"interfaces": [{}], "routes": [{"dst": "10.0.0.0/8", "via": "fd00::1"}]}
	END
	equal "$(on_host ip -o link show type veth | wc -l)" 1 'veth devices on the host'
}

@test "networks that are refused" {
	masu_ok network create --subnet 10.70.0.0/24 first
	while IFS='|' read -r text options; do
		# shellcheck disable=SC2086
		masu_fails "$text" network create $options
	done <<-'END'
		it exists already|first
		overlaps 10.70.0.0/24|--subnet 10.70.0.128/25 other
		overlaps 192.0.2.0/24|--subnet 192.0.0.0/16 other
		subnets\[1\] overlaps subnets\[0\]|--subnet 10.71.0.0/24 --subnet 10.71.0.0/25 other
		subnet: "10.71.0.0" is not ADDRESS/LENGTH|--subnet 10.71.0.0 other
		subnet: "10.71.0.0/31" has no room|--subnet 10.71.0.0/31 other
		gateway: 10.72.0.1 is not in|--subnet 10.71.0.0/24 --gateway 10.72.0.1 other
		range: 10.72.0.0/25 is not in|--subnet 10.71.0.0/24 --range 10.72.0.0/25 other
		more gateways|--gateway 10.71.0.1 other
		"a/b": a name is|a/b
		driver: "brigde" is not known|--driver brigde other
		bridge: "sixteen-bytes-ab"|--bridge sixteen-bytes-ab other
		parent|--driver macvlan other
		parent: not for the driver bridge|--parent wan0 other
		label "x": want KEY=VALUE|--label x other
		open /nonexistent|--file /nonexistent other
	END
	echo '{"subnets": [{}]}' >"$T/bad.json"
	masu_fails 'definition:1: subnets\[0\].subnet: missing' network create --file "$T/bad.json" other
	masu_ok network ls --json
	expect 'length == 1'
}

# ---- the command ----
@test "network create, ls, inspect, rm and prune" {
	masu_ok network ls
	equal "$(wc -l <<<"$out")" 1 'lines of an empty list'
	masu_ok network ls --json
	equal "$out" '[]'
	echo '{"subnets": [{"subnet": "10.60.0.0/24", "range": "10.60.0.128/25"}], "labels": {"team": "a"}}' >"$T/web.json"
	masu_ok network create --file "$T/web.json" --label tier=1 --json web
	expect '.name == "web"' '.subnets[0].range == "10.60.0.128/25"' '.labels == {"team": "a", "tier": "1"}' '.bridge == "masu-web"'
	masu_ok network create --internal --subnet 10.61.0.0/24 a-very-long-network-name
	masu_ok network ls
	matches "$out" '^web +bridge +masu-web +10\.60\.0\.0/24 +no +0$'
	matches "$out" '^a-very-long-network-name +bridge +masu-[0-9a-f]{8} +10\.61\.0\.0/24 +yes +0$'
	# shellcheck disable=SC2086
	start one '{"interfaces": [{"network": "web"}]}' $SLEEP
	masu_ok network inspect web
	expect ".containers[0].id | startswith(\"$ID-one\")" '.containers[0].addresses == ["10.60.0.128/24"]' '.containers[0].interface == "eth0"'
	masu_fails 'remove network web: containers have 1 addresses' network rm web
	masu_ok network prune --json
	equal "$out" '["a-very-long-network-name"]'
	masu_ok delete --force "$ID-one"
	masu_ok network rm web
	masu_fails 'no such network' network rm web
	masu_fails 'no such network' network inspect web
	on_host sh -c '! ip link show masu-web 2>/dev/null' || fail 'masu-web is still there'
	lacks "$(on_host nft list ruleset)" 'masu-web|10\.60\.'
}

@test "flush ruleset: told by doctor, put right by reload" {
	serve web "$PUBLISH"
	try "$OUTSIDE" http://192.0.2.1:8080 web
	BEFORE=$(on_host nft list ruleset)
	masu_ok network doctor
	equal "$out" ''
	on_host nft flush ruleset
	silent "$OUTSIDE" http://192.0.2.1:8080
	run_masu network doctor --json
	equal "$status" 1 'status of doctor'
	expect '.[0] | contains("masu network reload")'
	masu_ok network reload
	equal "$(on_host nft list ruleset)" "$BEFORE" 'rules after reload'
	try "$OUTSIDE" http://192.0.2.1:8080 web
	on_host nft add table ip filter
	on_host nft add chain ip filter FORWARD '{ type filter hook forward priority 0; policy drop; }'
	run_masu network doctor
	equal "$status" 1 'status of doctor'
	matches "$out" 'FORWARD of table ip filter drops'
}

# ---- nothing is left ----
@test "delete works with the rules, the bridge and the namespace gone" {
	warm_up
	# shellcheck disable=SC2086
	start one "$PUBLISH" $SLEEP
	masu_ok kill --all "$ID-one" KILL
	wait_for 5 has_status stopped "$ID-one"
	masu_ok delete "$ID-one"
	as_before
	# shellcheck disable=SC2086
	start one "$PUBLISH" $SLEEP
	on_host nft flush ruleset
	on_host ip link del masu0
	masu_ok delete --force "$ID-one"
	masu_ok gc --dry-run
	lacks "$out" '^network '
	box one "$DEFAULT" /bin/true
	masu_ok run --bundle "$BUNDLE" "$ID-one"
	as_before
}

@test "without the plug-in delete works and says so; gc takes the rest when it is back" {
	need 'no masu in the installed place' test ! -e /usr/local/lib/masu/plugins
	warm_up
	# shellcheck disable=SC2086
	start one "$PUBLISH" $SLEEP
	mkdir "$T/bare"
	cp "$REAL" "$(dirname "$REAL")/masu-full" "$T/bare"
	UNDER_TEST=$(on_stage bare-masu "$T/bare/masu")
	masu_ok delete --force "$ID-one"
	matches "$err" 'load plug-in nftables'
	nothing_left
	UNDER_TEST=$MASU
	masu_ok gc
	matches "$out" "^network firewall element in map pub4, container $ID-one"
	matches "$out" '^network tcp port 8080, '
	matches "$out" '^network address 10\.210\.0\.[0-9]+ of network default, '
	as_before
}

@test "gc: nothing is loaded or made where no container ever had a network" {
	masu_ok gc
	[[ ! -e $STORE/net && ! -e $STORE/networks ]] || fail "made: $(ls "$STORE")"
}

@test "failures and kills at each of the rows leave nothing" {
	need 'a build with fault points (make faults)' test -x "$MASU_FAULTS"
	warm_up
	UNDER_TEST=$(on_stage faults "$(realpath "$MASU_FAULTS")")
	box one "$(jq -c '.interfaces[0].aliases = ["db"]' <<<"$PUBLISH")" /bin/true
	for row in net-reserve net-attach net-serve; do
		MASU_FAIL_AT=$row run_masu run --bundle "$BUNDLE" "$ID-one"
		equal "$err" "masu: run $ID-one: $row: fail as MASU_FAIL_AT asked"
		nothing_left
		as_before
		MASU_KILL_AT=$row run_masu run --bundle "$BUNDLE" "$ID-one"
		equal "$status" 137 "status of a run killed at $row"
		masu_ok delete --force "$ID-one"
		nothing_left
		as_before
		MASU_KILL_AT=$row run_masu run --bundle "$BUNDLE" "$ID-one"
		masu_ok gc
		matches "$out" "^network .*$ID-one"
		nothing_left
		as_before
	done
}

@test "starts one after the other and at the same time leave nothing" {
	local n

	warm_up
	for n in {1..10}; do
		box "p$n" "$DEFAULT" /bin/true
		masu_ok run --bundle "$BUNDLE" "$ID-p$n"
	done
	for n in {1..10}; do
		"$MASU" --root "$STATE" run --bundle "$T/p$n" "$ID-p$n" >"$T/log.$n" 2>&1 3>&- &
		eval "job$n=$!"
	done
	for n in {1..10}; do
		eval "wait \$job$n" || fail "$(cat "$T/log.$n")"
	done
	nothing_left
	as_before
}

# ---- names without a name server ----
@test "a storage root that is no absolute path" {
	(cd "$T" && "$MASU" --storage-root store --root state network create red)
	box one '{"interfaces": [{"network": "red"}]}' /bin/busybox sleep 600
	(cd "$T" && "$MASU" --storage-root store --root state run --detach --bundle "$BUNDLE" "$ID-one" >/dev/null 2>&1 3>&-)
	masu_ok exec "$ID-one" /bin/busybox grep one /etc/hosts
}

@test "create and start: neighbours are found in a hosts file that follows them, and that nobody inside can write" {
	local before

	# shellcheck disable=SC2086
	start one "$DEFAULT" $SLEEP
	serve two '{"interfaces": [{"aliases": ["db"]}]}'
	masu_ok exec "$ID-one" /bin/busybox cat /etc/hosts
	matches "$out" '^127\.0\.0\.1.localhost$'
	matches "$out" "^$(address_of one).one # $ID-one"
	matches "$out" "^$(address_of two).two db # $ID-two"
	masu_ok exec "$ID-one" /bin/busybox wget -q -O - http://db
	equal "$out" two
	run_masu exec "$ID-one" /bin/sh -c 'echo x >>/etc/hosts'
	matches "$err" 'Read-only file system'
	before=$(in_space "$HOST" stat -c %s "$STORE/net/networks/default/hosts")
	masu_ok delete --force "$ID-two"
	masu_ok exec "$ID-one" /bin/busybox cat /etc/hosts
	lacks "$out" '[[:space:]](two|db)([[:space:]]|$)'
	# the place of a line that went is used again
	# shellcheck disable=SC2086
	start two '{"interfaces": [{"aliases": ["db"]}]}' $SLEEP
	masu_ok exec "$ID-one" /bin/busybox cat /etc/hosts
	matches "$out" "^$(address_of two).two db"
	equal "$(in_space "$HOST" stat -c %s "$STORE/net/networks/default/hosts")" "$before" 'size of the file'
	# one that says more has a file of its own
	# shellcheck disable=SC2086
	start three '{"interfaces": [{}], "hosts": ["printer:192.0.2.9"]}' $SLEEP
	masu_ok exec "$ID-three" /bin/busybox cat /etc/hosts
	matches "$out" '^192\.0\.2\.9.printer$'
}
