# SPDX-License-Identifier: LGPL-2.1-or-later
# The guest lanes: the bats suite on Debian's kernel in qemu. make check-guest LANES="v2 systemd v1 rootless" BATS="test/bats/run.bats"
.PHONY: check-guest guest-deps

guest-deps:
	@test/deps.sh guest

LANES ?= v2
check-guest: all faults $(B)/probe
	@BATS='$(BATS)' TAGS='$(TAGS)' test/guest/lanes $(LANES)
