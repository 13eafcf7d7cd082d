# SPDX-License-Identifier: LGPL-2.1-or-later
# Malformed and hostile input: one line that names the place, status 1, in no time, nothing left.
load lib

# bad TEXT JSON: config.json is exactly JSON.
bad() {
	printf '%s' "$2" >"$BUNDLE/config.json"
	LIMIT=5 refused "$1"
}

# edited TEXT EXPRESSION: the default spec, changed by jq.
edited() {
	default_spec >"$BUNDLE/config.json"
	spec_edit "$2"
	LIMIT=5 refused "$1"
}

# replaced TEXT OLD NEW: the default spec with a text replaced, for what jq cannot write.
replaced() {
	local spec

	spec=$(<"$REPO/test/data/config.json")
	[[ $spec == *"$2"* ]] || fail "no '$2' in the default spec"
	printf '%s' "${spec/"$2"/"$3"}" >"$BUNDLE/config.json"
	LIMIT=5 refused "$1"
}

@test "what is no JSON document tells the line" {
	bad 'config.json' ''
	bad 'config.json' ' '
	bad 'config.json:1' '{'
	bad 'config.json:1' '[]'
	bad 'config.json:1' '"text"'
	bad 'config.json:1' 'null'
	bad 'config.json' "$(printf '\xef\xbb\xbf{}')"
	bad 'config.json:3' $'{\n"ociVersion": "1.0.0",\nnonsense\n}'
	bad 'config.json' "{'ociVersion': '1.0.0'}"
	bad 'config.json' '{"ociVersion": "1.0.0",}'
	replaced 'config.json' '"terminal": false' '/* comment */ "terminal": false'
	replaced 'terminal' '"terminal": false' '"terminal": NaN'
	replaced 'config.json' '"terminal": false' '"terminal": False'
}

@test "trailing data is refused" {
	printf '%s{}' "$(<"$REPO/test/data/config.json")" >"$BUNDLE/config.json"
	refused 'config.json'
	printf '%s garbage' "$(<"$REPO/test/data/config.json")" >"$BUNDLE/config.json"
	refused 'config.json'
}

@test "duplicate keys are refused" {
	replaced 'duplicate.*hostname|hostname.*(duplicate|twice|again)' '"hostname": "box"' '"hostname": "box", "hostname": "other"'
	replaced 'duplicate|twice|again' '"terminal": false' '"terminal": false, "terminal": true'
}

@test "deep nesting is refused, and does not crash" {
	for depth in 65 1000 200000; do
		printf '{"ociVersion":"1.0.0","x":%s%s}' "$(head -c $depth /dev/zero | tr '\0' '[')" "$(head -c $depth /dev/zero | tr '\0' ']')" \
			>"$BUNDLE/config.json"
		LIMIT=5 refused 'deep|depth|nest'
	done
}

@test "a file beyond the limit is refused quickly" {
	{
		printf '{"ociVersion":"1.0.0","annotations":{"a":"'
		head -c 17000000 /dev/zero | tr '\0' x
		printf '"}}'
	} >"$BUNDLE/config.json"
	LIMIT=5 refused 'config.json.*(large|big|MiB|bytes)'
}

@test "numbers are integers in their range, exactly" {
	for number in 1e3 1.0 1.5 -1 2147483648000 9223372036854775808 18446744073709551616 \
		1000000000000000000000000000000000000000000000000000000000000000000000000 '"5"' true '[]' '{}'; do
		replaced 'process.user.uid' '"uid": 0' "\"uid\": $number"
	done
	for number in 18446744073709551616 -1 1.5 1e2 '"1"'; do
		replaced 'rlimits' '"hard": 1024' "\"hard\": $number"
	done
}

