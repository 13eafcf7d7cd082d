# SPDX-License-Identifier: LGPL-2.1-or-later
# What the rows of the conformance suite use, beside test/bats/lib.bash. The runtime is OCI_RUNTIME and does nothing but the operations of
# the specification (and `run`, which is create, start and delete).
MASU=${OCI_RUNTIME:-}
. "$BATS_TEST_DIRNAME/../../test/bats/lib.bash"
LIMIT=10
export T BUNDLE ID DISK holder # for env.T and so on in a row's jq

# The base of every row says 1.0.2, so that runtimes of older versions are asked for what a row is about and not for its version.
default_spec() {
	jq '.ociVersion = "1.0.2"' "$REPO/test/data/config.json"
}

# What a row has left is taken away; only masu is judged by it, in rows that are about something else.
teardown() {
	end_jobs
	delete_links
	if [[ $(basename "$MASU") == masu ]]; then
		release_containers && assert_host_clean && assert_no_reports
		return
	fi
	release_containers 2>/dev/null || true
	clean_up
}

clean_up() {
	local pid try

	for pid in $(leftover_processes | cut -d ' ' -f 1); do
		kill -KILL "$pid" 2>/dev/null || true
	done
	for try in {1..20}; do
		leftover_cgroups | sort -r | while read -r dir; do
			rmdir "$dir" 2>/dev/null || true
		done
		[[ -n $(leftover_cgroups) ]] || break
		sleep 0.05
	done
	awk -v at="$T/" 'index($5, at) == 1 { print $5 }' /proc/self/mountinfo | sort -r | while read -r dir; do
		umount -l "$dir" || true
	done
}

# ---- expected results ----
# refused: `create` is an error, and no container has come to be.
refused() {
	fails create --bundle "$BUNDLE" "$ID"
	fails state "$ID"
}

# accepted: `create` takes the spec.
accepted() {
	create_box
	equal "$(state_of status)" created
}

# fails OPERATION...: it is an error.
fails() {
	run_masu "$@"
	((status != 0)) || fail "$* was no error"
}

# reports EXPRESSION...: the probe runs as the container's process; what it tells from inside fulfils each jq expression.
reports() {
	run_box
	expect "$@"
}

# prints TEXT COMMAND...: what the command writes inside is this line.
prints() {
	local text=$1

	shift
	process "$@"
	run_box
	equal "$out" "$text"
}

# shows TEXT COMMAND: what the shell's command writes inside, errors too, matches.
shows() {
	shell "exec 2>&1; $2"
	run_box
	matches "$out" "$1"
}

# on_terminal: the probe runs on a terminal that the console socket gives away; what it tells is in $out.
on_terminal() {
	local console

	python3 "$REPO/test/data/console.py" "$T/console.sock" "$T/tty" 3>&- &
	console=$!
	wait_for 5 test -S "$T/console.sock"
	masu_ok create --console-socket "$T/console.sock" --bundle "$BUNDLE" "$ID"
	masu_ok start "$ID"
	wait_for 5 has_status stopped
	wait $console
	out=$(tr -d '\r' <"$T/tty")
}

# What /proc/self/mountinfo shows of a mount option: of the mount itself, its propagation, or its file system. - is what is not shown
# (the last option of two that contradict each other is given to the kernel).
OPTION_SHOWS='
async         file-system -sync
atime         mount       -noatime
bind          bind        content
defaults      mount       rw
dev           mount       -nodev
diratime      mount       -nodiratime
dirsync       file-system dirsync
exec          mount       -noexec
iversion      file-system -nothing
lazytime      file-system lazytime
loud          file-system -nothing
noatime       mount       noatime
nodev         mount       nodev
nodiratime    mount       nodiratime
noexec        mount       noexec
noiversion    file-system -nothing
nolazytime    file-system -lazytime
norelatime    mount       -noatime
nostrictatime mount       -noatime
nosuid        mount       nosuid
private       propagation -.
rbind         bind        submount
relatime      mount       relatime
remount       remount     ro
ro            mount       ro
rprivate      propagation -.
rshared       propagation shared:
rslave        propagation -shared:
runbindable   propagation unbindable
rw            mount       rw
shared        propagation shared:
silent        file-system -nothing
slave         propagation -shared:
strictatime   mount       -relatime
suid          mount       -nosuid
sync          file-system sync
unbindable    propagation unbindable
'

