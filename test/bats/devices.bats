# SPDX-License-Identifier: LGPL-2.1-or-later
# /dev: default nodes and links, linux.devices, and what may be opened.
load lib

@test "the default devices and links are there" {
	process /probe dev
	run_box
	expect '.dev.null | .type == "c" and .major == 1 and .minor == 3 and .mode == 438' \
		'.dev.zero | .major == 1 and .minor == 5' '.dev.full | .major == 1 and .minor == 7' \
		'.dev.random | .major == 1 and .minor == 8' '.dev.urandom | .major == 1 and .minor == 9' \
		'.dev.tty | .major == 5 and .minor == 0 and .mode == 438' '.dev.ptmx.link | endswith("pts/ptmx")' \
		'.dev.fd.link == "/proc/self/fd"' '.dev.stdin.link == "/proc/self/fd/0"' \
		'.dev.stdout.link == "/proc/self/fd/1"' '.dev.stderr.link == "/proc/self/fd/2"' \
		'.dev | has("console") | not'
}

@test "the default devices work, others may not be opened or made" {
	spec_edit '.process.capabilities |= map_values(. + ["CAP_MKNOD"])'
	shell '/probe open /dev/null /dev/zero /dev/full /dev/random /dev/urandom; /probe mknod /tmp/mem 1 1 >/dev/null; /probe open /tmp/mem; /probe mknod /tmp/disk 8 0 >/dev/null; /probe open /tmp/disk; true'
	run_box
	equal "$(grep -c '^/dev/.*: ok' <<<"$out")" 5
	matches "$out" '/tmp/mem: (Operation not permitted|No such file)'
	matches "$out" '/tmp/disk: (Operation not permitted|No such file)'
}

@test "devices of the spec are made with type, numbers, mode and owner" {
	need_root 'device nodes'
	process /probe dev
	spec_edit '.linux.devices = [
		{"path": "/dev/fuse", "type": "c", "major": 10, "minor": 229, "fileMode": 420, "uid": 5, "gid": 6},
		{"path": "/dev/block", "type": "b", "major": 7, "minor": 200},
		{"path": "/dev/pipe", "type": "p", "fileMode": 384},
		{"path": "/dev/unbuffered", "type": "u", "major": 1, "minor": 3}]'
	run_box
	expect '.dev.fuse == {"type": "c", "major": 10, "minor": 229, "mode": 420, "uid": 5, "gid": 6}' \
		'.dev.block | .type == "b" and .major == 7 and .minor == 200' '.dev.pipe | .type == "p" and .mode == 384' \
		'.dev.unbuffered | .type == "c" and .major == 1 and .minor == 3'
}

@test "devices can be made in directories that are missing, and over default ones of the same kind" {
	shell 'stat -c "%F %t:%T" /dev/sub/dir/node /dev/null'
	spec_edit '.linux.devices = [{"path": "/dev/sub/dir/node", "type": "c", "major": 1, "minor": 3},
		{"path": "/dev/null", "type": "c", "major": 1, "minor": 3, "fileMode": 438}]'
	run_box
	equal "$out" $'character special file 1:3\ncharacter special file 1:3'
}

@test "an existing file that is not the device asked for is an error" {
	need_root 'device nodes'
	need 'a check of existing devices' test "$(basename "$MASU")" = masu
	touch "$BUNDLE/rootfs/etc/node"
	spec_edit '.linux.devices = [{"path": "/etc/node", "type": "c", "major": 1, "minor": 3}]'
	refused '/etc/node'
	[[ -f $BUNDLE/rootfs/etc/node ]]
}

@test "impossible devices are refused" {
	spec_edit '.linux.devices = [{"path": "/dev/x", "type": "x", "major": 1, "minor": 3}]'
	refused 'devices.*type'
	spec_edit '.linux.devices = [{"path": "dev/x", "type": "c", "major": 1, "minor": 3}]'
	refused 'devices.*path'
	spec_edit '.linux.devices = [{"path": "/dev/x", "type": "c"}]'
	refused 'devices.*(major|minor)'
	spec_edit '.linux.devices = [{"path": "/dev/../../x", "type": "c", "major": 1, "minor": 3}]'
	run_masu run --bundle "$BUNDLE" "$ID"
	[[ ! -e $T/x && ! -e $BUNDLE/x ]]
}

