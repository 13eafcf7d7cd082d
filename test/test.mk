# SPDX-License-Identifier: LGPL-2.1-or-later
# Tests and helpers around the build. Each can be told what to take: make check-bats BATS="test/bats/run.bats" MASU=/usr/bin/crun
.PHONY: deps demo check check-unit check-bats lint analyze asan bench faults

deps:
	@test/deps.sh build test guest

# The probe that the bats files run inside containers: static, so that a rootfs needs nothing else.
PROBE_SRC := $(wildcard test/probe/*.c)
$(B)/probe: $(PROBE_SRC) $(wildcard test/probe/*.h)
	@mkdir -p $(@D)
	$(INIT_CC) $(CPPFLAGS) $(INIT_CFLAGS) -static -o $@ $(PROBE_SRC)

# The same sources with MASU_FAIL_AT and MASU_KILL_AT built in, for steps.bats and the storage tests.
faults:
	@+$(MAKE) --no-print-directory VARIANT=faults all storage-tests

# As it is installed, in a tree of its own, for embed.bats.
.PHONY: embed
embed:
	@+$(MAKE) --no-print-directory VARIANT=embed prefix=/usr all

demo:
	@test/deps.sh build
	@+$(MAKE) --no-print-directory all
	@test/demo.sh $(B)/masu

# ---- make check: everything, one line with the sum at its end ----
check: all faults embed $(UNIT) $(NET_TESTS) $(B)/probe oci-rows
	@test/check.sh lint unit net storage bats oci guest

# The same with every guest lane whole and the engines. WHERE="host v1" names some lanes.
.PHONY: check-all
check-all: all faults embed $(UNIT) $(NET_TESTS) $(B)/probe oci-rows guest-deps engines-deps
	@CI=1 test/check-all $(WHERE)

check-unit: $(UNIT)
	@test/check.sh unit

BATS ?= $(sort $(wildcard test/bats/*.bats))
MASU ?= $(B)/masu
check-bats: $(B)/probe
	@MASU='$(MASU)' PROBE='$(B)/probe' BATS='$(BATS)' test/check.sh bats

lint:
	@test/lint/run

# Slow analysers, not part of check.
C_FILES = $(wildcard base/*.c $(PEERS:%=%/*.c) runtime/*.c runtime/init/*.c runtime/cli/*.c)
analyze:
	@mkdir -p $(B)/analyze
	@for f in $(C_FILES); do echo "gcc -fanalyzer $$f"; \
		gcc -std=c11 $(CPPFLAGS) $(WARNINGS) -O1 -fanalyzer -c -o $(B)/analyze/out.o $$f || exit 1; done
	clang-tidy --quiet --config-file=test/lint/clang-tidy $(C_FILES) -- -std=c11 $(CPPFLAGS)

# Everything again with the address and undefined-behaviour sanitizers. A report goes to a file, so that it is seen also
# where nobody looks at standard error or the exit status: the test that finds it there fails.
REPORTS = $(CURDIR)/build/asan/report
asan:
	@+$(MAKE) --no-print-directory VARIANT=asan asan-programs
	@rm -f $(REPORTS).*
	@MASU=build/asan/masu MASU_FAULTS=build/asan/masu UNIT_DIR=build/asan/test/unit PROBE=build/asan/probe BATS='$(BATS)' \
		LOGS=build/asan/check BATS_SECONDS=3600 PATIENCE=5 SANITIZER_REPORTS='$(REPORTS)' \
		ASAN_OPTIONS=detect_stack_use_after_return=1:log_path='$(REPORTS)' \
		UBSAN_OPTIONS=print_stacktrace=1:log_path='$(REPORTS)' test/check.sh unit bats

# System calls of masu fail or are its last: nothing may stay. FULL=1 takes every call, EVERY=n each n-th.
# Then thousands of starts on an image that somebody changes meanwhile.
.PHONY: torture
torture: all $(B)/probe
	@MASU=$(B)/masu PROBE=$(B)/probe test/torture/inject
	@+RACE_STARTS=2000 $(MAKE) --no-print-directory check-bats BATS=test/bats/races.bats

.PHONY: asan-programs
asan-programs: all $(UNIT) $(B)/probe

$(B)/bench $(B)/floor: $(B)/%: test/bench/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -std=c11 -O2 $(WARNINGS) -static -o $@ $<

$(B)/bench-group: test/bench/group.c $(B)/libmasu.a
	$(CC) $(CPPFLAGS) -idirafter runtime -std=c11 -O2 $(WARNINGS) -o $@ $< $(B)/libmasu.a $(LIBS)

bench: all $(B)/bench $(B)/floor $(B)/bench-group
	@test/bench/bench.sh $(B)
