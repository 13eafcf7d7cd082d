# SPDX-License-Identifier: LGPL-2.1-or-later
# mounts[]: every option of the specification, as mountinfo shows it from inside.
load lib

# tmpfs_with OPTIONS(JSON): run the probe with a tmpfs on /mnt; its mountinfo line is then in $line.
tmpfs_with() {
	default_spec >"$BUNDLE/config.json"
	spec_edit '.process.args = ["/probe", "mounts"] |
		.mounts += [{"destination": "/mnt", "type": "tmpfs", "source": "tmpfs", "options": $options}]' \
		--argjson options "$1"
	run_box
	line=$(mount_line /mnt)
	[[ -n $line ]] || fail "nothing on /mnt with $1"
}

@test "the default mounts are there with their options" {
	process /probe mounts
	run_box
	matches "$(mount_line /proc)" ' - proc '
	matches "$(mount_line /dev)" 'rw,nosuid - tmpfs .*size=65536k'
	matches "$(mount_line /dev/pts)" 'rw,nosuid,noexec,relatime - devpts .*gid='"$(host_gid 5)"',mode=620,ptmxmode=666'
	matches "$(mount_line /dev/shm)" 'rw,nosuid,nodev,noexec,relatime - tmpfs'
	matches "$(mount_line /dev/mqueue)" 'nosuid,nodev,noexec,relatime - mqueue'
	matches "$(mount_line /sys)" 'ro,nosuid,nodev,noexec,relatime - sysfs'
}

@test "each flag option of a tmpfs is seen in mountinfo, and its opposite takes it back" {
	# option        seen             not seen
	rows='
	["ro"]                         ro,             -
	["ro","rw"]                    rw,             ro,
	["nosuid"]                     nosuid          -
	["nosuid","suid"]              -               nosuid
	["nodev"]                      nodev           -
	["nodev","dev"]                -               nodev
	["noexec"]                     noexec          -
	["noexec","exec"]              -               noexec
	["noatime"]                    noatime         relatime
	["noatime","atime"]            relatime        noatime
	["nodiratime"]                 nodiratime      -
	["nodiratime","diratime"]      -               nodiratime
	["relatime"]                   relatime        -
	["strictatime"]                -               relatime
	["strictatime","nostrictatime"] relatime       -
	["sync"]                       sync            -
	["sync","async"]               -               sync
	["dirsync"]                    dirsync         -
	["nosymfollow"]                nosymfollow     -
	["nosymfollow","symfollow"]    -               nosymfollow
	["lazytime"]                   lazytime        -
	["lazytime","nolazytime"]      -               lazytime
	["defaults"]                   rw,relatime     -
	["silent","loud"]              rw,             -
	["mand","nomand"]              rw,             -
	["iversion","noiversion"]      rw,             -
	["norelatime"]                 rw,             -
	["size=1m","mode=700"]         size=1024k,mode=700 -
	[]                             rw,relatime     -
	null                           -               -'
	while read -r options seen unseen; do
		[[ -n $options ]] || continue
		tmpfs_with "$options"
		[[ $seen == - ]] || matches "$line" "$seen"
		[[ $unseen == - ]] || lacks "$line" "$unseen"
	done <<<"$rows"
}

@test "unknown words go to the file system, and what it refuses names mount and reason" {
	spec_edit '.mounts += [{"destination": "/mnt", "type": "tmpfs", "source": "tmpfs", "options": ["nonsense=1"]}]'
	refused '/mnt'
	spec_edit '.mounts[-1] = {"destination": "/mnt", "type": "nofs", "source": "x"}'
	refused '/mnt|nofs'
}

bind_with() {
	default_spec >"$BUNDLE/config.json"
	spec_edit '.process.args = ["/probe", "mounts"] |
		.mounts += [{"destination": "/mnt", "type": "bind", "source": $source, "options": $options}]' \
		--arg source "$T/source" --argjson options "$1"
	run_box
	line=$(mount_line /mnt)
}

