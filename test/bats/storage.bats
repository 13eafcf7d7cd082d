# SPDX-License-Identifier: LGPL-2.1-or-later
# Images and copy-on-write roots as a user meets them: import, run, diff, commit, export, snapshots, and nothing left behind.
load lib

setup() {
	T=$BATS_TEST_TMPDIR
	STATE=$T/state
	STORE=$T/store
	BUNDLE=$T/bundle
	ID=t$BATS_ROOT_PID-$BATS_SUITE_TEST_NUMBER
	UNDER_TEST=$MASU
	need_root 'images'
	mkdir "$BUNDLE"
	host_snapshot >"$T/host.before"
	make_tar
}

teardown() {
	end_jobs
	all_of release_containers assert_store_clean assert_host_clean assert_no_reports
}

run_masu() {
	run_program "$UNDER_TEST" --root "$STATE" --storage-root "$STORE" "$@"
}

# The root file system of lib.bash as a tar, made once a run.
make_tar() {
	TAR=$BATS_RUN_TMPDIR/rootfs.tar
	if [[ ! -e $TAR ]]; then
		tar -C "$BATS_RUN_TMPDIR/rootfs" --owner=0 --group=0 --numeric-owner -cf "$TAR.new" .
		mv "$TAR.new" "$TAR"
	fi
}

# A store without containers has no roots, and nothing in it is damaged.
assert_store_clean() {
	UNDER_TEST=$MASU
	[[ -e $STORE/store.json ]] || return 0
	masu_ok storage info --json && expect '.roots == 0' '.snapshots == 0' &&
		masu_ok storage check && equal "$out" '' 'what the check found' &&
		equal "$(ls -A "$STORE/intents")" '' 'intents'
}

import() {
	masu_ok image import "$TAR" "${1:-box}"
}

# short_spec [EXPRESSION]: a spec of a few lines on the image "box".
short_spec() {
	jq -n '{masu: {preset: "default", storage: {image: "box"}}}' | jq "${1:-.}" >"$BUNDLE/config.json"
}

digest_of() {
	sha256sum "$1" | cut -d' ' -f1
}

# add_blob LAYOUT FILE: copy it in and print its descriptor without the media type.
add_blob() {
	local hex

	hex=$(digest_of "$2")
	cp "$2" "$1/blobs/sha256/$hex"
	jq -nc --arg d "sha256:$hex" --argjson s "$(stat -c %s "$2")" '{digest: $d, size: $s}'
}

# make_config CONFIG LAYER.tar...: an image config with these layers.
make_config() {
	local config=$1 layer

	shift
	for layer; do
		echo "sha256:$(digest_of "$layer")"
	done | jq -Rnc --argjson c "$config" \
		'{architecture: "amd64", os: "linux", config: $c, rootfs: {type: "layers", diff_ids: [inputs]}}'
}

# make_layout DIR CONFIG LAYER.tar...: an OCI layout whose layers are compressed with gzip.
make_layout() {
	local dir=$1 config=$2 layer layers=''

	shift 2
	mkdir -p "$dir/blobs/sha256"
	make_config "$config" "$@" >"$T/config.blob"
	for layer; do
		gzip -nc "$layer" >"$T/layer.gz"
		layers+=$(add_blob "$dir" "$T/layer.gz" | jq -c '. + {mediaType: "application/vnd.oci.image.layer.v1.tar+gzip"}')
	done
	jq -sc --argjson c "$(add_blob "$dir" "$T/config.blob")" '{schemaVersion: 2, layers: .,
		config: ($c + {mediaType: "application/vnd.oci.image.config.v1+json"})}' <<<"$layers" >"$T/manifest.blob"
	add_blob "$dir" "$T/manifest.blob" | jq -c '{schemaVersion: 2, manifests: [. + {
		mediaType: "application/vnd.oci.image.manifest.v1+json",
		annotations: {"org.opencontainers.image.ref.name": "v1"}}]}' >"$dir/index.json"
	echo '{"imageLayoutVersion": "1.0.0"}' >"$dir/oci-layout"
}

# make_docker FILE CONFIG LAYER.tar...: what `docker save` writes.
make_docker() {
	local file=$1 config=$2 dir=$T/docker layer hex

	shift 2
	mkdir -p "$dir"
	make_config "$config" "$@" >"$T/config.blob"
	config=$(digest_of "$T/config.blob").json
	cp "$T/config.blob" "$dir/$config"
	for layer; do
		hex=$(digest_of "$layer")
		mkdir -p "$dir/$hex"
		cp "$layer" "$dir/$hex/layer.tar"
		echo "$hex/layer.tar"
	done | jq -Rn --arg c "$config" '[{Config: $c, RepoTags: ["box:v1"], Layers: [inputs]}]' >"$T/manifest"
	mv "$T/manifest" "$dir/manifest.json"
	tar -C "$dir" -cf "$file" .
}

