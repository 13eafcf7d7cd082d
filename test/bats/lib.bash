# SPDX-License-Identifier: LGPL-2.1-or-later
# What every bats file loads: bundles, calls of masu, checks, and the proof that a test leaves the host as it found it.
#
# Set from outside: MASU (the program), PROBE, MASU_FAULTS (the build that honours MASU_FAIL_AT and MASU_KILL_AT), PATIENCE (a
# factor of time limits, for hosts that are slow).
REPO=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
MASU=$(realpath "${MASU:-$REPO/build/masu}")
PROBE=$(realpath "${PROBE:-$REPO/build/probe}")
MASU_FAULTS=${MASU_FAULTS:-$REPO/build/faults/masu}
PATIENCE=${PATIENCE:-1}
APPLETS='sh cat ls echo id ip true false sleep stat readlink mount umount touch mkdir rm ps env kill test head wc dd grep'

# ---- a test's own world: $T (scratch), $STATE (--root), $BUNDLE, $ID (unique on this host) ----
setup_file() {
	make_rootfs
}

setup() {
	own_world
}

# A file with a setup() of its own calls this first.
own_world() {
	T=$BATS_TEST_TMPDIR
	STATE=$T/state
	BUNDLE=$T/bundle
	ID=t$BATS_ROOT_PID-$BATS_SUITE_TEST_NUMBER
	UNDER_TEST=$MASU
	host_snapshot >"$T/host.before"
	make_bundle
}

teardown() {
	end_jobs
	all_of release_containers release_groups assert_host_clean assert_no_reports
}

# all_of FUNCTION...: calls each, and fails when one did. bats looks at nothing but the last status of a teardown.
all_of() {
	local function status=0

	for function; do
		"$function" || status=1
	done
	return $status
}

# What a failed test has left running in the background.
end_jobs() {
	local job

	for job in $(jobs -p); do
		pkill -KILL -P "$job" || true
		kill -KILL "$job" 2>/dev/null || true
	done
}

# The root file system is made once a run and hard-linked into each bundle.
make_rootfs() {
	local image=$BATS_RUN_TMPDIR/rootfs applet

	[[ -e $image/probe ]] && return
	mkdir -p "$image"/{bin,etc,proc,sys,dev,tmp,run,mnt,root,var}
	chmod 1777 "$image/tmp"
	cp "$(command -v busybox)" "$image/bin/busybox"
	for applet in $APPLETS; do
		ln -s busybox "$image/bin/$applet"
	done
	printf 'root:x:0:0::/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n' >"$image/etc/passwd"
	printf 'root:x:0:\nuser:x:1000:\n' >"$image/etc/group"
	cp "$PROBE" "$image/probe.new" && mv "$image/probe.new" "$image/probe"
}

# make_bundle [DIR]: a bundle with the default spec, whose process is the probe.
make_bundle() {
	local dir=${1:-$BUNDLE}

	mkdir -p "$dir"
	cp -al "$BATS_RUN_TMPDIR/rootfs" "$dir/rootfs"
	default_spec >"$dir/config.json"
}

# A user who is not root needs a user namespace: root there is the user, the rest comes from the user's ranges.
default_spec() {
	if ((EUID == 0)); then
		cat "$REPO/test/data/config.json"
		return
	fi
	jq --argjson uid "$EUID" --argjson gid "$(id -g)" --argjson uids "$(range_of subuid)" --argjson gids "$(range_of subgid)" '
		def map($first; $rest): [{containerID: 0, hostID: $first, size: 1}, {containerID: 1, hostID: $rest, size: 65535}];
		.linux.namespaces += [{type: "user"}] | .linux.uidMappings = map($uid; $uids) | .linux.gidMappings = map($gid; $gids)' \
		"$REPO/test/data/config.json"
}

# add_user_namespace FIRST-UID FIRST-GID: to the spec, with 65536 ids from there; where it has one already that is enough.
add_user_namespace() {
	((EUID == 0)) || return 0
	spec_edit '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: $uid, size: 65536}] |
		.linux.gidMappings = [{containerID: 0, hostID: $gid, size: 65536}]' --argjson uid "$1" --argjson gid "$2"
}

# host_uid ID, host_gid ID: a container's id (more than 0) in the default spec as the host sees it.
host_uid() {
	((EUID == 0)) && echo "$1" || echo $(($(range_of subuid) + $1 - 1))
}

host_gid() {
	((EUID == 0)) && echo "$1" || echo $(($(range_of subgid) + $1 - 1))
}