@test "bind mounts take the flags that a bind can have" {
	mkdir "$T/source"
	bind_with '["bind", "ro", "nosuid", "nodev", "noexec", "noatime"]'
	matches "$line" ' ro,nosuid,nodev,noexec,'
	# in a user namespace access times are as the host has them
	((EUID != 0)) || matches "$line" 'noatime '
	bind_with '["rbind", "rprivate"]'
	matches "$line" ' rw,'
	bind_with '["bind", "nosymfollow"]'
	matches "$line" 'nosymfollow'
}

@test "bind is decided by the options, not by the type" {
	mkdir "$T/source" && echo content >"$T/source/file"
	process /bin/cat /mnt/file
	for type in none bind nonsense; do
		spec_edit '.mounts += [{"destination": "/mnt", "type": $type, "source": $source, "options": ["rbind"]}]' \
			--arg source "$T/source" --arg type $type
		run_box
		equal "$out" content
		spec_edit 'del(.mounts[-1])'
	done
	spec_edit '.mounts += [{"destination": "/mnt", "source": $source, "options": ["bind"]}]' --arg source "$T/source"
	run_box
	equal "$out" content
}

@test "files can be bound, on targets that are made" {
	echo content >"$T/file"
	process /bin/cat /deep/down/target
	spec_edit '.mounts += [{"destination": "/deep/down/target", "source": $source, "options": ["bind", "ro"]}]' \
		--arg source "$T/file"
	run_box
	equal "$out" content
}

@test "a relative source is below the bundle" {
	mkdir "$BUNDLE/data" && echo content >"$BUNDLE/data/file"
	process /bin/cat /mnt/file
	spec_edit '.mounts += [{"destination": "/mnt", "source": "data", "options": ["bind"]}]'
	run_box
	equal "$out" content
}

@test "a missing source is named" {
	spec_edit '.mounts += [{"destination": "/mnt", "source": "/no/such/source", "options": ["bind"]}]'
	refused '/no/such/source.*no such file'
}

# A tree with a mount below it, in a mount namespace of this test's own.
with_tree() {
	need_root 'mounts on the host'
	mkdir -p "$T/source/below"
	unshare --mount --propagation private sh -c '
		mount -t tmpfs tree "$1/source" && mkdir "$1/source/below" && mount -t tmpfs below "$1/source/below" && shift && exec "$@"' \
		- "$T" "$@"
}

@test "ro on rbind covers the top only, rro the whole tree" {
	process /probe mounts
	spec_edit '.mounts += [{"destination": "/mnt", "source": $source, "options": ["rbind", "ro"]}]' --arg source "$T/source"
	with_tree "$MASU" --root "$STATE" run --bundle "$BUNDLE" "$ID" >"$T/out" </dev/null 3>&-
	out=$(<"$T/out")
	matches "$(mount_line /mnt)" ' ro,'
	matches "$(mount_line /mnt/below)" ' rw,'
	spec_edit '.mounts[-1].options = ["rbind", "rro"]'
	with_tree "$MASU" --root "$STATE" run --bundle "$BUNDLE" "$ID" >"$T/out" </dev/null 3>&-
	out=$(<"$T/out")
	matches "$(mount_line /mnt)" ' ro,'
	matches "$(mount_line /mnt/below)" ' ro,'
}

@test "every recursive option reaches the mounts below" {
	process /probe mounts
	rows='
	["rnosuid"] nosuid -
	["rnosuid","rsuid"] - nosuid
	["rnodev"] nodev -
	["rnodev","rdev"] - nodev
	["rnoexec"] noexec -
	["rnoexec","rexec"] - noexec
	["rnoatime"] noatime -
	["rnodiratime"] nodiratime -
	["rnodiratime","rdiratime"] - nodiratime
	["rrelatime"] relatime -
	["rstrictatime"] - relatime
	["rnosymfollow"] nosymfollow -
	["rnosymfollow","rsymfollow"] - nosymfollow
	["rro","rrw"] rw, -'
	while read -r options seen unseen; do
		[[ -n $options ]] || continue
		default_spec >"$BUNDLE/config.json"
		process /probe mounts
		spec_edit '.mounts += [{"destination": "/mnt", "source": $source, "options": (["rbind"] + $options)}]' \
			--arg source "$T/source" --argjson options "$options"
		with_tree "$MASU" --root "$STATE" run --bundle "$BUNDLE" "$ID" >"$T/out" </dev/null 3>&-
		out=$(<"$T/out")
		for at in /mnt /mnt/below; do
			[[ $seen == - ]] || matches "$(mount_line $at)" "$seen"
			[[ $unseen == - ]] || lacks "$(mount_line $at)" "$unseen"
		done
	done <<<"$rows"
}

