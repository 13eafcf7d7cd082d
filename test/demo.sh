#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# `make demo`: a root file system of busybox alone; the example in configs/examples/hello runs in it, and a look around in an image of it.
set -euo pipefail
masu=$1
demo=$(dirname "$masu")/demo

rm -rf "$demo"
mkdir -p "$demo"/rootfs/{bin,dev,etc,proc,run,sys,tmp,root}
cp "$(command -v busybox)" "$demo/rootfs/bin/busybox"
for applet in $("$demo/rootfs/bin/busybox" --list); do
	[[ $applet == busybox ]] || ln -s busybox "$demo/rootfs/bin/$applet"
done
echo 'root:x:0:0:root:/root:/bin/sh' >"$demo/rootfs/etc/passwd"
echo 'root:x:0:' >"$demo/rootfs/etc/group"
cp configs/examples/hello/spec.json "$demo/spec.json"

# The same box with limits, and a look around in it.
cat >"$demo/look.json" <<'END'
{
	"process": { "args": ["/bin/sh", "/look"] },
	"linux": { "resources": { "memory": { "limit": 67108864 }, "pids": { "limit": 32 } } },
	"masu": { "preset": "default", "storage": { "image": "busybox" } }
}
END
cat >"$demo/rootfs/look" <<'END'
echo "processes:    $(ls -d /proc/[0-9]* | wc -l) seen from pid $$, a shell and its ls"
echo "host name:    $(hostname)"
echo "network:      $(ls /sys/class/net | tr '\n' ' ')"
echo "open files:   $(ulimit -n)"
echo "capabilities: $(sed -n 's/^CapEff:[^0-9a-f]*//p' /proc/self/status)"
echo "seccomp:      $(sed -n 's/^Seccomp:[^0-9]*//p' /proc/self/status) (2: a filter)"
echo "new privs:    $(sed -n 's/^NoNewPrivs:[^0-9]*//p' /proc/self/status) (1: never)"
echo "root user:    $(id)"
echo "mounts:"
awk '{ printf "    %-24s %-8s %s\n", $2, $3, $4 }' /proc/self/mounts
echo "cgroups:"
sed 's/^/    /' /proc/self/cgroup
END

# An image of it, in a store of the demo's own, on the driver that suits this place best.
store=$demo/store
echo "== masu image import $demo/rootfs.tar busybox"
tar -C "$demo/rootfs" --owner=0 --group=0 -cf "$demo/rootfs.tar" .
"$masu" --storage-root "$store" image import "$demo/rootfs.tar" busybox
"$masu" --storage-root "$store" storage info | sed -n '/^driver/p; /^DRIVER/,$p'

for spec in spec look; do
	echo "== masu run $demo/$spec.json"
	sed 's/^/    /' "$demo/$spec.json"
	echo '-- and inside:'
	"$masu" --storage-root "$store" run "$demo/$spec.json"
done
"$masu" --storage-root "$store" image rm busybox

# Two containers on one network. All of it in a network namespace of the demo's own, which plays the host: the bridge, the
# firewall table and the port 8080 are there, and go with it.
cat >"$demo/web.json" <<'END'
{
	"hostname": "web",
	"process": { "args": ["/bin/sh", "-c", "echo hello from web >/tmp/index.html; exec httpd -f -p 80 -h /tmp"] },
	"masu": { "preset": "default", "network": {
		"interfaces": [{ "network": "default" }],
		"publish": [{ "hostPort": "8080", "containerPort": "80" }] } }
}
END
cat >"$demo/client.json" <<'END'
{
	"hostname": "client",
	"process": { "args": ["/bin/sh", "-c", "ip -4 -o addr show eth0; ip route; wget -q -O - http://web"] },
	"masu": { "preset": "default", "network": { "interfaces": [{ "network": "default" }] } }
}
END
for spec in web client; do
	echo "== $demo/$spec.json"
	sed 's/^/    /' "$demo/$spec.json"
done
cat >"$demo/network" <<'END'
set -euo pipefail
here() {
	"$masu" --root "$demo/state" --storage-root "$demo/store" "$@"
}
trap 'here delete --force web; here network rm default' EXIT
busybox ip link set lo up
echo '-- masu run --detach web.json web; wget http://127.0.0.1:8080 on the host:'
here run --detach "$demo/web.json" web
for n in 1 2 3 4 5 6 7 8 9 10; do
	busybox timeout 2 busybox wget -q -O - http://127.0.0.1:8080 2>/dev/null && break || sleep 0.2
done
echo '-- masu run client.json: its address and routes, and the page of its neighbour by name:'
here run "$demo/client.json" client
END
export masu demo
unshare --net bash "$demo/network"