# A second layer: a new file, one replaced, one removed.
make_second_layer() {
	mkdir -p "$T/second/etc" "$T/second/bin"
	echo second >"$T/second/etc/second"
	echo replaced >"$T/second/etc/group"
	: >"$T/second/bin/.wh.wc"
	tar -C "$T/second" --owner=0 --group=0 -cf "$T/second.tar" .
}

# ---- import ----
# bats test_tags=guest
@test "the tar of a root file system becomes an image, and a spec of a few lines runs from it" {
	import
	matches "$out" '^sha256:[0-9a-f]{64}$'
	masu_ok image ls --json
	expect 'length == 1' '.[0].name == "box:latest"' '.[0].layers | length == 1' '.[0].size > 100000' \
		'.[0].digest | startswith("sha256:")' '.[0].created | fromdateiso8601 > 0'
	masu_ok image ls
	matches "$out" '^box:latest +[0-9a-f]{12} +[0-9.]+ [KM]iB +1 '
	short_spec '.process.args = ["/bin/sh", "-c", "echo hello; cat /etc/passwd; id -u"]'
	run_box
	matches "$out" '^hello'
	matches "$out" '^user:x:1000'
	matches "$out" '^0$'
}

@test "without a store: no images, a clear error of run, and nothing is made" {
	masu_ok image ls --json
	equal "$out" '[]'
	short_spec '.process.args = ["/bin/true"]'
	masu_fails 'open store .*there is none' run --bundle "$BUNDLE" "$ID"
	matches "$err" 'hint: masu image import FILE box'
	[[ ! -e $STORE ]] || fail "made: $STORE"
}

@test "tars compressed with gzip, xz and zstd, and one from a pipe, give the same layer" {
	import
	masu_ok image ls --json
	want=$(jq -c '.[0].layers' <<<"$out")
	for tool in gzip xz zstd; do
		"$tool" -c "$TAR" >"$T/packed"
		masu_ok image import "$T/packed" "$tool"
	done
	run_program bash -c "cat '$TAR' | '$MASU' --storage-root '$STORE' image import - piped"
	equal "$status" 0 "import from a pipe: $err"
	masu_ok image ls --json
	expect 'length == 5' "all(.layers == $want)"
	masu_ok storage info --json
	expect '.layers == 1'
}

@test "an OCI layout, as a directory and as a tar: layers in order, whiteouts, the config" {
	make_second_layer
	make_layout "$T/oci" '{"Entrypoint": ["/bin/sh"], "Cmd": ["-c", "pwd; cat /etc/second; cat /etc/group; ls /bin/wc; echo $COLOUR"],
		"Env": ["COLOUR=green", "PATH=/bin"], "WorkingDir": "/tmp", "Labels": {"a": "b"}}' "$TAR" "$T/second.tar"
	masu_ok image import "$T/oci" box:v1
	tar -C "$T/oci" -cf "$T/oci.tar" .
	masu_ok image import "$T/oci.tar" other
	masu_ok image ls --json
	expect 'length == 2' '.[0].digest == .[1].digest' '.[0].layers | length == 2'
	masu_ok image inspect box:v1
	expect '.config.Env == ["COLOUR=green", "PATH=/bin"]' '.config.WorkingDir == "/tmp"' '.config.Labels == {a: "b"}'
	short_spec '.masu.storage.image = "box:v1"'
	run_masu run --bundle "$BUNDLE" "$ID"
	matches "$out" '^/tmp$'
	matches "$out" '^second$'
	matches "$out" '^replaced$'
	matches "$out" '^green$'
	matches "$err" 'ls: /bin/wc: No such file'
}

@test "a docker-archive" {
	make_second_layer
	make_docker "$T/docker.tar" '{"Cmd": ["/bin/cat", "/etc/second"]}' "$TAR" "$T/second.tar"
	masu_ok image import "$T/docker.tar" box
	short_spec
	run_box
	equal "$out" second
}

@test "the spec's program, variables, directory and user come before the image's" {
	make_layout "$T/oci" '{"Entrypoint": ["/bin/false"], "Env": ["A=image", "B=image"], "WorkingDir": "/tmp", "User": "1234"}' "$TAR"
	masu_ok image import "$T/oci" box
	short_spec '.process = {args: ["/bin/sh", "-c", "echo $A $B; pwd; id -u"], env: ["A=spec"], cwd: "/etc", user: {uid: 7, gid: 7}}'
	run_box
	equal "$out" $'spec image\n/etc\n7'
}