@test "a value of another type is refused with its path, everywhere" {
	while read -r text expression; do
		[[ -n $text ]] || continue
		edited "$text" "$expression"
	done <<-'ROWS'
		ociVersion			.ociVersion = 1
		process				.process = []
		process.args			.process.args = "sh"
		process.args			.process.args = [1]
		process.env			.process.env = {}
		process.cwd			.process.cwd = 5
		process.terminal		.process.terminal = "no"
		process.user			.process.user = "root"
		process.user.additionalGids	.process.user.additionalGids = ["x"]
		process.capabilities.bounding	.process.capabilities.bounding = "CAP_KILL"
		process.rlimits			.process.rlimits = {}
		root				.root = "rootfs"
		root.path			.root.path = 1
		root.readonly			.root.readonly = "yes"
		hostname			.hostname = 5
		mounts				.mounts = {}
		mounts.*destination		.mounts[0].destination = 5
		mounts.*options			.mounts[0].options = "ro"
		mounts.*options			.mounts[0].options = [5]
		hooks				.hooks = []
		hooks.prestart			.hooks.prestart = {}
		hooks.prestart.*path		.hooks.prestart = [{"path": 5}]
		hooks.prestart.*timeout		.hooks.prestart = [{"path": "/bin/true", "timeout": "5"}]
		annotations			.annotations = []
		annotations			.annotations = {"a": 5}
		linux				.linux = []
		linux.namespaces		.linux.namespaces = {}
		linux.namespaces.*type		.linux.namespaces = [{"type": 5}]
		linux.uidMappings		.linux.uidMappings = [{"containerID": "0"}]
		linux.devices			.linux.devices = [{"path": 5}]
		linux.cgroupsPath		.linux.cgroupsPath = []
		linux.resources			.linux.resources = []
		linux.resources.memory		.linux.resources.memory = 5
		linux.resources.memory.limit	.linux.resources.memory = {"limit": "5M"}
		linux.resources.pids.limit	.linux.resources.pids = {"limit": "5"}
		linux.seccomp			.linux.seccomp = "default"
		linux.sysctl			.linux.sysctl = []
		linux.sysctl			.linux.sysctl = {"net.ipv4.ip_forward": 1}
		linux.maskedPaths		.linux.maskedPaths = [5]
		linux.rootfsPropagation		.linux.rootfsPropagation = 5
	ROWS
}

@test "required fields that are missing are named" {
	edited 'ociVersion' 'del(.ociVersion)'
	edited 'ociVersion' '.ociVersion = ""'
	edited 'ociVersion' '.ociVersion = "2.0.0"'
	edited 'ociVersion' '.ociVersion = "one"'
	edited 'root' 'del(.root)'
	edited 'root.path' 'del(.root.path)'
	edited 'process.args' 'del(.process.args)'
	edited 'process.cwd' 'del(.process.cwd)'
	edited 'mounts.*destination' 'del(.mounts[0].destination)'
	edited 'hooks.*path' '.hooks.createRuntime = [{}]'
	edited 'namespaces.*type' '.linux.namespaces += [{}]'
	edited 'devices.*path' '.linux.devices = [{"type": "c"}]'
	edited 'seccomp.*defaultAction' '.linux.seccomp = {}'
	edited 'syscalls.*names' '.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"action": "SCMP_ACT_ALLOW"}]}'
	edited 'rlimits.*type' '.process.rlimits = [{"soft": 1, "hard": 1}]'
}

@test "NUL, bad UTF-8 and lone surrogates are refused" {
	replaced 'config.json' '"/probe"' '"/probe\u0000x"'
	replaced 'config.json' '"hostname": "box"' '"hostname": "b\u0000x"'
	replaced 'config.json' '"hostname": "box"' "\"hostname\": \"b$(printf '\xff\xfe')x\""
	replaced 'config.json' '"PATH=/bin"' "\"PATH=/bin$(printf '\xc0\xaf')\""
	replaced 'config.json' '"hostname": "box"' '"hostname": "\ud800"'
}

@test "control characters are refused where a line-based file or a name is written" {
	edited 'hostname' '.hostname = "a\nb"'
	edited 'sysctl' '.linux.sysctl = {"net.ipv4.ip_forward": "1\n2"}'
	edited 'cgroupsPath' '.linux.cgroupsPath = "/a\nb"'
	edited 'hostname' '.hostname = ("x" * 65)'
}

