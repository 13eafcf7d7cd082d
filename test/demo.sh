#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# `make demo`: a root file system of busybox alone, and the example in configs/examples/hello run in it.
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

echo "masu run $demo/spec.json, which says:"
sed 's/^/    /' "$demo/spec.json"
echo 'and inside there is:'
exec "$masu" run "$demo/spec.json"