@test "the image's stop signal is what kill sends; its volumes are there, also in a user namespace" {
	make_layout "$T/oci" '{"Cmd": ["/bin/sh", "-c", "trap \"echo usr1; exit 3\" USR1; touch /srv/data/f && stat -c %u /srv/data /srv; touch /ready; while :; do sleep 0.05; done"],
		"StopSignal": "SIGUSR1", "Volumes": {"/srv/data": {}, "/../../escape": {}}}' "$TAR"
	masu_ok image import "$T/oci" box
	short_spec '.linux = {namespaces: [{type: "user"}, {type: "mount"}, {type: "pid"}, {type: "ipc"}, {type: "uts"}, {type: "network"}],
		uidMappings: [{containerID: 0, hostID: 100000, size: 65536}]} | .linux.gidMappings = .linux.uidMappings'
	"$MASU" --root "$STATE" --storage-root "$STORE" run --bundle "$BUNDLE" "$ID" >"$T/said" 3>&- &
	job=$!
	wait_for 5 "$MASU" --root "$STATE" exec "$ID" /bin/test -e /ready
	masu_ok exec "$ID" /bin/test -d /escape
	masu_ok kill "$ID"
	status=0
	wait "$job" || status=$?
	equal "$status" 3 'status after the stop signal'
	equal "$(<"$T/said")" $'0\n0\nusr1'
	short_spec '.annotations = {"org.opencontainers.image.stopSignal": "SIGKILL"} | .process.args = ["/bin/sleep", "100"]'
	start_box
	masu_ok kill "$ID"
	wait_for 5 has_status stopped
}

@test "the image's user by number, by name and with a group; an unknown name is told" {
	local user want

	while read -r user want; do
		rm -rf "$T/oci"
		make_layout "$T/oci" "{\"Cmd\": [\"/bin/sh\", \"-c\", \"id -u; id -g\"], \"User\": \"$user\"}" "$TAR"
		masu_ok image import "$T/oci" box
		short_spec
		run_box
		equal "${out/$'\n'/:}" "$want" "user $user"
	done <<-END
		1234 1234:0
		1234:55 1234:55
		user 1000:1000
		user:root 1000:0
	END
	rm -rf "$T/oci"
	make_layout "$T/oci" '{"Cmd": ["/bin/true"], "User": "nobody-here"}' "$TAR"
	masu_ok image import "$T/oci" box
	masu_fails 'storage: user "nobody-here" of the image: not in its /etc/passwd' run --bundle "$BUNDLE" "$ID"
	nothing_left
}

@test "the image's passwd as a link out of the root or a pipe is not followed and does not hang" {
	mkdir -p "$T/evil/etc"
	ln -s /../../../../../../etc/shadow "$T/evil/etc/passwd"
	tar -C "$T/evil" -cf "$T/evil.tar" .
	make_layout "$T/oci" '{"Cmd": ["/bin/true"], "User": "root"}' "$TAR" "$T/evil.tar"
	masu_ok image import "$T/oci" box
	short_spec
	run_masu run --bundle "$BUNDLE" "$ID"
	equal "$status" 1
	rm "$T/evil/etc/passwd" && mkfifo "$T/evil/etc/passwd"
	tar -C "$T/evil" -cf "$T/evil.tar" .
	rm -rf "$T/oci"
	make_layout "$T/oci" '{"Cmd": ["/bin/true"], "User": "root"}' "$TAR" "$T/evil.tar"
	masu_ok image import "$T/oci" box
	LIMIT=10 run_masu run --bundle "$BUNDLE" "$ID"
	equal "$status" 1
	nothing_left
}

@test "image names: tags, digests, their beginning; near misses and impossible ones" {
	import box:one
	masu_ok image tag box:one registry.example:5000/team/box:two
	masu_ok image inspect registry.example:5000/team/box:two
	digest=$(jq -r .digest <<<"$out")
	for name in "$digest" "${digest#sha256:}" "${digest:7:12}"; do
		masu_ok image inspect "$name"
	done
	masu_fails 'find image box:latest: there is none' image inspect box
	matches "$err" 'hint: there is box:one'
	masu_fails 'not of the form NAME' image tag box:one 'Bad Name'
	masu_fails 'not of the form NAME' image import "$TAR" ../up
	masu_ok image rm box:one
	masu_ok image inspect registry.example:5000/team/box:two
	masu_ok image rm "$digest"
	masu_ok storage info --json
	expect '.images == 0' '.layers == 0'
}

@test "an image that a container stands on can lose its name; its layers go with the container" {
	import
	short_spec '.process.args = ["/bin/sleep", "100"]'
	start_box
	masu_ok image rm box
	masu_ok exec "$ID" /bin/true
	masu_ok delete --force "$ID"
	masu_ok storage gc
	matches "$out" '^layer '
	masu_ok storage info --json
	expect '.layers == 0'
}

