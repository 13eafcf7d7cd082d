#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Install what masu needs from Debian: `deps.sh build`, `deps.sh test`, `deps.sh guest`, `deps.sh engines`, `deps.sh debian` or several. Does nothing when everything is there.
set -euo pipefail

build='gcc libc6-dev make pkg-config musl-tools libseccomp-dev libcap-dev libyajl-dev libmnl-dev libnftnl-dev libarchive-dev libssl-dev libdevmapper-dev libsystemd-dev busybox-static'
test='bats jq clang clang-format-14 clang-tidy-14 cppcheck binutils crun runc uidmap util-linux bsdutils iproute2 nftables procps python3-minimal btrfs-progs e2fsprogs xfsprogs zstd xz-utils attr libcap2-bin zsh fish passt slirp4netns'
guest='qemu-system-x86 mmdebstrap kmod cpio xz-utils e2fsprogs'
engines='podman conmon netavark catatonit containerd containernetworking-plugins docker.io iptables busybox-static python3-minimal python3-grpcio python3-protobuf protobuf-compiler jq'
debian='mmdebstrap umoci skopeo jq'

missing() {
	local package

	for package in $1; do
		if [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) != installed ]]; then
			echo "$package"
		fi
	done
}

wanted=''
for set in "${@:-build}"; do
	case $set in
	build) wanted+=" $build" ;;
	test) wanted+=" $test" ;;
	guest) wanted+=" $guest" ;;
	engines) wanted+=" $engines" ;;
	debian) wanted+=" $debian" ;;
	*)
		echo "deps.sh: $set: want build, test, guest, engines or debian" >&2
		exit 1
		;;
	esac
done

mapfile -t packages < <(missing "$wanted")
((${#packages[@]})) || exit 0
if ((EUID != 0)); then
	echo "deps.sh: these packages are missing, install them as root: ${packages[*]}" >&2
	exit 1
fi
echo "installing: ${packages[*]}"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends "${packages[@]}"; } >"$log" 2>&1; then
	cat "$log" >&2
	exit 1
fi
rm "$log"