@test "a file mode with the bits of its own type is taken, as podman writes it" {
	need_root 'device nodes'
	shell '/probe stat /dev/other'
	spec_edit '.linux.devices = [{"path": "/dev/other", "type": "c", "major": 1, "minor": 3, "fileMode": 8608}]'
	run_box
	matches "$out" '640'
	spec_edit '.linux.devices[0].fileMode = 25008'
	refused 'linux.devices\[0\].fileMode'
}

# bats test_tags=guest
@test "the device rules are applied in the order of the list" {
	need_root 'device rules'
	shell '/probe open /dev/zero /dev/fuse; true'
	spec_edit '.linux.devices = [{"path": "/dev/fuse", "type": "c", "major": 10, "minor": 229, "fileMode": 438}]'
	need 'a fuse device' test -c /dev/fuse
	run_box
	matches "$out" '/dev/fuse: Operation not permitted'
	spec_edit '.linux.resources.devices += [{"allow": true, "type": "c", "major": 10, "minor": 229, "access": "rwm"}]'
	run_box
	matches "$out" '/dev/fuse: ok'
	spec_edit '.linux.resources.devices += [{"allow": false, "type": "c", "major": 10, "minor": 229, "access": "rw"}]'
	run_box
	matches "$out" '/dev/fuse: Operation not permitted'
}

@test "a rule that lets everything through does" {
	need_root 'device rules'
	spec_edit '.linux.resources.devices = [{"allow": true, "access": "rwm"}] | .process.capabilities |= map_values(. + ["CAP_MKNOD"])'
	shell '/probe mknod /dev/kmsg2 1 11 && echo made'
	run_box
	matches "$out" made
}

@test "hostile entries in the image's dev do not lead out" {
	mkdir "$T/outside"
	ln -s "$T/outside" "$T/link"
	rmdir "$BUNDLE/rootfs/dev" && ln -s "$T/outside" "$BUNDLE/rootfs/dev"
	run_masu run --bundle "$BUNDLE" "$ID"
	equal "$(ls -A "$T/outside")" ''
	# without a mount on /dev everything in it is the image's
	rm "$BUNDLE/rootfs/dev" && mkdir "$BUNDLE/rootfs/dev"
	spec_edit '.mounts |= map(select(.destination | startswith("/dev") | not))'
	for name in null ptmx console fd stdin pts; do
		rm -rf "$BUNDLE/rootfs/dev" && mkdir "$BUNDLE/rootfs/dev"
		ln -s "$T/outside/$name" "$BUNDLE/rootfs/dev/$name"
		run_masu run --bundle "$BUNDLE" "$ID"
		equal "$(ls -A "$T/outside")" '' "with a hostile $name"
		nothing_left
	done
	rm -rf "$BUNDLE/rootfs/dev" && mkdir "$BUNDLE/rootfs/dev"
}

@test "without a mount on dev the nodes are made in the image" {
	process /probe dev
	spec_edit '.mounts |= map(select(.destination | startswith("/dev") | not))'
	run_box
	expect '.dev.null.type == "c"' '.dev.null.minor == 3'
}

@test "a false null device in the image is never used for masking" {
	spec_edit '.mounts |= map(select(.destination | startswith("/dev") | not))'
	echo 'host secret' >"$BUNDLE/rootfs/dev/null"
	shell 'cat /proc/kcore | wc -c'
	run_masu run --bundle "$BUNDLE" "$ID"
	if ((status == 0)); then
		equal "$out" 0
	else
		one_line_error '/dev/null'
	fi
	rm -f "$BUNDLE/rootfs/dev/null"
}