# ---- copy on write ----
@test "two containers from one image do not see each other's files, and the image stays as it is" {
	import
	short_spec '.process.args = ["/bin/sh", "-c", "echo mine >/etc/own; rm /bin/wc; sleep 100"]'
	start_box "$ID"
	start_box "$ID-2"
	wait_for 5 "$MASU" --root "$STATE" exec "$ID" /bin/test -e /etc/own
	masu_ok exec "$ID" /bin/sh -c 'echo first >/etc/which'
	run_masu exec "$ID-2" /bin/cat /etc/which
	((status != 0)) || fail "seen by the other: $out"
	short_spec '.process.args = ["/bin/sh", "-c", "ls /bin/wc; ls /etc"]'
	masu_ok run --bundle "$BUNDLE" "$ID-3"
	matches "$out" '^/bin/wc$'
	lacks "$out" '^(own|which)$'
	masu_ok delete --force "$ID"
	masu_ok delete --force "$ID-2"
}

@test "after run, after delete and after delete --force the root is gone" {
	import
	short_spec '.process.args = ["/bin/true"]'
	run_box
	masu_ok storage info --json && expect '.roots == 0'
	create_box
	masu_ok storage info --json && expect '.roots == 1'
	masu_ok delete "$ID"
	masu_ok storage info --json && expect '.roots == 0'
	start_box
	masu_ok delete --force "$ID"
	masu_ok storage info --json && expect '.roots == 0'
	equal "$(ls "$STORE/data" | grep -v '^layer-')" '' 'volumes'
}

@test "a readonly root, mount options, and a user namespace without a change to the image" {
	import
	short_spec '.masu.storage += {readonly: true, mountOptions: ["nosuid", "nodev"]} | .process.args = ["/probe"]'
	run_box
	matches "$(mount_line /)" ' ro,nosuid,nodev'
	short_spec '.linux = {namespaces: [{type: "user"}, {type: "mount"}, {type: "pid"}, {type: "ipc"}, {type: "uts"}, {type: "network"}],
		uidMappings: [{containerID: 0, hostID: 100000, size: 65536}]} | .linux.gidMappings = .linux.uidMappings |
		.process.args = ["/bin/sh", "-c", "stat -c %u /bin/busybox; touch /file; stat -c %u /file"]'
	run_box
	equal "$out" $'0\n0' 'owners inside'
	equal "$(find "$STORE/data" -uid 100000 | head -1)" '' 'files that were given away'
}

@test "hooks see the root where the state says it is, in the mount namespace of the process" {
	import
	short_spec '.process.args = ["/bin/cat", "/from-hook"]'
	cat >"$T/hook" <<-'END'
		#!/bin/bash
		state=$(cat)
		pid=$(jq .pid <<<"$state")
		root=$(jq -r '.rootfs // empty' <<<"$state")
		[[ -z $root ]] || echo "$root" >"$0.root"
		echo hooked | nsenter -t "$pid" -m tee "$1/from-hook" >/dev/null
	END
	chmod +x "$T/hook"
	jq --arg h "$T/hook" --arg r "$STATE/$ID/rootfs" '.hooks.createRuntime = [{path: $h, args: ["hook", $r]}]' "$BUNDLE/config.json" >"$T/new"
	mv "$T/new" "$BUNDLE/config.json"
	run_box
	equal "$out" hooked
	lacks "$(cat /proc/self/mountinfo)" "$STATE/$ID/rootfs"
	start_of_state
}

# `state` names the same place.
start_of_state() {
	short_spec '.process.args = ["/bin/sleep", "100"]'
	start_box
	equal "$(state_of rootfs)" "$STATE/$ID/rootfs"
	masu_ok delete --force "$ID"
}

# ---- keep, diff, commit, export, snapshots ----
kept_box() {
	short_spec '.masu.storage.keep = true'
	jq --arg s "$1" '.process.args = ["/bin/sh", "-c", $s]' "$BUNDLE/config.json" >"$T/new"
	mv "$T/new" "$BUNDLE/config.json"
	run_box
}

@test "what a kept container changed is told, committed and runs as a new image" {
	import
	kept_box 'echo new >/etc/new; echo more >>/etc/group; rm /bin/wc; ln /etc/new /etc/link; mkdir /d; chmod 700 /d'
	equal "$(state_of status)" stopped
	masu_ok diff "$ID"
	for line in 'A /etc/new' 'C /etc/group' 'D /bin/wc' 'A /etc/link' 'A /d'; do
		matches "$out" "^$line\$"
	done
	lacks "$out" passwd
	masu_ok diff --json "$ID"
	expect 'any(.kind == "D" and .path == "/bin/wc")' 'all(.path | startswith("/"))'
	masu_ok diff --tar "$T/diff.tar" "$ID"
	matches "$(tar -tf "$T/diff.tar")" '^bin/\.wh\.wc$'
	masu_ok commit --author me --message 'one more file' "$ID" box:two
	digest=$out
	masu_ok image history --json box:two
	expect 'last.comment == "one more file"' 'last.author == "me"'
	masu_ok image inspect "$digest"
	expect '.name == "box:two"' '.layers | length == 2'
	masu_ok delete "$ID"
	short_spec '.masu.storage.image = "box:two" | .process.args = ["/bin/sh", "-c", "cat /etc/link; ls -d /bin/wc; stat -c %a /d"]'
	run_masu run --bundle "$BUNDLE" "$ID"
	equal "$out" $'new\n700'
	matches "$err" '/bin/wc: No such file'
}

