# SPDX-License-Identifier: LGPL-2.1-or-later
# root: where it is, read-only, propagation, and hostile contents.
load lib

@test "root.path is relative to the bundle or absolute" {
	process /bin/echo ok
	mv "$BUNDLE/rootfs" "$T/elsewhere"
	spec_edit '.root.path = "../elsewhere"'
	run_box
	equal "$out" ok
	spec_edit '.root.path = $path' --arg path "$T/elsewhere"
	run_box
	equal "$out" ok
}

@test "a root that is missing or a file is named" {
	spec_edit '.root.path = "none"'
	refused 'none.*no such file'
	spec_edit '.root.path = "config.json"'
	refused 'config.json.*not a directory'
	spec_edit 'del(.root)'
	refused 'root'
	spec_edit '.root = {"path": ""}'
	refused 'root.path'
}

@test "root.readonly makes the root read-only and leaves mounts alone" {
	shell 'touch /file && echo wrote; touch /dev/shm/file && echo wrote to shm; touch /etc/x || echo refused'
	spec_edit '.root.readonly = true'
	run_box
	equal "$out" $'wrote to shm\nrefused'
	spec_edit '.root.readonly = false'
	run_box
	matches "$out" '^wrote$'
}

@test "targets of mounts are made before the root becomes read-only" {
	mkdir "$T/source" && echo content >"$T/source/file"
	process /bin/cat /new/place/file
	spec_edit '.root.readonly = true | .mounts += [{"destination": "/new/place", "source": $source, "options": ["bind"]}]' --arg source "$T/source"
	run_box
	equal "$out" content
}

@test "rootfsPropagation is the propagation of the root" {
	process /probe mounts
	for row in 'private ' 'slave master:|/ / ' 'shared shared:' 'unbindable unbindable'; do
		read -r word seen <<<"$row"
		spec_edit '.linux.rootfsPropagation = $word' --arg word "$word"
		run_box
		line=$(mount_line /)
		[[ -z $seen || $word == slave ]] || matches "$line" "$seen"
		[[ $word != private ]] || lacks "$line" 'shared:|master:'
	done
	spec_edit '.linux.rootfsPropagation = "nonsense"'
	refused 'rootfsPropagation'
}

@test "nothing of the host's mounts is left inside" {
	process /probe mounts
	run_box
	expect '.mounts | map(split(" ")[4]) | all(. == "/" or test("^/(proc|dev|sys)"))' '.mounts | length < 40'
	lacks "$out" 'oldroot|put_old'
}

@test "the root's mounts do not appear on the host" {
	process /probe sleep 100
	before=$(sort /proc/self/mountinfo)
	start_box
	equal "$(sort /proc/self/mountinfo)" "$before" 'mounts'
}

@test "a root on its own mount, a read-only one and one with mounts inside work" {
	need_root 'mounts on the host'
	process /bin/echo ok
	unshare --mount --propagation private sh -c '
		mount -t tmpfs t "$1/bundle/rootfs/mnt" && mount --bind "$1/bundle/rootfs" "$1/bundle/rootfs" &&
		mount -o remount,bind,ro "$1/bundle/rootfs" && shift && exec "$@"' - "$T" \
		"$MASU" --root "$STATE" run --bundle "$BUNDLE" "$ID" >"$T/out" </dev/null 3>&-
	equal "$(<"$T/out")" ok
}

@test "--no-pivot works" {
	process /bin/ls /
	masu_ok run --no-pivot --bundle "$BUNDLE" "$ID"
	matches "$out" 'probe'
	shell 'ls /proc/1/root/ /../../..'
	masu_ok run --no-pivot --bundle "$BUNDLE" "$ID"
	lacks "$out" 'lost\+found|boot'
}

@test "passwd files that cannot be trusted do not hurt" {
	process /probe env
	rm "$BUNDLE/rootfs/etc/passwd"
	mkfifo "$BUNDLE/rootfs/etc/passwd"
	LIMIT=5 run_box
	expect '.env | index("HOME=/")'
	rm "$BUNDLE/rootfs/etc/passwd" && ln -s /etc/shadow "$BUNDLE/rootfs/etc/passwd"
	run_box
	rm "$BUNDLE/rootfs/etc/passwd" && truncate -s 10G "$BUNDLE/rootfs/etc/passwd"
	LIMIT=5 run_box
	rm "$BUNDLE/rootfs/etc/passwd" && printf 'root:x:0:0::/ho\nme:/bin/sh\n' >"$BUNDLE/rootfs/etc/passwd"
	run_box
	expect '[.env[] | select(startswith("HOME="))] | length == 1'
}

@test "an entry point that is a link to /proc/self/exe does not reach masu" {
	sum=$(sha256sum <"$MASU")
	ln -s /proc/self/exe "$BUNDLE/rootfs/entry"
	process /entry --version
	run_masu run --bundle "$BUNDLE" "$ID"
	lacks "$out" "$(basename "$MASU") version"
	equal "$(sha256sum <"$MASU")" "$sum"
}

@test "no file of the host can be opened through a leaked descriptor or cwd while created and running" {
	process /probe sleep 100
	create_box
	pid=$(state_of pid)
	for link in "/proc/$pid/fd/"*; do
		target=$(readlink "$link" || true)
		case $target in
		/dev/null | pipe:* | socket:* | anon_inode:* | /memfd:* | "$T"/out | "$T"/err) ;;
		*) fail "descriptor $link is $target" ;;
		esac
	done
	lacks "$(readlink "/proc/$pid/exe")" "$(basename "$MASU")\$"
	masu_ok start "$ID"
	equal "$(find "/proc/$pid/fd/" -mindepth 1 | wc -l)" 3
}

@test "the bundle may be a symbolic link, config.json may not be a FIFO or a directory" {
	process /bin/echo ok
	ln -s "$BUNDLE" "$T/link"
	masu_ok run --bundle "$T/link" "$ID"
	equal "$out" ok
	mv "$BUNDLE/config.json" "$T/config.json" && mkfifo "$BUNDLE/config.json"
	LIMIT=5 refused 'config.json'
	rm "$BUNDLE/config.json" && mkdir "$BUNDLE/config.json"
	refused 'config.json'
	rmdir "$BUNDLE/config.json"
	refused 'config.json.*no such file'
	truncate -s 1T "$BUNDLE/config.json"
	LIMIT=5 refused 'config.json.*(large|MiB|big|bytes)'
}
