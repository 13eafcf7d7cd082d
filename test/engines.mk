# SPDX-License-Identifier: LGPL-2.1-or-later
# Engines with masu below them; not part of check. make check-engines ENGINES=podman RUNTIME=/usr/bin/crun ONLY='exec*'
.PHONY: check-engines engines-deps

engines-deps:
	@test/deps.sh engines

ENGINES ?= podman containerd cri docker
RUNTIME ?= $(B)/masu
ONLY    ?= *
check-engines: $(B)/masu $(B)/probe
	@failed=0; for e in $(ENGINES); do RUNTIME='$(RUNTIME)' PROBE='$(B)/probe' ONLY='$(ONLY)' test/engines/$$e.sh || failed=1; done; exit $$failed