@test "names with newlines and escapes stay on one line of diff" {
	import
	kept_box 'touch "/tmp/two
lines"; touch "/tmp/$(printf "\033[31mred")"'
	masu_ok diff "$ID"
	matches "$out" '^A /tmp/two\\012lines$'
	matches "$out" '^A /tmp/\\033\[31mred$'
	masu_ok diff --json "$ID"
	expect 'any(.path == "/tmp/two\nlines")'
}

@test "export of a root is its whole tree; of an image an OCI layout that comes back the same" {
	import
	kept_box 'echo new >/etc/new; rm /bin/wc'
	masu_ok export --output "$T/root.tar" "$ID"
	matches "$(tar -tf "$T/root.tar")" '^etc/new$'
	lacks "$(tar -tf "$T/root.tar")" '^bin/wc$'
	masu_ok commit "$ID" two
	masu_ok image export two "$T/one.tar"
	masu_ok image import "$T/one.tar" back
	masu_ok image export back "$T/two.tar"
	masu_ok image ls --json
	expect '(.[] | select(.name == "back:latest").layers) | length == 2'
	tar -xOf "$T/one.tar" index.json | jq -c '.manifests[0].digest' >"$T/one"
	tar -xOf "$T/two.tar" index.json | jq -c '.manifests[0].digest' >"$T/two"
	equal "$(<"$T/one")" "$(<"$T/two")" 'manifest after a round trip'
	for compression in gzip zstd; do
		masu_ok image export --compression "$compression" --directory two "$T/$compression"
		masu_ok image import "$T/$compression" "$compression"
	done
	masu_ok image ls --json
	expect '[.[] | select(.name | test("back|gzip|zstd")).layers] | unique | length == 1'
	short_spec '.masu.storage.image = "zstd" | .process.args = ["/bin/cat", "/etc/new"]'
	masu_ok run --bundle "$BUNDLE" "$ID-2"
	equal "$out" new
}

@test "a failed export leaves no file, and an old one stays" {
	import
	echo old >"$T/file"
	masu_fails 'there is none' image export nothing "$T/file"
	equal "$(<"$T/file")" old
	equal "$(ls "$T" | grep -c '^file')" 1 'files'
	masu_fails 'not empty' image export --directory box "$T"
}

@test "snapshots: create, list, roll back, remove; they go with the container" {
	import
	kept_box 'echo one >/etc/state'
	masu_ok snapshot create "$ID" first
	masu_fails 'there is one already' snapshot create "$ID" first
	masu_ok snapshot create "$ID" second
	masu_ok snapshot ls --json "$ID"
	expect 'map(.name) == ["first", "second"]'
	masu_ok snapshot rollback "$ID" first
	masu_ok diff "$ID"
	matches "$out" '^A /etc/state$'
	masu_ok snapshot rm "$ID" second
	masu_fails 'there is none' snapshot rm "$ID" second
	masu_fails 'no such snapshot' snapshot rollback "$ID" second
	masu_ok delete "$ID"
	masu_ok storage info --json
	expect '.snapshots == 0'
}

@test "a snapshot of a running container; no rollback while it runs" {
	import
	short_spec '.masu.storage.keep = true | .process.args = ["/bin/sh", "-c", "echo one >/etc/state; sleep 100"]'
	start_box
	wait_for 5 "$MASU" --root "$STATE" exec "$ID" /bin/test -s /etc/state
	masu_ok snapshot create "$ID" first
	masu_ok exec "$ID" /bin/sh -c 'echo two >/etc/other'
	masu_fails 'it is running' snapshot rollback "$ID" first
	masu_ok kill "$ID" KILL
	wait_for 5 has_status stopped
	masu_ok snapshot rollback "$ID" first
	masu_ok diff "$ID"
	matches "$out" '^A /etc/state$'
	lacks "$out" '/etc/other'
}

@test "a kept container starts again with what it wrote, as often as one likes" {
	import
	kept_box 'echo run >>/runs; cat /runs'
	equal "$out" run
	masu_ok start "$ID"
	wait_for 5 has_status stopped
	masu_ok start "$ID"
	wait_for 5 has_status stopped
	masu_ok export --output "$T/root.tar" "$ID"
	equal "$(tar -xOf "$T/root.tar" runs)" $'run\nrun\nrun'
	# its image can lose its name meanwhile
	masu_ok image rm box
	masu_ok start "$ID"
	wait_for 5 has_status stopped
	masu_ok diff "$ID"
	matches "$out" '^A /runs$'
	masu_ok delete "$ID"
	masu_ok storage gc
}