@test "empty and impossible processes are refused" {
	edited 'process.args' '.process.args = []'
	edited 'process.args' '.process.args = [""]'
	edited 'process.env' '.process.env = ["NOEQUALS"]'
	edited 'process.env' '.process.env = ["=x"]'
	edited 'process.cwd' '.process.cwd = "relative"'
	edited 'process.cwd' '.process.cwd = ""'
}

@test "an argument list that no kernel takes is an error, one that it takes works" {
	spec_edit '.process.args = ["/bin/true", ("x" * 100000)]'
	run_box
	spec_edit '.process.args = ["/bin/true", ("x" * 200000)]'
	run_masu run --bundle "$BUNDLE" "$ID"
	equal "$status" 1
	one_line_error 'long|large|size'
}

@test "ids: only plain names" {
	for id in . .. a/b /a ../a '' 'a b' $'a\nb' 'ä' 'a%n$' "$(printf 'x%.0s' {1..1025})"; do
		run_masu create --bundle "$BUNDLE" -- "$id"
		equal "$status" 1 "status of id '$id'"
		nothing_left
	done
	for id in -x --help-me; do
		run_masu state "$id"
		((status != 0))
	done
	for id in a A.b_c+d-9 _x "$(printf 'x%.0s' {1..64})"; do
		process /bin/true
		masu_ok run --bundle "$BUNDLE" "$id"
	done
}

@test "unknown properties and annotations are ignored" {
	process /bin/echo ok
	spec_edit '.future = {"a": [1, 2, {"b": null}]} | .process.future = 5 | .linux.future = "x" | .mounts[0].future = [] |
		.annotations = {"org.example.unknown": "x", "run.oci.unknown": "y"} | .windows = {} | .vm = {} | .solaris = {}'
	run_box
	equal "$out" ok
}

@test "null stands for absent" {
	process /bin/echo ok
	spec_edit '.hooks = null | .annotations = null | .linux.seccomp = null | .linux.resources.memory = null | .process.rlimits = null |
		.linux.sysctl = null | .mounts[0].options = null | .process.user.umask = null | .linux.devices = null'
	run_box
	equal "$out" ok
}

@test "a key in the wrong case is not the key, and warns" {
	process /bin/echo ok
	spec_edit '.Hostname = "other" | .process.Terminal = true'
	run_box
	matches "$out" ok
	matches "$err" 'Hostname'
}

@test "thousands of entries take linear time" {
	process /bin/true
	spec_edit '.process.env += [range(20000) | "VARIABLE\(.)=x"] | .annotations = ([range(20000) | {key: "a\(.)", value: "b"}] | from_entries) |
		.linux.maskedPaths += [range(2000) | "/none/\(.)"]'
	LIMIT=10 run_box
}

@test "a bundle that is missing or a file is named" {
	masu_fails '/no/such/bundle' create --bundle /no/such/bundle "$ID"
	masu_fails 'not a directory|passwd' create --bundle /etc/passwd "$ID"
	masu_fails 'config.json' create --bundle "$T" "$ID"
	nothing_left
}


@test "few descriptors and an odd umask do not matter or fail cleanly" {
	process /bin/echo ok
	spec_edit 'del(.process.rlimits)'
	(
		ulimit -n 40
		run_masu run --bundle "$BUNDLE" "$ID"
		((status == 0)) || one_line_error 'files|descriptor'
	)
	nothing_left
	(
		umask 0777
		run_masu run --bundle "$BUNDLE" "$ID"
		equal "$status" 0
	)
}

@test "process documents for exec are checked the same way" {
	process /probe sleep 100
	start_box
	for text in '' '{' '[]' '{"args": []}' '{"args": ["/bin/true"], "cwd": "x"}' '{"args": ["/bin/true"], "cwd": "/", "cwd": "/"}' \
		'{"args": ["/bin/true"], "cwd": "/", "user": {"uid": -1}}'; do
		printf '%s' "$text" >"$T/process.json"
		run_masu exec --process "$T/process.json" "$ID"
		equal "$status" 255 "$text"
		one_line_error 'process'
	done
	masu_fails '/no/such/file' update --resources /no/such/file "$ID"
}
