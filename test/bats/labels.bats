# SPDX-License-Identifier: LGPL-2.1-or-later
# process.apparmorProfile and process.selinuxLabel, where the kernel has these modules.
load lib

teardown() {
	end_jobs
	[[ ! -e $T/profile ]] || apparmor_parser --remove "$T/profile" 2>/dev/null || true
	all_of release_containers assert_host_clean assert_no_reports
}

need_apparmor() {
	need 'AppArmor' grep -qx Y /sys/module/apparmor/parameters/enabled
	need_root 'loading profiles'
	need 'apparmor_parser' command -v apparmor_parser
}

# load_profile NAME: everything is allowed but /tmp/denied.
load_profile() {
	cat >>"$T/profile" <<-PROFILE
		profile $1 flags=(attach_disconnected,mediate_deleted) {
			file,
			capability,
			network,
			mount,
			umount,
			signal,
			ptrace,
			deny /tmp/denied rw,
		}
	PROFILE
	apparmor_parser --replace --skip-cache "$T/profile"
}

# bats test_tags=guest
@test "the AppArmor profile is in force for the process, for those it starts, and for exec" {
	need_apparmor
	load_profile "masu-$ID"
	spec_edit '.process.apparmorProfile = $name' --arg name "masu-$ID"
	shell 'cat /proc/self/attr/current; echo x >/tmp/allowed && echo allowed; echo x >/tmp/denied; sleep 100'
	masu_ok run --detach --bundle "$BUNDLE" "$ID" # its output goes to $T/out
	wait_for 10 grep -q denied "$T/out" "$T/err"
	matches "$(<"$T/out")" "^masu-$ID \(enforce\)$"
	matches "$(<"$T/out")" '^allowed$'
	matches "$(<"$T/err")" '/tmp/denied: Permission denied'
	equal "$(tr -d '\0' <"/proc/$(state_of pid)/attr/current")" "masu-$ID (enforce)"
	masu_ok exec "$ID" /bin/cat /proc/self/attr/current
	equal "$out" "masu-$ID (enforce)"
}

@test "exec --apparmor takes another profile, unconfined takes none" {
	need_apparmor
	load_profile "masu-$ID"
	process /probe sleep 100
	start_box
	masu_ok exec --apparmor "masu-$ID" "$ID" /bin/cat /proc/self/attr/current
	equal "$out" "masu-$ID (enforce)"
	masu_ok exec --apparmor unconfined "$ID" /bin/cat /proc/self/attr/current
	equal "$out" unconfined
}

# bats test_tags=guest
@test "an AppArmor profile that is not loaded is named, and nothing is left" {
	need_apparmor
	process /bin/true
	spec_edit '.process.apparmorProfile = "masu-not-loaded"'
	refused 'process.apparmorProfile: masu-not-loaded is not loaded'
	run_masu doctor --bundle "$BUNDLE"
	equal "$status" 1
	matches "$out" '^missing +process.apparmorProfile +masu-not-loaded is not loaded'
}

@test "an AppArmor profile is refused where the kernel has no AppArmor" {
	need 'a host without AppArmor' sh -c '! grep -qx Y /sys/module/apparmor/parameters/enabled'
	spec_edit '.process.apparmorProfile = "some"'
	refused 'process.apparmorProfile: some: AppArmor is not enabled'
	spec_edit '.process.apparmorProfile = "unconfined"'
	process /bin/true
	run_box
}

@test "a SELinux label is applied, or the kernel's refusal told with it" {
	need 'SELinux' test -d /sys/fs/selinux/class
	shell 'cat /proc/self/attr/current'
	spec_edit '.process.selinuxLabel = "system_u:system_r:container_t:s0"'
	run_masu run --bundle "$BUNDLE" "$ID"
	# before a policy is loaded the kernel takes any label and runs everything as "kernel"
	if [[ $(tr -d '\0' </proc/self/attr/current) == kernel ]]; then
		equal "$status$(tr -d '\0' <<<"$out")" 0kernel
	elif ((status == 0)); then
		equal "$(tr -d '\0' <<<"$out")" system_u:system_r:container_t:s0
	else
		one_line_error 'process.selinuxLabel: .*system_u:system_r:container_t:s0'
	fi
}

@test "a SELinux label is refused where the kernel has no SELinux" {
	need 'a host without SELinux' test ! -e /sys/fs/selinux
	spec_edit '.process.selinuxLabel = "system_u:system_r:container_t:s0"'
	refused 'process.selinuxLabel: .*SELinux is not enabled'
}