@test "a kept container is not started again while it runs, without its spec, or with one that keeps nothing" {
	import
	kept_box 'echo precious >/file'
	mv "$BUNDLE/config.json" "$T/config"
	masu_fails 'config.json.*No such file' start "$ID"
	jq '.masu.storage.keep = false' "$T/config" >"$BUNDLE/config.json"
	masu_fails 'does not keep its root' start "$ID"
	jq '.process.terminal = true' "$T/config" >"$BUNDLE/config.json"
	masu_fails 'terminal' start "$ID"
	equal "$(state_of status)" stopped
	jq '.process.args = ["/bin/sleep", "100"]' "$T/config" >"$BUNDLE/config.json"
	masu_ok start "$ID"
	masu_fails 'already running' start "$ID"
	masu_ok exec "$ID" /bin/cat /file
	equal "$out" precious
}

@test "a start that fails loses nothing of what was kept; run goes on with it, as after a reboot" {
	import
	import other
	kept_box 'echo precious >/file'
	cp "$BUNDLE/config.json" "$T/config"
	jq '.process.args = ["/nowhere"]' "$T/config" >"$BUNDLE/config.json"
	masu_fails 'nowhere' start "$ID"
	[[ ! -e $STATE/$ID ]] || fail "the record of a failed start"
	masu_ok gc
	jq '.masu.storage.image = "other"' "$T/config" >"$BUNDLE/config.json"
	masu_fails 'it has a kept one, of the image box' run --bundle "$BUNDLE" "$ID"
	jq '.process.args = ["/bin/cat", "/file"]' "$T/config" >"$BUNDLE/config.json"
	run_box
	equal "$out" precious
	masu_ok delete "$ID"
	masu_ok storage info --json
	expect '.roots == 0'
}

@test "commands on a container whose root is not from an image, or that is not there" {
	rmdir "$BUNDLE"
	make_bundle
	process /probe sleep 100
	start_box
	for command in diff export 'snapshot ls'; do
		# shellcheck disable=SC2086
		masu_fails 'not from an image' $command "$ID"
	done
	masu_fails 'not from an image' commit "$ID" new
	masu_fails 'does not exist' diff nobody
}

# ---- what cannot be kept, is not ----
@test "size limits: in force where the driver can, an error where it cannot" {
	import
	short_spec '.masu.storage.size = "8M" | .process.args = ["/bin/dd", "if=/dev/zero", "of=/big", "bs=1M", "count=20"]'
	run_masu run --bundle "$BUNDLE" "$ID"
	((status != 0)) || fail "20 MiB written: $out"
	matches "$err" 'storage: .*(limit|quota|size)|No space left|[Qq]uota exceeded'
	short_spec '.masu.storage.size = "lots" | .process.args = ["/bin/true"]'
	masu_fails 'masu.storage.size: lots is not a size' run --bundle "$BUNDLE" "$ID"
	matches "$err" 'hint: write a number with K, M, G or T'
}

@test "size limits on btrfs in a file" {
	need 'loop devices' test -e /dev/loop-control
	need 'mkfs.btrfs' command -v mkfs.btrfs
	masu_ok storage init --driver btrfs --loop-size 200M --sparse
	import
	short_spec '.masu.storage.size = "8M" | .process.args = ["/bin/dd", "if=/dev/zero", "of=/big", "bs=1M", "count=20"]'
	run_masu run --bundle "$BUNDLE" "$ID"
	((status != 0)) || fail "20 MiB written: $out"
	matches "$err" '[Qq]uota exceeded|No space left'
	short_spec '.masu.storage.size = "64M" | .process.args = ["/bin/dd", "if=/dev/zero", "of=/big", "bs=1M", "count=20"]'
	masu_ok run --bundle "$BUNDLE" "$ID"
}

@test "a store in a file grows while a container uses it, and a root gets another limit" {
	need 'loop devices' test -e /dev/loop-control
	need 'mkfs.btrfs' command -v mkfs.btrfs
	masu_ok storage init --driver btrfs --loop-size 120M --sparse
	import
	short_spec '.masu.storage += {size: "8M", keep: true} | .process.args = ["/bin/sleep", "100"]'
	start_box
	run_masu exec "$ID" /bin/dd if=/dev/zero of=/big bs=1M count=20
	((status != 0)) || fail "20 MiB written below a limit of 8M"
	masu_ok storage resize --size 300M "$ID"
	masu_ok storage usage --json "$ID"
	expect '.limit == 300 * 1024 * 1024'
	masu_fails 'it has 120 MiB already' storage grow --size 100M
	masu_fails 'to which size' storage grow
	masu_ok storage grow --size 400M
	masu_ok storage info --json
	expect '.bytesTotal == 400 * 1024 * 1024'
	masu_ok exec "$ID" /bin/dd if=/dev/urandom of=/big bs=1M count=150 conv=fsync
	masu_ok storage usage "$ID"
	matches "$out" '^written: 1[45][0-9]'
	masu_ok kill "$ID" KILL
	wait_for 5 has_status stopped
	masu_ok delete "$ID"
	masu_ok storage trim
	STORE=$T/plain
	import
	masu_fails 'no file or pool of its own' storage grow --size 1G
}