@test "propagation options are applied to the mount" {
	mkdir "$T/source"
	bind_with '["bind", "shared"]'
	matches "$line" 'shared:'
	bind_with '["bind", "private"]'
	lacks "$line" 'shared:|master:'
	bind_with '["rbind", "rshared"]'
	matches "$line" 'shared:'
	bind_with '["bind", "unbindable"]'
	matches "$line" 'unbindable'
	bind_with '["rbind", "rslave"]'
	lacks "$line" 'shared:'
}

@test "tmpcopyup fills a tmpfs with what the image has there" {
	mkdir "$BUNDLE/rootfs/var/data"
	echo content >"$BUNDLE/rootfs/var/data/file"
	chmod 600 "$BUNDLE/rootfs/var/data/file"
	ln -s file "$BUNDLE/rootfs/var/data/link"
	shell 'cat /var/data/link; stat -c %a /var/data/file; echo new >/var/data/file'
	spec_edit '.mounts += [{"destination": "/var/data", "type": "tmpfs", "source": "tmpfs", "options": ["tmpcopyup"]}]'
	run_box
	equal "$out" $'content\n600'
	equal "$(<"$BUNDLE/rootfs/var/data/file")" content
}

@test "mounts are made in the order of the list" {
	mkdir -p "$T/a/sub" "$T/b" && echo a >"$T/a/sub/file" && echo b >"$T/b/file"
	process /bin/cat /mnt/sub/file
	spec_edit '.mounts += [{"destination": "/mnt", "source": $a, "options": ["bind"]}, {"destination": "/mnt/sub", "source": $b, "options": ["bind"]}]' \
		--arg a "$T/a" --arg b "$T/b"
	run_box
	equal "$out" b
	spec_edit '.mounts |= .[:-2] + [.[-1], .[-2]]'
	run_box
	equal "$out" a
}

@test "destinations that are symbolic links stay inside the root file system" {
	mkdir "$T/outside" "$T/source" && echo content >"$T/source/file"
	ln -s "$T/outside" "$BUNDLE/rootfs/absolute"
	ln -s ../../../../../../"$T/outside" "$BUNDLE/rootfs/relative"
	ln -s /run "$BUNDLE/rootfs/var/run"
	for at in /absolute /relative /absolute/deeper /var/run/x; do
		process /bin/cat $at/file
		spec_edit '.mounts += [{"destination": $at, "source": $source, "options": ["bind"]}]' --arg source "$T/source" --arg at $at
		run_box
		equal "$out" content "$at"
		spec_edit 'del(.mounts[-1])'
	done
	equal "$(ls -A "$T/outside")" ''
}

@test "a relative destination counts from the root" {
	process /probe mounts
	spec_edit '.mounts += [{"destination": "mnt", "type": "tmpfs", "source": "tmpfs"}]'
	run_box
	[[ -n $(mount_line /mnt) ]]
}

@test "proc and sys that are symbolic links, and mounts below proc, are refused" {
	rmdir "$BUNDLE/rootfs/proc" && ln -s tmp "$BUNDLE/rootfs/proc"
	refused '/proc'
	rm "$BUNDLE/rootfs/proc" && mkdir "$BUNDLE/rootfs/proc"
	rmdir "$BUNDLE/rootfs/sys" && ln -s tmp "$BUNDLE/rootfs/sys"
	refused '/sys'
	rm "$BUNDLE/rootfs/sys" && mkdir "$BUNDLE/rootfs/sys"
	mkdir "$T/source"
	spec_edit '.mounts += [{"destination": "/proc/self/attr", "source": $source, "options": ["bind"]}]' --arg source "$T/source"
	refused '/proc'
}

@test "proc entries that monitoring tools replace may be bound" {
	echo 'fake uptime' >"$T/uptime"
	process /bin/cat /proc/uptime
	spec_edit '.mounts += [{"destination": "/proc/uptime", "source": $source, "options": ["bind"]}]' --arg source "$T/uptime"
	run_box
	equal "$out" 'fake uptime'
}

