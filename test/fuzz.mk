# SPDX-License-Identifier: LGPL-2.1-or-later
# Fuzzing with clang's libFuzzer: `make fuzz SECONDS=30` runs each target of test/fuzz/ that long, on a copy of the corpus.
# Files of base/ and of the folders that a spec goes through are built once more, instrumented, in build/fuzz.
SECONDS_EACH = $(if $(filter command line,$(origin SECONDS)),$(SECONDS),30)
FUZZ_CC     := clang
FUZZ_FLAGS  := -std=c11 -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
FUZZ_SRC    := $(wildcard base/*.c cgroup/*.c ns/*.c net/*.c security/*.c runtime/spec*.c runtime/preset*.c runtime/lmctfy_proto.c)
FUZZ_SRC    := $(filter-out $(foreach p,$(PEERS),$(wildcard $(p)/plugin_*.c)),$(FUZZ_SRC))
FUZZ_OBJ    := $(patsubst %.c,build/fuzz/%.o,$(FUZZ_SRC))
FUZZERS     := $(patsubst test/fuzz/%.c,build/fuzz/%,$(wildcard test/fuzz/fuzz_*.c))

build/fuzz/%.o: %.c
	@mkdir -p $(@D)
	$(FUZZ_CC) $(CPPFLAGS) $(FUZZ_FLAGS) -ffunction-sections -fdata-sections -MMD -MP -c -o $@ $<

build/fuzz/parts.a: $(FUZZ_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^

$(FUZZERS): build/fuzz/%: build/fuzz/test/fuzz/%.o build/fuzz/parts.a
	$(FUZZ_CC) -fsanitize=fuzzer,address,undefined -Wl,--gc-sections -o $@ $^ $(LIBS)

.PHONY: fuzz
fuzz: $(FUZZERS)
	@for f in $(FUZZERS); do \
		mkdir -p $$f.corpus && cp test/data/specs/good/*.json test/data/specs/bad/*.json configs/*.json $$f.corpus/ && \
		$$f -max_total_time=$(SECONDS_EACH) -timeout=5 -rss_limit_mb=1024 -dict=test/fuzz/spec.dict -artifact_prefix=$$f- \
			$$f.corpus 2>$$f.log || { tail -n 40 $$f.log; exit 1; }; \
		echo "$$(basename $$f): $(SECONDS_EACH) s, nothing found"; \
	done

# The importer with its plug-in, as root: it unpacks into a tmpfs of its own.
IMPORT_OBJ := $(patsubst %.c,build/fuzz/%.o,$(filter-out storage/plugin_devmapper.c,$(wildcard storage/*.c)) storage/archive/digest.c \
	      test/fuzz/import.c)

build/fuzz/import: $(IMPORT_OBJ) build/fuzz/parts.a
	$(FUZZ_CC) -fsanitize=fuzzer,address,undefined -Wl,--gc-sections -o $@ $^ $(LIBS) -larchive -lcrypto

.PHONY: fuzz-import
fuzz-import: build/fuzz/import all
	@test/fuzz/import-corpus $(B)/masu build/fuzz/import.corpus
	@build/fuzz/import -max_total_time=$(SECONDS_EACH) -timeout=20 -rss_limit_mb=2048 -max_len=65536 -artifact_prefix=build/fuzz/import- \
		build/fuzz/import.corpus 2>build/fuzz/import.log || { tail -n 40 build/fuzz/import.log; exit 1; }
	@echo "import: $(SECONDS_EACH) s, $$(sed -n 's/^#\([0-9]*\)\tDONE.*/\1/p' build/fuzz/import.log) inputs, nothing found"

-include $(shell find build/fuzz -name '*.d' 2>/dev/null)