@test "a root with thousands of files is removed behind the answer, and nothing of it stays" {
	import
	short_spec '.process.args = ["/bin/sh", "-c", "mkdir /many; i=0; while [ $i -lt 3000 ]; do : >/many/$i; i=$((i + 1)); done"]'
	run_box
	masu_ok storage info --json
	expect '.roots == 0'
	wait_for 10 only_layers
}

only_layers() {
	! ls "$STORE/data" | grep -qv '^layer-'
}

@test "each driver: run, diff, commit and run again" {
	local driver

	for driver in overlay copy btrfs; do
		STORE=$T/store-$driver
		if [[ $driver == btrfs ]]; then
			[[ -e /dev/loop-control ]] || continue
			masu_ok storage init --driver btrfs --loop-size 200M --sparse
		else
			masu_ok storage init --driver "$driver"
		fi
		masu_fails 'there is one already' storage init
		import
		kept_box 'echo new >/etc/new; rm /bin/wc'
		masu_ok diff "$ID"
		matches "$out" '^A /etc/new$'
		matches "$out" '^D /bin/wc$'
		masu_ok commit "$ID" two
		masu_ok delete "$ID"
		short_spec '.masu.storage.image = "two" | .process.args = ["/bin/cat", "/etc/new"]'
		run_box
		equal "$out" new "file on $driver"
		masu_ok storage trim
		masu_ok storage info --json
		expect ".driver == \"$driver\"" '[.drivers[] | select(.chosen)] | length == 1' \
			'[.drivers[] | select(.usable | not) | .reason | length > 0] | all'
		assert_store_clean
	done
}

# ---- hostile input ----
# refused_tar TEXT: importing $T/bad.tar fails, and leaves neither image nor layer nor file.
refused_tar() {
	masu_fails "$1" image import "$T/bad.tar" bad
	masu_ok storage info --json
	expect '.images == 0' '.layers == 0'
	equal "$(find "$STORE/data" "$STORE/tmp" -mindepth 1 ! -name boot)" '' 'left in the store'
}

@test "hostile tars: names and links out of the root do not leave it" {
	echo victim >"$T/victim"
	mkdir -p "$T/in/sub"
	echo evil >"$T/in/sub/victim"
	tar -C "$T/in" -P --transform "s|sub/victim|../../../../../../../../../..$T/victim|" -cf "$T/bad.tar" sub/victim
	run_masu image import "$T/bad.tar" dots
	equal "$(<"$T/victim")" victim
	tar -C "$T/in" -P --transform "s|sub/victim|$T/victim|" -cf "$T/bad.tar" sub/victim
	run_masu image import "$T/bad.tar" absolute
	equal "$(<"$T/victim")" victim
	# a link to a directory outside, then a file through it
	ln -s "$T" "$T/in/out"
	tar -C "$T/in" -cf "$T/bad.tar" out
	rm "$T/in/out" && mkdir "$T/in/out" && echo evil >"$T/in/out/victim"
	tar -C "$T/in" -rf "$T/bad.tar" out/victim
	run_masu image import "$T/bad.tar" link
	equal "$(<"$T/victim")" victim
}

@test "hostile tars: cut off, garbage, too large, too many, wrong digests" {
	import keep
	masu_ok image rm keep
	head -c 300000 "$TAR" >"$T/bad.tar"
	refused_tar 'image import bad'
	gzip -c "$TAR" | head -c 200000 >"$T/bad.tar"
	refused_tar 'image import bad'
	head -c 100000 /dev/urandom >"$T/bad.tar"
	refused_tar 'image import bad'
	truncate -s 64M "$T/zeros" && tar -C "$T" -cf - zeros | gzip >"$T/bad.tar"
	masu_fails 'layer 1 of 1' image import --max-size 1M "$T/bad.tar" bad
	cp "$TAR" "$T/bad.tar"
	masu_fails 'layer 1 of 1' image import --max-entries 3 "$T/bad.tar" bad
	make_layout "$T/oci" '{}' "$TAR"
	blob=$(ls -S "$T/oci/blobs/sha256" | head -1)
	cat "$TAR" "$TAR" | gzip -n >"$T/oci/blobs/sha256/$blob"
	masu_fails 'digest' image import "$T/oci" bad
	masu_ok storage info --json
	expect '.images == 0' '.layers == 0'
}

