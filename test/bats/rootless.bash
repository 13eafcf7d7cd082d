# SPDX-License-Identifier: LGPL-2.1-or-later
# A user without privileges of any kind: that of the guest, or uid 12345, known to /etc/passwd in a mount namespace only. There he has a range of ids.
#
# $U is his directory (bin with masu, run, home, bundle), $STATE below his XDG_RUNTIME_DIR.
NOBODY=$(id -u user 2>/dev/null || echo 12345)

setup() {
	T=$BATS_TEST_TMPDIR
	ID=t$BATS_ROOT_PID-$BATS_SUITE_TEST_NUMBER
	U=$(mktemp -d /tmp/masu-user.XXXXXX)
	BUNDLE=$U/bundle
	STATE=$U/run/masu
	host_snapshot >"$T/host.before"
	chmod 755 "$U"
	mkdir "$U"/{bin,etc,run,home,bundle}
	cp -r "$(dirname "$MASU")/plugins" "$MASU" "$U/bin"
	[[ ! -e $MASU-full ]] || cp "$MASU-full" "$U/bin"
	UNDER_TEST=$U/bin/$(basename "$MASU")
	cp -r "$BATS_RUN_TMPDIR/rootfs" "$BUNDLE/rootfs"
	{ cat /etc/passwd && echo "box:x:$NOBODY:$NOBODY::$U/home:/bin/sh"; } >"$U/etc/passwd"
	echo "$NOBODY:200000:65536" | tee "$U/etc/subuid" >"$U/etc/subgid"
	chown -R "$NOBODY:$NOBODY" "$U"/{run,home,bundle}
	make_wrapper >"$U/bin/as"
	chmod 755 "$U/bin/as"
	"$U/bin/as" "$UNDER_TEST" spec --rootless --bundle "$BUNDLE"
	spec_edit '.process.terminal = false | .hostname = "box"'
}

teardown() {
	end_jobs
	all_of release_users assert_host_clean assert_no_reports forget_user
}

release_users() {
	local dir

	for dir in "$STATE"/*/; do
		[[ ! -d $dir ]] || "$U/bin/as" "$UNDER_TEST" delete --force "$(basename "$dir")" 3>&- ||
			fail "delete --force failed" || return
	done
}

forget_user() {
	rm -rf "$U"
}

# as COMMAND...: as the user. BEFORE is a command that root runs first, in the same mount namespace; USER_ENV has more variables.
make_wrapper() {
	cat <<-SCRIPT
		#!/bin/bash
		# what is mounted here goes with the command
		[[ \${1-} == --inside ]] || exec unshare --mount "\$0" --inside "\$@"
		set -eu
		shift
		for file in passwd subuid subgid; do
			mount --bind "$U/etc/\$file" "/etc/\$file"
		done
		eval "\${BEFORE:-}"
		cd "$U/home"
		# shellcheck disable=SC2086
		exec setpriv --reuid $NOBODY --regid $NOBODY --clear-groups --inh-caps=-all \\
			env -i PATH="\$PATH" HOME="$U/home" XDG_RUNTIME_DIR="$U/run" \${USER_ENV:-} "\$@"
	SCRIPT
}

# run_masu of lib.bash, as the user, whose state directory is found without --root.
run_masu() {
	run_program "$U/bin/as" "$UNDER_TEST" "$@"
}

state_of() {
	"$U/bin/as" "$UNDER_TEST" state "${2:-$ID}" | jq -r ".$1"
}

# Both ranges of ids: his own as root, the others from 1 on.
map_range() {
	spec_edit '.linux.uidMappings = [{"containerID": 0, "hostID": '$NOBODY', "size": 1},
		{"containerID": 1, "hostID": 200000, "size": 65536}] | .linux.gidMappings = .linux.uidMappings'
}
