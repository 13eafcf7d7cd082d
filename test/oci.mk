# SPDX-License-Identifier: LGPL-2.1-or-later
# The conformance suite: rows in test/oci/*.rows become bats files. make check-oci ROWS=config ONLY='hook' OCI_RUNTIME=/usr/bin/crun
.PHONY: check-oci conformance oci-rows

ROWS     ?= $(sort $(basename $(notdir $(wildcard test/oci/*.rows))))
OCI_BATS := $(patsubst test/oci/%.rows,$(B)/oci/%.bats,$(wildcard test/oci/*.rows))
$(B)/oci/%.bats: test/oci/%.rows test/oci/to-bats
	@mkdir -p $(@D)
	@test/oci/to-bats $< >$@.new && mv $@.new $@

oci-rows: $(OCI_BATS) $(B)/probe

OCI_RUNTIME ?= $(B)/masu
check-oci: oci-rows
	@OCI_RUNTIME='$(OCI_RUNTIME)' PROBE='$(B)/probe' test/oci/run --filter '$(filter-out *,$(ONLY))' $(ROWS:%=$(B)/oci/%.bats)

conformance: $(B)/masu oci-rows
	@test/oci/compare $(B)/masu /usr/bin/crun "$$(command -v runc)"