# ---- nothing is lost, nothing is left ----
storage_faults() {
	need 'a build with fault points (make faults)' test -x "$MASU_FAULTS"
	UNDER_TEST=$(realpath "$MASU_FAULTS")
	import
	short_spec '.process.args = ["/bin/true"]'
}

roots_left() {
	masu_ok storage info --json
	expect '.roots == 0'
	masu_ok storage check
	nothing_left
}

@test "a failure or a kill at the row storage, and at those behind it, leaves no root" {
	local row

	storage_faults
	for row in storage cgroup open-mounts spawn root pivot save-state exec; do
		MASU_FAIL_AT=$row run_masu run --bundle "$BUNDLE" "$ID"
		equal "$status" 1 "status of run that fails at $row"
		matches "$err" "$row: fail as MASU_FAIL_AT asked"
		roots_left
		MASU_KILL_AT=$row run_masu run --bundle "$BUNDLE" "$ID"
		((status != 0)) || fail "run survived a kill at $row"
		masu_ok delete --force "$ID"
		roots_left
	done
}

@test "a kill inside the row storage can be cleaned by delete --force, and by gc" {
	local point

	storage_faults
	for point in $(grep -rhoE 'FAULT_POINT\("attach[^"]*"' "$REPO/storage" | cut -d'"' -f2 | sort -u); do
		MASU_STORAGE_KILL_AT=$point run_masu run --bundle "$BUNDLE" "$ID"
		((status != 0)) || fail "run survived a kill at $point"
		masu_ok delete --force "$ID"
		roots_left
		MASU_STORAGE_KILL_AT=$point run_masu run --bundle "$BUNDLE" "$ID"
		masu_ok gc
		roots_left
		MASU_STORAGE_FAIL_AT=$point run_masu run --bundle "$BUNDLE" "$ID"
		equal "$status" 1 "status of run that fails at $point"
		roots_left
	done
}

@test "a kill at each point of delete is finished by the next command" {
	local point

	storage_faults
	for point in $(grep -rhoE 'FAULT_POINT\("detach[^"]*"' "$REPO/storage" | cut -d'"' -f2 | sort -u); do
		create_box
		MASU_STORAGE_KILL_AT=$point run_masu delete "$ID"
		((status != 0)) || fail "delete survived a kill at $point"
		masu_ok delete --force "$ID"
		roots_left
	done
}

@test "gc removes the root of a container whose record is gone, but none of another state directory, and no kept one" {
	import
	short_spec '.process.args = ["/bin/true"]'
	create_box
	"$MASU" --root "$T/other" --storage-root "$STORE" create --bundle "$BUNDLE" "$ID-other" 3>&-
	short_spec '.masu.storage.keep = true | .process.args = ["/bin/sh", "-c", "echo precious >/file"]'
	masu_ok run --bundle "$BUNDLE" "$ID-kept"
	forget "$ID"
	forget "$ID-kept"
	masu_ok gc --dry-run
	matches "$out" "^root $ID\$"
	lacks "$out" "$ID-(other|kept)"
	masu_ok gc
	matches "$out" "^root $ID\$"
	masu_ok storage info --json
	expect '.roots == 2'
	# what was kept can still be saved
	masu_ok diff "$ID-kept"
	matches "$out" '^A /file$'
	masu_ok commit "$ID-kept" saved
	masu_ok gc --kept
	matches "$out" "^root $ID-kept\$"
	"$MASU" --root "$T/other" delete --force "$ID-other" 3>&-
}

# forget ID: its process ends, and its record goes as at a reboot.
forget() {
	"$MASU" --root "$STATE" kill --all "$1" KILL 3>&- 2>/dev/null || true
	wait_for 5 has_status stopped "$1"
	rm -r "${STATE:?}/$1"
	find /sys/fs/cgroup -depth -type d -path "*$1" -exec rmdir {} \; 2>/dev/null || true
}

@test "storage check finds damage, and --repair removes what is damaged" {
	import
	import spare
	layer=$(ls "$STORE/data" | grep '^layer-' | head -1)
	mv "$STORE/data/$layer" "$T/layer"
	run_masu storage check
	equal "$status" 1
	matches "$out" 'its volume is gone'
	matches "$err" 'problems left'
	masu_ok storage check --repair
	masu_ok image ls --json
	equal "$out" '[]'
}

@test "options and words of the families: help, unknown members, global options in every place" {
	masu_ok image --help
	matches "$out" '^  import +make an image'
	masu_ok help image import
	matches "$out" '--max-size BYTES'
	masu_fails 'unknown command "image nothing"' image nothing
	masu_fails 'no command given' snapshot
	masu_fails '"9Q" is not a size' image import --max-size 9Q "$TAR" box
	run_program "$MASU" image --storage-root "$STORE" ls --json --root "$STATE"
	equal "$status:$out" '0:[]'
}
