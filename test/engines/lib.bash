# SPDX-License-Identifier: LGPL-2.1-or-later
# What every engine's script loads: a world of its own, an image without a registry, checks that print ok or not ok.
#
# From outside: RUNTIME (the program under test, build/masu), PROBE (build/probe), ONLY (a pattern of check names), KEEP
# (the scratch directory stays). The script runs in new mount, network and process namespaces with an empty /run: when it
# ends, daemons, mounts, bridges and firewall rules end with it. What is left, cgroups and files, is removed from outside.
set -euo pipefail
REPO=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
RUNTIME=$(realpath "${RUNTIME:-$REPO/build/masu}")
PROBE=$(realpath "${PROBE:-$REPO/build/probe}")
NAME=$(basename "$RUNTIME")
ENGINE=$(basename "$0" .sh)
SECONDS_EACH=${SECONDS_EACH:-60}
IMAGE=localhost/busybox:latest
passed=0
failed=0

# ---- the world ----
engine_cgroups() {
	find /sys/fs/cgroup -mindepth 1 -maxdepth 2 -type d \( -name 'libpod_parent*' -o -name docker -o -name buildkit \
		-o -name default -o -name "$ENGINE-test*" \) 2>/dev/null || true
}

remove_cgroups() {
	local before=$1 top

	engine_cgroups | while read -r top; do
		grep -qxF "$top" "$before" || find "$top" -depth -type d -exec rmdir {} + || true
	done
}

# The part outside: one child with namespaces, and what remains of it. One at a time: engines share names of cgroups.
enter_world() {
	local status=0 lock

	for needed in "$@"; do
		command -v "$needed" >/dev/null || { echo "$ENGINE: needs $needed" >&2; exit 2; }
	done
	T=$(mktemp -d "/tmp/masu-$ENGINE.XXXXXX")
	chmod 711 "$T" # a remapped root passes through
	exec {lock}<"$REPO/test/engines"
	flock $lock
	engine_cgroups >"$T/cgroups.before"
	export T RUNTIME PROBE
	ENGINE_WORLD=1 unshare --mount --net --pid --fork --kill-child --mount-proc "$0" {lock}<&- || status=$?
	remove_cgroups "$T/cgroups.before"
	rmdir /var/lib/cni/results /var/lib/cni 2>/dev/null || true # where --cni keeps its results
	[[ -n ${KEEP:-} ]] || rm -rf --one-file-system "$T"
	exit "$status"
}

# The part inside, PID 1 of the world.
furnish_world() {
	mount -t tmpfs -o mode=755 run /run
	mkdir -p /run/lock "$T/subid" "$T/vartmp"
	mount --bind "$T/vartmp" /var/tmp
	ip link set lo up
	# crun refuses a hybrid host: it is compared on what it takes, and what it writes there goes with this mount
	if [[ $NAME == crun && -d /sys/fs/cgroup/unified ]]; then
		mount -t tmpfs hidden /sys/fs/cgroup/unified
	fi
	printf 'containers:200000:1000000\ndockremap:200000:65536\n' >"$T/subid/map"
	mount --bind "$T/subid/map" /etc/subuid
	mount --bind "$T/subid/map" /etc/subgid
	make_image
	unset XDG_RUNTIME_DIR NOTIFY_SOCKET
	cd "$T"
}

world() {
	[[ -n ${ENGINE_WORLD:-} ]] || enter_world "$@"
	unset ENGINE_WORLD
	furnish_world
}

make_image() {
	local root=$T/image applet

	mkdir -p "$root"/{bin,etc,proc,sys,dev,tmp,run,root,home/user}
	chmod 1777 "$root/tmp"
	cp "$(command -v busybox)" "$root/bin/busybox"
	"$root/bin/busybox" --list | while read -r applet; do
		[[ $applet == busybox ]] || ln -s busybox "$root/bin/$applet"
	done
	cp "$PROBE" "$root/bin/probe"
	printf 'root:x:0:0::/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n' >"$root/etc/passwd"
	printf 'root:x:0:\nuser:x:1000:\n' >"$root/etc/group"
	echo text >"$root/etc/not-a-program"
	tar -C "$root" -cf "$T/image.tar" .
}

# ---- checks ----
# check SENTENCE COMMAND...: the command (mostly a function) runs in a subshell that stops at the first failure.
check() {
	local sentence=$1 status

	shift
	[[ $sentence == ${ONLY:-*} ]] || return 0
	set +e
	(set -e; "$@") >"$T/output" 2>&1 </dev/null
	status=$?
	set -e
	if ((status == 0)); then
		passed=$((passed + 1))
		echo "ok $((passed + failed)) - $ENGINE: $sentence"
		return 0
	fi
	failed=$((failed + 1))
	echo "not ok $((passed + failed)) - $ENGINE: $sentence"
	tail -n 15 "$T/output" | cut -c 1-300 | sed 's/^/# /'
}

finish() {
	echo "1..$((passed + failed))"
	echo "$ENGINE with $NAME: $passed passed, $failed failed"
	exit $((failed > 0))
}

# expect TEXT COMMAND...: what the command writes holds the text (a pattern of [[ =~ ]]).
expect() {
	local text=$1 output status=0

	shift
	output=$("$@" 2>&1) || status=$?
	output=${output//$'\r'/}
	[[ $output =~ $text ]] && return 0
	echo "expected '$text' from: $* (status $status)"
	echo "$output"
	return 1
}

# exits STATUS COMMAND...
exits() {
	local wanted=$1 status=0

	shift
	"$@" || status=$?
	((status == wanted)) && return 0
	echo "expected status $wanted, not $status, from: $*"
	return 1
}

# soon COMMAND...: until it succeeds, at most 10 seconds.
soon() {
	local try

	for ((try = 0; try < 100; try++)); do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.1
	done
	"$@"
}

lives() {
	[[ -d /proc/$1 && $(awk '/^State/ { print $2 }' "/proc/$1/status") != Z ]]
}

# has_knob PID VALUE V1-CONTROLLER V1-FILE V2-FILE: what limits the process, in whichever hierarchy the controller is.
has_knob() {
	local pid=$1 wanted=$2 controller=$3 file path

	path=$(awk -F: -v c="$controller" '$2 ~ "(^|,)" c "(,|$)" { print "/" c $3 }' "/proc/$pid/cgroup")
	file=$4
	if [[ -z $path ]]; then
		path=$(awk -F: '$1 == 0 { print $3 }' "/proc/$pid/cgroup")
		file=$5
	fi
	expect "^$wanted" cat "/sys/fs/cgroup$path/$file"
}

# pty STEPS... -- COMMAND...: see terminal.py.
pty() {
	timeout "$SECONDS_EACH" python3 "$REPO/test/engines/terminal.py" "$@"
}

# ---- what a container sees: the same for every engine, which passes the command that runs one ----
seccomp_is_on() {
	expect 'Seccomp:.2' "$@" grep Seccomp: /proc/self/status
	expect '^-1 (1|38)$' "$@" probe syscall 135 0x40000
}

capabilities_are() {
	local mask=$1

	shift
	expect "CapEff:.$mask" "$@" grep CapEff /proc/self/status
	expect "CapBnd:.$mask" "$@" grep CapBnd /proc/self/status
}

# no_state_left DIR...: the runtime's own records are gone once the engine has removed its containers.
no_state_left() {
	expect '^$' find "$@" -mindepth 1 -maxdepth 1 -type d ! -name '.*'
}