# range_of subuid|subgid: the first id of the user's range.
range_of() {
	awk -F : -v name="$(id -un)" -v id="$EUID" '$1 == name || $1 == id { print $2; exit }' "/etc/$1"
}

# spec_edit EXPRESSION [JQ OPTIONS...]: change the bundle's spec.
spec_edit() {
	local expression=$1

	shift
	jq "$expression" "$BUNDLE/config.json" "$@" >"$BUNDLE/config.new"
	mv "$BUNDLE/config.new" "$BUNDLE/config.json"
}

# process COMMAND...: what the container runs.
process() {
	spec_edit '.process.args = $ARGS.positional' --args -- "$@"
}

shell() {
	process /bin/sh -c "$1"
}

# with_user_namespace: root inside is 100000 outside; the root file system can be reached by it.
with_user_namespace() {
	add_user_namespace 100000 200000
	chmod 755 "$T" "$BATS_RUN_TMPDIR" "$BATS_SUITE_TMPDIR" "$BATS_FILE_TMPDIR" "$(dirname "$T")" 2>/dev/null || true
}

# ---- calling masu: $status, $out and $err. Files, not pipes: a detached container may hold them open ----
run_masu() {
	run_program "$UNDER_TEST" --root "$STATE" "$@"
}

run_program() {
	local limit=$((${LIMIT:-30} * PATIENCE))

	status=0
	timeout --kill-after=5 "$limit" "$@" <"${STDIN:-/dev/null}" >"$T/out" 2>"$T/err" 3>&- || status=$?
	((status != 124)) || fail "$* took more than $limit seconds"
	out=$(tr -d '\0' <"$T/out")
	err=$(<"$T/err")
}

masu_ok() {
	run_masu "$@"
	if ((status != 0)); then
		fail "masu $* exited with $status: $err"
	fi
}

# masu_fails TEXT ARGUMENTS...: status 1, one line on standard error (a hint may follow) that matches TEXT.
masu_fails() {
	local text=$1

	shift
	run_masu "$@"
	if ((status != 1)); then
		fail "masu $* exited with $status, want 1; output: $out$err"
	fi
	one_line_error "$text"
}

one_line_error() {
	local lines

	lines=$(grep -cv '^hint: ' <<<"$err") || true
	if ((lines != 1)); then
		fail "want one line of error, have $lines: $err"
	fi
	if ! grep -qiE -- "$1" <<<"$err"; then
		fail "no match for '$1' in: $err"
	fi
}

# run_box: run the bundle in the foreground; its process must succeed.
run_box() {
	masu_ok run --bundle "$BUNDLE" "$ID"
}

# start_box [ID]: a running container in the background.
start_box() {
	masu_ok run --detach --bundle "$BUNDLE" "${1:-$ID}"
}

create_box() {
	masu_ok create --bundle "$BUNDLE" "${1:-$ID}"
}

# refused TEXT: `create` and what it says; nothing may be left.
refused() {
	masu_fails "$1" create --bundle "$BUNDLE" "$ID"
	nothing_left
}

nothing_left() {
	if [[ -d $STATE ]] && [[ -n $(ls -A "$STATE") ]]; then
		fail "left in the state directory: $(ls -A "$STATE")" || return
	fi
	if [[ -n $(leftover_cgroups) ]]; then
		fail "left cgroups: $(leftover_cgroups)"
	fi
}

state_of() {
	"$UNDER_TEST" --root "$STATE" state "${2:-$ID}" | jq -r ".$1"
}

# wait_for SECONDS COMMAND...: until it succeeds.
wait_for() {
	local end=$((SECONDS + $1 * PATIENCE + 1))

	shift
	until "$@" >/dev/null; do
		if ((SECONDS >= end)); then
			fail "waited in vain for: $*"
		fi
		sleep 0.02
	done
}

has_status() {
	[[ $(state_of status "${2:-$ID}") == "$1" ]]
}

is_gone() {
	[[ ! -e /proc/$1 ]] || grep -q '^State:.*zombie' "/proc/$1/status" 2>/dev/null
}

# ---- checks ----
fail() {
	printf '%s\n' "$*" >&2
	return 1
}

# equal HAVE WANT [WHAT]
equal() {
	[[ $1 == "$2" ]] || fail "${3:-value} is '$1', want '$2'"
}

matches() {
	grep -qE -- "$2" <<<"$1" || fail "no match for '$2' in: $1"
}

lacks() {
	! grep -qE -- "$2" <<<"$1" || fail "'$2' found in: $1"
}

