# SPDX-License-Identifier: LGPL-2.1-or-later
# libmasu as others use it: installed, found with pkg-config, with masu.h for all its knowledge.
load lib

# The tree is installed once; `make embed` (part of `make check`) has built it, so this only copies.
setup_file() {
	make_rootfs
	command -v cc >/dev/null || return 0
	# what the makefile hands to its recipes is not meant for one below
	env -u MAKEFLAGS -u MAKELEVEL make -s -C "$REPO" VARIANT=embed prefix=/usr DESTDIR="$BATS_FILE_TMPDIR/root" install
	export PKG_CONFIG_LIBDIR=$BATS_FILE_TMPDIR/root/usr/lib/pkgconfig
	export PKG_CONFIG_SYSROOT_DIR=$BATS_FILE_TMPDIR/root
	compile shared "$(pkg-config --libs masu)"
	# the shared library beside it must not be taken
	mkdir "$BATS_FILE_TMPDIR/only-static"
	cp "$BATS_FILE_TMPDIR/root/usr/lib/libmasu.a" "$BATS_FILE_TMPDIR/only-static"
	compile archive "-L$BATS_FILE_TMPDIR/only-static $(pkg-config --static --libs masu)"
}

setup() {
	own_world
	need 'a compiler' command -v cc
}

# compile NAME LIBRARIES
compile() {
	# shellcheck disable=SC2046,SC2086
	cc -std=c11 -D_GNU_SOURCE -O1 -g -Wall -Wextra -Werror -iquote "$REPO" -pthread $(pkg-config --cflags masu) \
		-o "$BATS_FILE_TMPDIR/$1" "$REPO"/test/embed/*.c $2
}

# The specs that the cases ask for, all of one bundle.
make_specs() {
	process /bin/sh -c 'trap "exit 7" TERM; echo >/dev/shm/ready; while :; do sleep 0.02; done'
	jq '.process.args = ["/bin/sh", "-c", "exit 5"]' "$BUNDLE/config.json" >"$BUNDLE/short.json"
	jq '.process.cwd = 5' "$BUNDLE/config.json" >"$BUNDLE/wrong.json"
	jq '.process.args = ["/bin/absent"]' "$BUNDLE/config.json" >"$BUNDLE/absent.json"
	jq '.hooks.createRuntime = [{ path: "/bin/false" }]' "$BUNDLE/config.json" >"$BUNDLE/hook.json"
	jq '.hostnme = "x"' "$BUNDLE/short.json" >"$BUNDLE/misspelt.json"
}

# embed PROGRAM CASE: it passes and prints nothing.
embed() {
	make_specs
	LD_LIBRARY_PATH=$BATS_FILE_TMPDIR/root/usr/lib run_program "$BATS_FILE_TMPDIR/$1" "$2" "$STATE" "$BUNDLE" "$ID"
	equal "$out$err" '' "what it printed"
	equal "$status" 0
	nothing_left
}

# Names that a file of libmasu offers to those who link it.
offered() {
	nm --defined-only "$@" | awk '$2 ~ /^[A-TV-Z]$/ && $2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort
}

promised() {
	sed -n 's/^\t\(masu_.*\);$/\1/p' "$REPO/runtime/libmasu.map" | sort
}

@test "both libraries offer the functions of masu.h and no other name" {
	equal "$(offered -D "$BATS_FILE_TMPDIR/root/usr/lib/libmasu.so")" "$(promised)"
	equal "$(offered "$BATS_FILE_TMPDIR/root/usr/lib/libmasu.a")" "$(promised)"
}

@test "the shared library needs the C library only, and is found by its soname" {
	needed=$(readelf -d "$BATS_FILE_TMPDIR/root/usr/lib/libmasu.so" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' | grep -v '^ld-linux')
	equal "$needed" libc.so.6
	readelf -d "$BATS_FILE_TMPDIR/shared" | grep -q 'NEEDED.*\[libmasu.so.0\]'
	! readelf -d "$BATS_FILE_TMPDIR/archive" | grep libmasu
}

@test "pkg-config tells what is needed and no more" {
	equal "$(pkg-config --modversion masu)" "$("$BATS_FILE_TMPDIR/root/usr/bin/masu" --version | sed -n '1s/.* //p')"
	lacks "$(pkg-config --libs masu)" yajl
	matches "$(pkg-config --static --libs masu)" yajl
	matches "$(PKG_CONFIG_SYSROOT_DIR='' pkg-config --variable=prefix masu)" '^/usr$'
}

@test "what is installed names the place it is installed to, not the one before" {
	lacks "$(cat "$PKG_CONFIG_LIBDIR/masu.pc")" /usr/local
	strings -a "$BATS_FILE_TMPDIR/root/usr/lib/libmasu.so" >"$T/strings"
	grep -qx /usr/lib/masu/plugins "$T/strings"
	equal "$(grep -F -e /usr/local/lib -e "$REPO" "$T/strings")" ''
}

@test "masu.h is correct C99, C11 and C++ by itself" {
	# shellcheck disable=SC2046
	for language in 'cc -x c -std=c99' 'cc -x c -std=c11' 'c++ -x c++ -std=c++11' 'clang -x c -std=c11 -Weverything -Wno-padded -Wno-unused-macros'; do
		$language -pedantic-errors -Wall -Wextra -Werror -Wno-pragma-once-outside-header -fsyntax-only \
			$(pkg-config --cflags masu) "$BATS_FILE_TMPDIR/root/usr/include/masu.h" || fail "$language"
	done
}

@test "an installed masu runs a container, and finds masu-full" {
	UNDER_TEST=$BATS_FILE_TMPDIR/root/usr/bin/masu
	process /probe exit 6
	run_masu run --bundle "$BUNDLE" "$ID"
	equal "$status" 6
	[[ -x $BATS_FILE_TMPDIR/root/usr/bin/../lib/masu/masu-full ]]
}

@test "create, start, exec, pause, update, kill, wait and delete" {
	embed shared life
	embed archive life
}

@test "the status of a process that ended earlier is not lost, and no zombie stays" {
	embed shared ended
}

@test "run waits, detaches, keeps and goes to the foreground" {
	embed shared run
	embed archive run
}

@test "streams are those that were given, and nobody else holds them" {
	embed shared streams
}

@test "each failure has its code, leaves nothing and writes no output" {
	embed shared errors
}

@test "the reason need not be wanted" {
	embed shared null-error
}

@test "programs compiled with an older and a newer header work" {
	embed shared options
	embed archive options
}

@test "log lines go to the callback, or nowhere" {
	embed shared log
}

@test "the caller's own children are left alone" {
	embed shared own-child
}

@test "threads make, use and remove containers of their own at the same time" {
	embed shared threads
	embed archive threads
}

@test "threads share one container" {
	embed shared shared
}

@test "of two threads with one id one wins each step, and the other is told" {
	embed shared fight
	embed archive fight
}
