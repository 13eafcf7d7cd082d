# SPDX-License-Identifier: LGPL-2.1-or-later
# masu.network of an ordinary user: pasta, else slirp4netns, on the stage of network.bash.
load lib
load network

USER_ID=12345

# A program that is masu for that user, in the host's namespace, with a device that he may open, as Debian has it.
user_masu() {
	cat >"$T/masu-user" <<-END
		#!/bin/sh
		exec nsenter --net=/proc/$HOST/ns/net -- unshare --mount --propagation private sh -c '
			mknod -m 666 $T/tun c 10 200 2>/dev/null
			mount --bind $T/tun /dev/net/tun
			cd $T
			exec setpriv --reuid $USER_ID --regid $USER_ID --clear-groups env XDG_RUNTIME_DIR=$T/run PATH=\${TOOLS:-\$PATH} \
				$REAL --root $T/run/masu "\$@"' - "\$@"
	END
	chmod +x "$T/masu-user"
}

# user_box JSON COMMAND...
user_box() {
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$T" "$(dirname "$BATS_RUN_TMPDIR")" 2>/dev/null
	mkdir -p "$T/run"
	chown "$USER_ID" "$T/run"
	user_masu
	make_bundle "$T/box"
	BUNDLE=$T/box
	process "${@:2}"
	network "$1"
	# what is bound there: a user cannot make files in root's tree
	mkdir -p "$BUNDLE/rootfs/etc"
	touch "$BUNDLE"/rootfs/etc/{hosts,resolv.conf}
	spec_edit '.linux.namespaces += [{"type": "user"}] | .linux.uidMappings = [{"containerID": 0, "hostID": 12345, "size": 1}]
		| .linux.gidMappings = .linux.uidMappings | del(.linux.resources) | .mounts |= map(select(.type != "cgroup"))'
}

run_user() {
	run_program "$T/masu-user" run --bundle "$T/box" "$ID"
}

programs_left() {
	pgrep -u "$USER_ID" -x 'pasta|slirp4netns|passt.*' || true
}

@test "a user's container reaches the outside through pasta, and answers on a published port" {
	need 'pasta' command -v pasta
	need 'a host with /dev/net/tun' test -c /dev/net/tun
	mkdir "$T/www"
	echo outside >"$T/www/index.html"
	outside busybox httpd -f -p 80 -h "$T/www" 3>&- &
	user_box '{"interfaces": [{}], "publish": [{"hostPort": "8080", "containerPort": "80"}]}' /bin/sh -c \
		"for i in 1 2 3 4 5; do $GET http://192.0.2.2 2>/dev/null && break; done; echo inside >/dev/shm/index.html; /bin/busybox httpd -p 80 -h /dev/shm; sleep 3"
	"$T/masu-user" run --bundle "$T/box" "$ID" >"$T/answer" 2>&1 3>&- &
	try "$OUTSIDE" http://192.0.2.1:8080 inside
	matches "$(cat "$T/answer")" '^outside$'
	wait_for 10 sh -c "test -z \"\$(pgrep -u $USER_ID)\""
	equal "$(programs_left)" '' 'programs that are left'
}

@test "without pasta slirp4netns serves; without both the message says what to install" {
	need 'slirp4netns' command -v slirp4netns
	need 'a host with /dev/net/tun' test -c /dev/net/tun
	mkdir "$T/tools"
	for tool in sh env; do
		ln -s "$(command -v $tool)" "$T/tools/$tool"
	done
	user_box '{"interfaces": [{}]}' /bin/sh -c 'cat /etc/resolv.conf; ip -4 -o addr show eth0'
	TOOLS=$T/tools run_user
	equal "$status" 1
	matches "$err" 'neither is in PATH'
	matches "$err" '^hint: install the package passt'
	ln -s "$(command -v slirp4netns)" "$T/tools/slirp4netns"
	TOOLS=$T/tools run_user
	equal "$status" 0
	matches "$out" '^nameserver 10\.0\.2\.3$'
	matches "$out" 'inet 10\.0\.2\.100/24'
	wait_for 5 sh -c "test -z \"\$(pgrep -u $USER_ID)\""
}

@test "what a user's network cannot do is refused" {
	need 'pasta' command -v pasta
	while IFS='|' read -r text json; do
		user_box "$json" /bin/true
		run_user
		equal "$status" 1
		matches "$err" "$text"
	done <<-'END'
		without privileges there is one interface|{"interfaces": [{"network": "web"}]}
		without privileges there is one interface|{"interfaces": [{}, {}]}
		publish\[0\]: sctp and allowFrom need root|{"interfaces": [{}], "publish": [{"hostPort": "80", "proto": "sctp"}]}
	END
	box one '{"mode": "pasta"}' /bin/true
	masu_fails 'mode: pasta is for ordinary users' run --bundle "$BUNDLE" "$ID-one"
}