# option_works OPTION
option_works() {
	local place shown line

	read -r place shown < <(awk -v option="$1" '$1 == option { print $2, $3 }' <<<"$OPTION_SHOWS")
	case $place in
	bind) bind_works "$1" "$shown" && return ;;
	remount)
		spec_edit '.mounts += [{"destination": "/mnt", "type": "tmpfs", "source": "t"},
			{"destination": "/mnt", "type": "tmpfs", "source": "t", "options": ["remount", "ro"]}]'
		;;
	*) spec_edit '.mounts += [{"destination": "/mnt", "type": "tmpfs", "source": "t", "options": [$option]}]' --arg option "$1" ;;
	esac
	run_box
	line=$(mount_line /mnt)
	[[ -n $line ]] || fail 'no mount'
	case $place in
	mount | remount) line=$(cut -d ' ' -f 6 <<<"$line") ;;
	propagation) line=$(sed 's/ - .*//' <<<"$line" | cut -d ' ' -f 7-) ;;
	file-system) line=${line##* } ;;
	esac
	if [[ $shown == -* ]]; then
		lacks "$line" "(^|,)${shown#-}"
	else
		matches "$line" "(^|[, ])$shown"
	fi
}

# bind_works OPTION content|submount
bind_works() {
	mkdir -p "$T/source/sub"
	mount -t tmpfs sub "$T/source/sub"
	touch "$T/source/content" "$T/source/sub/submount"
	spec_edit '.mounts += [{"destination": "/mnt", "source": $source, "options": [$option]}]' --arg source "$T/source" --arg option "$1"
	process /bin/sh -c 'cd /mnt && echo content sub/*'
	run_box
	umount "$T/source/sub"
	case $2 in
	content) equal "$out" 'content sub/*' ;;
	submount) equal "$out" 'content sub/submount' ;;
	esac
}

# ---- the life of a container ----
# created: a container whose process goes on until it is killed.
created() {
	process /probe sleep 100
	create_box
}

running() {
	created
	masu_ok start "$ID"
}

stopped() {
	process /probe exit 0
	create_box
	masu_ok start "$ID"
	wait_for 5 has_status stopped
}

# noted TEXT: what hooks and programs wrote to the file mark of the root file system.
noted() {
	equal "$(cat "$BUNDLE/rootfs/mark" 2>/dev/null | tr '\n' ' ' | sed 's/ $//')" "$1" 'what ran'
}

# ---- hooks ----
# hook KIND COMMAND [FIELDS]: `sh -c COMMAND`, whose $mark is a file that the container has as /mark.
hook() {
	local mark=$BUNDLE/rootfs/mark

	[[ $1 != startContainer ]] || mark=/mark
	spec_edit '.hooks[$kind] += [{"path": "/bin/sh", "args": ["sh", "-c", $command], "env": ["PATH=/bin", "mark=" + $mark]} + $fields]' \
		--arg kind "$1" --arg command "$2" --arg mark "$mark" --argjson fields "${3:-{\}}"
}

# hook_fails KIND: a hook of this kind that fails, and a poststop hook that notes that it was called.
hook_fails() {
	hook "$1" 'exit 1'
	hook poststop 'echo poststop >>$mark'
}

# life: through create, start, the end of the process, and delete.
life() {
	create_box
	masu_ok start "$ID"
	wait_for 5 has_status stopped
	masu_ok delete "$ID"
}

# ---- namespaces ----
# namespace TYPE [PATH]: in the spec's list, once.
namespace() {
	spec_edit '.linux.namespaces |= map(select(.type != $type)) + [{"type": $type} + if $path == "" then {} else {"path": $path} end]' \
		--arg type "$1" --arg path "${2:-}"
}

# ---- what the process has, seen from the host ----
# knob CONTROLLER V1-FILE [V2-FILE]: a limit of the container, which is running or created.
knob() {
	local dir

	dir=$(cgroup_dir "$1")
	if has_v1 "$1"; then
		cat "$dir/$2"
	else
		cat "$dir/${3:-$2}"
	fi
}

