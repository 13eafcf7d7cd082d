# SPDX-License-Identifier: LGPL-2.1-or-later
# process.capabilities: all five sets exactly, for root and for others.
load lib

setup() {
	own_world
	process /probe caps security
}

sets() {
	spec_edit ".process.capabilities = $1"
}

NONE=0000000000000000

@test "each set is exactly what the spec says" {
	sets '{"bounding": ["CAP_CHOWN", "CAP_KILL"], "permitted": ["CAP_CHOWN", "CAP_KILL"], "effective": ["CAP_CHOWN", "CAP_KILL"]}'
	run_box
	expect '.caps.bounding == "0000000000000021"' '.caps.permitted == "0000000000000021"' \
		'.caps.effective == "0000000000000021"' ".caps.inheritable == \"$NONE\"" ".caps.ambient == \"$NONE\""
	sets '{"bounding": ["CAP_CHOWN", "CAP_KILL"], "permitted": ["CAP_CHOWN", "CAP_KILL"], "effective": ["CAP_CHOWN", "CAP_KILL"],
		"inheritable": ["CAP_KILL"], "ambient": ["CAP_KILL"]}'
	run_box
	expect '.caps.inheritable == "0000000000000020"' '.caps.ambient == "0000000000000020"'
}

@test "absent sets and an absent object mean none" {
	sets '{}'
	run_box
	expect ".caps | del(.securebits) | all(.[]; . == \"$NONE\")"
	spec_edit 'del(.process.capabilities)'
	run_box
	expect ".caps | del(.securebits) | all(.[]; . == \"$NONE\")" '.caps.securebits == 0'
}

@test "another user keeps nothing but ambient capabilities" {
	spec_edit '.process.user = {"uid": 1000, "gid": 1000}'
	sets '{"bounding": ["CAP_CHOWN", "CAP_KILL"], "permitted": ["CAP_CHOWN", "CAP_KILL"], "effective": ["CAP_CHOWN", "CAP_KILL"]}'
	run_box
	expect '.caps.bounding == "0000000000000021"' ".caps.permitted == \"$NONE\"" ".caps.effective == \"$NONE\""
	sets '{"bounding": ["CAP_CHOWN", "CAP_KILL"], "permitted": ["CAP_CHOWN", "CAP_KILL"], "effective": ["CAP_CHOWN", "CAP_KILL"],
		"inheritable": ["CAP_KILL"], "ambient": ["CAP_KILL"]}'
	run_box
	expect '.caps.permitted == "0000000000000020"' '.caps.effective == "0000000000000020"' '.caps.ambient == "0000000000000020"'
}

@test "unknown and unavailable capabilities are a warning, not an error" {
	sets '{"bounding": ["CAP_CHOWN", "CAP_FUTURE"], "permitted": ["CAP_CHOWN", "CAP_FUTURE"], "effective": ["CAP_CHOWN", "CAP_FUTURE"]}'
	run_box
	expect '.caps.effective == "0000000000000001"'
	matches "$err" 'CAP_FUTURE'
	sets '{"bounding": ["CAP_CHOWN", "CAP_SYS_RESOURCE"], "permitted": ["CAP_CHOWN", "CAP_SYS_RESOURCE"], "effective": ["CAP_CHOWN", "CAP_SYS_RESOURCE"]}'
	run_masu run --bundle "$BUNDLE" "$ID"
	equal "$status" 0
	expect '.caps.effective | test("1$")'
}

@test "the capability that is missing is missed: what needs it fails" {
	shell 'chown 5 /tmp && echo changed || echo refused'
	run_box
	equal "$out" refused
	sets '{"bounding": ["CAP_CHOWN"], "permitted": ["CAP_CHOWN"], "effective": ["CAP_CHOWN"]}'
	ln -sf busybox "$BUNDLE/rootfs/bin/chown"
	run_box
	equal "$out" changed
}

@test "ambient without inheritable or permitted is an error or a warning, never a silent success" {
	sets '{"bounding": ["CAP_KILL"], "ambient": ["CAP_KILL"]}'
	run_masu run --bundle "$BUNDLE" "$ID"
	if ((status == 0)); then
		expect ".caps.ambient == \"$NONE\""
		matches "$err" 'ambient|CAP_KILL'
	else
		one_line_error 'ambient|CAP_KILL'
	fi
}
