# SPDX-License-Identifier: LGPL-2.1-or-later
# Root tests of storage/: every driver on directories and loop files of the test's own; they need the plug-ins beside them.
STORAGE_TESTS := $(patsubst test/storage/%.c,$(B)/test/storage/%,$(wildcard test/storage/*.c))

$(STORAGE_TESTS): $(B)/test/storage/%: $(B)/obj/test/storage/%.o $(B)/lib/storage.a $(B)/lib/base.a $(filter %/archive.so %/devmapper.so,$(PLUGINS))
	@mkdir -p $(@D)
	@ln -sfn ../../plugins $(@D)/plugins
	$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o %.a,$^) $(LIBS)

.PHONY: storage-tests check-storage
storage-tests: $(STORAGE_TESTS)

# In the build that has fault points.
check-storage: faults
	@test/check.sh storage

# A Debian root file system as an image, on each driver; not part of check. `test/deps.sh debian` first.
.PHONY: check-debian
check-debian: all
	@test/storage/debian.sh $(B)

# What a root costs beside the kernel calls alone, and images beside podman: a table, and JSON in BUILD/bench-storage.json.
$(B)/bench-storage: $(B)/obj/test/bench/storage.o $(B)/lib/storage.a $(B)/lib/base.a
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

.PHONY: bench-storage
bench-storage: all $(B)/bench $(B)/bench-storage
	@test/bench/storage.sh $(B)