# limited CONTROLLER V1-FILE V1-VALUE [V2-FILE V2-VALUE]
limited() {
	created
	if has_v1 "$1"; then
		equal "$(knob "$1" "$2")" "$3" "$2"
	else
		equal "$(knob "$1" "$2" "$4")" "$5" "$4"
	fi
}

has_controller() {
	has_v1 "$1" || has_v2 "$1"
}

# has_file NAME...: some cgroup has a file of one of these names.
has_file() {
	local name

	for name; do
		! find /sys/fs/cgroup -maxdepth 4 -name "$name" | grep -q . || return 0
	done
	return 1
}

# throttles: a disk is there, in $DISK as MAJOR:MINOR.
throttles() {
	DISK=$(cat /sys/block/[!lrz]*/dev | head -1)
	[[ -n $DISK ]] && has_v1 blkio
}

has_unified() {
	[[ -n $(unified_mount) && -n $(cat "$(unified_mount)/cgroup.controllers") ]]
}

unified_mount() {
	awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts
}

# unified_dir: the container's cgroup in version 2.
unified_dir() {
	echo "$(unified_mount)$(sed -n 's/^0:://p' "/proc/$(state_of pid)/cgroup")"
}

# ---- seccomp ----
# seccomp_acts ACTION: what a process sees that calls getcpu.
seccomp_acts() {
	process /probe syscall 309
	run_masu run --bundle "$BUNDLE" "$ID"
	case $1 in
	ERRNO) equal "$status $out" '0 -1 1' ;;
	TRACE) equal "$status $out" '0 -1 38' ;;
	ALLOW | LOG) equal "$status $out" '0 0 0' ;;
	*) equal "$status" $((128 + 31)) 'status of a process that SIGSYS ended' ;;
	esac
}

# listens: a container whose getcpu asks an agent; what the agent has seen is in $out.
listens() {
	local agent

	spec_edit '.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": $path, "listenerMetadata": "some data",
		"syscalls": [{"names": ["getcpu"], "action": "SCMP_ACT_NOTIFY"}]}' --arg path "$T/agent.sock"
	python3 "$REPO/test/oci/agent.py" "$T/agent.sock" >"$T/agent" 3>&- &
	agent=$!
	wait_for 5 test -S "$T/agent.sock"
	prints '-1 55' /probe syscall 309
	wait $agent
	out=$(<"$T/agent")
}

# ns_of TYPE [PID]: the namespace of the container's process, or of PID.
ns_of() {
	readlink "/proc/${2:-$(state_of pid)}/ns/$1"
}

# holder OPTION...: a process with namespaces of its own, made by unshare(1), in $holder.
holder() {
	unshare --fork --kill-child "$@" sh -c 'echo $$ >'"$T/holder"'; exec sleep 100' 3>&- &
	wait_for 5 test -s "$T/holder"
	holder=$(pgrep -P $!)
}

# link NAME: a network device of the test's, one end of a pair.
link() {
	ip link add "$1" type veth peer name "$1-peer"
	echo "$1-peer" >>"$T/links"
}

delete_links() {
	local name

	while read -r name; do
		ip link delete "$name" 2>/dev/null || true
	done < <(cat "$T/links" 2>/dev/null)
}

# ---- features ----
has_features() {
	"$MASU" features
}

# features EXPRESSION...: what holds for the document.
features() {
	run_program "$MASU" features
	expect "$@"
}

feature_list() {
	"$MASU" features | jq -r "$1 // [] | .[]"
}

# recognizes LIST EXPRESSION: `create` takes the spec with the expression, for each $word of the list.
recognizes() {
	local word refused=''

	cp "$BUNDLE/config.json" "$T/base.json"
	for word in $(feature_list "$1"); do
		cp "$T/base.json" "$BUNDLE/config.json"
		spec_edit "$2" --arg word "$word"
		run_masu create --bundle "$BUNDLE" "$ID"
		((status == 0)) || refused+="$word: $err"$'\n'
		run_masu delete --force "$ID"
	done
	equal "$refused" '' 'refused'
}