@test "masked paths are empty, read-only paths are read-only" {
	shell 'cat /proc/kcore | wc -c; ls -A /sys/firmware | wc -l; echo x >/proc/sys/kernel/hostname || echo refused; cat /proc/keys /proc/timer_list | wc -c'
	run_box
	equal "$out" $'0\n0\nrefused\n0'
	process /probe mounts
	run_box
	matches "$(mount_line /proc/sys)" ' ro,'
	matches "$(mount_line /proc/bus)" ' ro,'
}

@test "own masked and read-only paths work on files and directories, and missing ones do not matter" {
	mkdir "$BUNDLE/rootfs/secret" && echo x >"$BUNDLE/rootfs/secret/file" && echo y >"$BUNDLE/rootfs/plain"
	shell 'ls -A /secret; cat /plain; echo x >/etc/passwd || echo refused; touch /tmp/a/b || echo refused; touch /tmp/ok'
	mkdir "$BUNDLE/rootfs/tmp/a"
	spec_edit '.linux.maskedPaths += ["/secret", "/plain", "/none"] | .linux.readonlyPaths += ["/etc/passwd", "/tmp/a", "/none"]'
	run_box
	equal "$out" $'refused\nrefused'
	[[ -e $BUNDLE/rootfs/tmp/ok ]]
	matches "$(<"$BUNDLE/rootfs/etc/passwd")" root
}

@test "a cgroup mount shows this container's cgroup only, read-only when asked" {
	shell 'ls /sys/fs/cgroup; grep " /sys/fs/cgroup" /proc/self/mountinfo'
	spec_edit '.mounts += [{"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["nosuid", "noexec", "nodev", "relatime", "ro"]}]'
	run_box
	lacks "$(grep -- ' - cgroup' <<<"$out")" ' rw,nosuid'
	if has_v1 memory; then
		matches "$out" '^memory$'
		matches "$out" "$ID /sys/fs/cgroup/memory ro,nosuid,nodev,noexec,relatime"
	else
		matches "$out" 'cgroup.procs'
	fi
}

# bats test_tags=guest
@test "a cgroup mount in a cgroup namespace shows it as the root" {
	shell 'cat /proc/self/cgroup; grep " /sys/fs/cgroup" /proc/self/mountinfo'
	spec_edit '.linux.namespaces += [{"type": "cgroup"}] |
		.mounts += [{"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["ro"]}]'
	run_box
	lacks "$out" "$ID"
	matches "$out" '^[0-9]+:.*:/$'
	equal "$(grep -E '^[0-9]+:' <<<"$out" | grep -v ':/$')" '' 'cgroups elsewhere'
}

@test "id-mapped mounts show shifted owners" {
	need_root 'id-mapped mounts'
	mkdir "$T/source" && touch "$T/source/file" && chown 1000:1000 "$T/source/file"
	process /bin/stat -c %u:%g /mnt/file
	spec_edit '.mounts += [{"destination": "/mnt", "source": $source, "options": ["bind", "idmap"],
		"uidMappings": [{"containerID": 0, "hostID": 5000, "size": 65536}],
		"gidMappings": [{"containerID": 0, "hostID": 6000, "size": 65536}]}]' --arg source "$T/source"
	run_box
	equal "$out" 6000:7000
}

@test "id-mapped mounts need both maps, and maps or a user namespace" {
	need_root 'id-mapped mounts'
	mkdir "$T/source"
	spec_edit '.mounts += [{"destination": "/mnt", "source": $source, "options": ["bind", "idmap"]}]' --arg source "$T/source"
	refused 'mounts.*(idmap|uidMappings)'
	spec_edit '.mounts[-1].uidMappings = [{"containerID": 0, "hostID": 5000, "size": 65536}]'
	refused 'gidMappings'
}

@test "three hundred mounts on one place are no problem" {
	process /bin/true
	spec_edit '.mounts += [range(300) | {"destination": "/mnt", "type": "tmpfs", "source": "t", "options": ["size=4k"]}]'
	run_box
}