# expect EXPRESSION...: each jq expression holds for the JSON in $out.
expect() {
	local wrong index program=''

	for index in "$@"; do
		program+="($index),"
	done
	wrong=$(jq -r "[${program%,}] | to_entries[] | select(.value | not) | .key" <<<"$out") ||
		fail "not JSON: $out"
	for index in $wrong; do
		fail "does not hold: ${*:index + 1:1} in: $out"
	done
}

# mount_line DESTINATION: the mountinfo line (from the probe's report in $out), the topmost if there are several.
mount_line() {
	jq -r --arg at "$1" '[.mounts[] | select((split(" ")[4]) == $at)] | last // ""' <<<"$out"
}

# need REASON COMMAND...: skip when the command fails. Which lane may skip for which reason is in test/data/may-skip.
need() {
	local reason=$1

	shift
	"$@" >/dev/null 2>&1 || skip "$reason"
}

# need_root WHAT: skip unless the user is root; WHAT only root may do.
need_root() {
	need "root only: $1" test "$EUID" = 0
}

# ---- the host: before and after ----
# cgroup_dir CONTROLLER [PID]: the directory of a process (the container's first) in the hierarchy that has it.
cgroup_dir() {
	local pid=${2:-$(state_of pid)} path mount

	path=$(awk -F: -v c="$1" '{ n = split($2, list, ","); for (i = 1; i <= n; i++) if (list[i] == c) print $3 }' \
		"/proc/$pid/cgroup")
	if [[ -n $path ]]; then
		mount=$(awk -v c="$1" '$3 == "cgroup" && ("," $4 ",") ~ ("," c ",") { print $2; exit }' /proc/mounts)
	else
		path=$(sed -n 's/^0:://p' "/proc/$pid/cgroup")
		mount=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
	fi
	echo "$mount$path"
}

# has_v1 CONTROLLER
has_v1() {
	awk -v c="$1" '$3 == "cgroup" && ("," $4 ",") ~ ("," c ",") { found = 1 } END { exit !found }' /proc/mounts
}

# has_v2 CONTROLLER
has_v2() {
	grep -qw "$1" "$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)/cgroup.controllers"
}

leftover_cgroups() {
	find /sys/fs/cgroup -type d -path "*$ID*" 2>/dev/null
}

# Processes that still see this test's directory: by a mount (the root file system) or by their arguments (--root).
leftover_processes() {
	local pid

	for pid in $(grep -ls -- "$T/" /proc/[0-9]*/mountinfo /proc/[0-9]*/cmdline 2>/dev/null | cut -d/ -f3 | sort -u); do
		if ! is_gone "$pid" && [[ $pid != "$$" && $pid != "$BASHPID" ]]; then
			echo "$pid $(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null)"
		fi
	done
}

host_snapshot() {
	echo 'mounts:' && sort /proc/self/mountinfo
	echo 'links:' && ls /sys/class/net
	echo 'shared memory:' && ls -A /dev/shm
	echo 'named namespaces:' && ls -A /run/netns 2>/dev/null || true
	echo 'umask and limits:' && umask && ulimit -n
}

release_containers() {
	local dir

	for dir in "$STATE"/*/; do
		if [[ -d $dir ]]; then
			"$MASU" --root "$STATE" delete --force "$(basename "$dir")" 3>&- ||
				fail "delete --force $(basename "$dir") failed" || return
		fi
	done
}

release_groups() {
	local group

	[[ -d $STATE/.groups ]] || return 0
	for group in $("$MASU" --root "$STATE" group list /); do
		"$MASU" --root "$STATE" group destroy --force "$group" || fail "group destroy --force $group failed" || return
	done
}

# What differs from before; nothing when the host is as it was.
host_changes() {
	leftover_processes | sed 's/^/process /'
	leftover_cgroups | sed 's/^/cgroup /'
	host_snapshot | diff "$T/host.before" - || true
}

# The kernel ends processes, network namespaces and their links a moment after the call that caused it.
assert_host_clean() {
	local changes try

	for try in {1..40}; do
		changes=$(host_changes)
		[[ -n $changes ]] || break
		sleep 0.05
	done
	equal "$changes" '' 'what is left on the host' && nothing_left
}

# A report of a sanitizer fails the test in which it came, whatever the program's status was.
assert_no_reports() {
	local report

	for report in "${SANITIZER_REPORTS:-/nonexistent}".*; do
		if [[ -e $report ]]; then
			mv "$report" "$T/"
			fail "$(cat "$T/${report##*/}")" || return
		fi
	done
}
