# SPDX-License-Identifier: LGPL-2.1-or-later
# One makefile for everything. `make help` lists the targets; VARIANT=asan|faults builds beside the normal tree.
VERSION  := 0.1.0
prefix   ?= /usr/local
VARIANT  ?=
B        := build$(VARIANT:%=/%)

CC       ?= cc
AR       ?= ar
PKG      ?= pkg-config
# masu-init is static and tiny with musl (20 KiB resident); glibc works too (700 KiB)
INIT_CC  ?= $(shell command -v musl-gcc || echo $(CC))

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wvla -Wundef -Wwrite-strings \
	    -Wno-missing-field-initializers $(if $(CI),-Werror)
GCC_ONLY := -Wno-format-truncation -ftrivial-auto-var-init=zero -Wtrampolines -Wno-format-overflow
HARDEN   := -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection -fcf-protection=full -fno-strict-aliasing \
	    -fno-delete-null-pointer-checks
IS_GCC   := $(shell $(CC) --version | grep -q 'Free Software' && echo y)
INIT_IS_GCC := $(shell $(INIT_CC) --version | grep -q 'Free Software' && echo y)
CPPFLAGS += -I. -D_GNU_SOURCE -DMASU_VERSION='"$(VERSION)"' -DMASU_PLUGIN_DIR='"$(prefix)/lib/masu/plugins"'
# nearly all time is spent in the kernel: small code starts faster and stays smaller in memory
CFLAGS   ?= -Os -g
ALL_CFLAGS = -std=c11 $(CFLAGS) $(WARNINGS) $(if $(IS_GCC),$(GCC_ONLY)) $(VARIANT_CFLAGS) -fPIC -fvisibility=hidden -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables \
	    -ffile-prefix-map=$(CURDIR)=.
ALL_LDFLAGS = $(LDFLAGS) $(VARIANT_CFLAGS) -Wl,--gc-sections -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code,-z,pack-relative-relocs
INIT_CFLAGS = -std=c11 -Os -g $(WARNINGS) $(if $(INIT_IS_GCC),-Wno-format-truncation) -fno-stack-protector -ffunction-sections -fdata-sections -DMASU_INIT \
	    -fno-asynchronous-unwind-tables $(if $(findstring musl,$(INIT_CC)),-idirafter /usr/include -idirafter /usr/include/$(shell $(INIT_CC) -print-multiarch)) $(VARIANT_INIT)
LIBS     := -l:libyajl_s.a -l:libseccomp.a -l:libcap.a

ifeq ($(VARIANT),asan)
VARIANT_CFLAGS := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -DMASU_FAULTS
VARIANT_INIT   := -DMASU_FAULTS
else ifeq ($(VARIANT),faults)
VARIANT_CFLAGS := -DMASU_FAULTS
VARIANT_INIT   := -DMASU_FAULTS
HARDEN_ON      := y
else
HARDEN_ON      := y
endif
ALL_CFLAGS += $(if $(HARDEN_ON),$(HARDEN))

# ---- sources: floor by floor. A file named init_*.c runs in masu-init; plugin_*.c is a plug-in of its own ----
PEERS    := ns cgroup storage net security
FOLDERS  := base $(PEERS) runtime
src_of    = $(filter-out $(1)/plugin_%,$(wildcard $(1)/*.c))
obj_of    = $(patsubst %.c,$(B)/obj/%.o,$(1))
CLI_SRC  := $(wildcard runtime/cli/*.c)
INIT_SRC := $(wildcard runtime/init/*.c) $(foreach p,$(PEERS) runtime,$(wildcard $(p)/init_*.c)) \
	    $(addprefix base/,err.c flat.c fd.c path.c proc.c str.c names.c)
PLUGINS  := $(patsubst %.c,$(B)/plugins/%.so,$(subst plugin_,,$(notdir $(wildcard $(PEERS:%=%/plugin_*.c)))))

.PHONY: all
all: $(B)/masu $(B)/masu-full $(B)/libmasu.a $(B)/libmasu.so $(B)/masu.pc $(PLUGINS)

$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/init/%.o: %.c
	@mkdir -p $(@D)
	$(INIT_CC) $(CPPFLAGS) $(INIT_CFLAGS) -MMD -MP -c -o $@ $<

define folder_archive
$(B)/lib/$(1).a: $(call obj_of,$(call src_of,$(1)))
	@mkdir -p $$(@D)
	@rm -f $$@
	$(AR) rcs $$@ $$^
endef
$(foreach f,$(FOLDERS),$(eval $(call folder_archive,$(f))))

# what tells the installed place is made again when it changes: `make && make install prefix=/usr`
# (written as the makefile is read: a rule that always runs would make `make -q` say that something is always to be done)
$(shell mkdir -p $(B) && { echo '$(prefix)' | cmp -s - $(B)/prefix || echo '$(prefix)' >$(B)/prefix; })
$(B)/obj/base/plugin.o $(B)/masu.pc: $(B)/prefix

# what configs/ holds is part of the library
$(B)/obj/runtime/preset_data.o: $(wildcard configs/*.json configs/seccomp/*.json)
$(B)/obj/runtime/features.o: CPPFLAGS += -DMASU_COMMIT='"$(shell git rev-parse --short HEAD 2>/dev/null)"'

# ---- masu-init: static, embedded into the library as bytes ----
$(B)/masu-init: $(patsubst %.c,$(B)/init/%.o,$(INIT_SRC))
	$(INIT_CC) -static -Wl,--gc-sections,-z,noexecstack,-z,relro,--build-id=none -o $@ $^
	@cp $@ $@.debug && strip -s $@

$(B)/obj/runtime/init_image.o: runtime/init_image.S $(B)/masu-init
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -DINIT_IMAGE='"$(B)/masu-init"' -c -o $@ $<

LIB_OBJ := $(foreach f,$(FOLDERS),$(call obj_of,$(call src_of,$(f)))) $(B)/obj/runtime/init_image.o

$(B)/lib/all.a: $(LIB_OBJ)
	@mkdir -p $(@D)
	@rm -f $@
	$(AR) rcs $@ $^

# One object that shows the functions of masu.h only: a program's own names cannot collide with ours.
$(B)/libmasu.a: $(LIB_OBJ)
	@rm -f $@
	$(CC) $(VARIANT_CFLAGS) -nostdlib -r -o $(B)/lib/libmasu.o $^
	objcopy --localize-hidden $(B)/lib/libmasu.o
	$(AR) rcs $@ $(B)/lib/libmasu.o

$(B)/libmasu.so: $(LIB_OBJ) runtime/libmasu.map
	$(CC) $(ALL_LDFLAGS) -shared -Wl,-soname,libmasu.so.0 -Wl,--version-script=runtime/libmasu.map -o $@ $(LIB_OBJ) $(LIBS)
	@ln -sf libmasu.so $(B)/libmasu.so.0

# masu itself is static: it starts in less time and memory. What needs a plug-in goes on as masu-full, the same program with a loader.
$(B)/masu: $(call obj_of,$(CLI_SRC)) $(B)/obj/base/static/plugin.o $(B)/lib/all.a
	$(CC) $(ALL_LDFLAGS) $(if $(HARDEN_ON),-static-pie,-pie) -o $@ $^ $(LIBS)

$(B)/masu-full: $(call obj_of,$(CLI_SRC)) $(B)/lib/all.a
	$(CC) $(ALL_LDFLAGS) -pie -o $@ $^ $(LIBS)

$(B)/masu.pc: runtime/masu.pc.in Makefile
	@sed 's|@prefix@|$(prefix)|; s|@version@|$(VERSION)|' $< > $@

define plugin_rule
$(B)/plugins/$(subst plugin_,,$(notdir $(basename $(1)))).so: $(call obj_of,$(1) $(shell sed -n 's|^/\* with: \(.*\) \*/$$|\1|p' $(1))) $(B)/lib/base.a
	@mkdir -p $$(@D)
	$(CC) $$(ALL_LDFLAGS) -shared -o $$@ $$^ $$(shell sed -n 's|^/\* link: \(.*\) \*/$$$$|\1|p' $(1))
endef
$(foreach p,$(wildcard $(PEERS:%=%/plugin_*.c)),$(eval $(call plugin_rule,$(p))))

# ---- tests: test/unit/FOLDER_WHAT.c links with its folder and base/; runtime_* with everything ----
UNIT     := $(patsubst test/unit/%.c,$(B)/test/unit/%,$(wildcard test/unit/*_*.c))
lib_for   = $(if $(filter runtime,$(1)),$(B)/lib/all.a,$(if $(filter base,$(1)),,$(B)/lib/$(1).a) $(B)/lib/base.a)
define unit_rule
$(B)/test/unit/$(1): $(B)/obj/test/unit/$(1).o $(call lib_for,$(firstword $(subst _, ,$(1))))
	@mkdir -p $$(@D)
	$(CC) $(ALL_LDFLAGS) -o $$@ $$^ $(LIBS)
endef
$(foreach u,$(notdir $(UNIT)),$(eval $(call unit_rule,$(u))))

include $(wildcard test/*.mk)

.PHONY: install clean help
install: all
	install -D -m 755 $(B)/masu $(DESTDIR)$(prefix)/bin/masu
	ln -sf masu $(DESTDIR)$(prefix)/bin/lmctfy
	install -D -m 755 $(B)/masu-full $(DESTDIR)$(prefix)/lib/masu/masu-full
	for h in $(notdir $(wildcard runtime/masu*.h)); do install -D -m 644 runtime/$$h $(DESTDIR)$(prefix)/include/$$h; done
	install -D -m 644 $(B)/libmasu.a $(DESTDIR)$(prefix)/lib/libmasu.a
	install -D -m 755 $(B)/libmasu.so $(DESTDIR)$(prefix)/lib/libmasu.so.$(VERSION)
	ln -sf libmasu.so.$(VERSION) $(DESTDIR)$(prefix)/lib/libmasu.so.0
	ln -sf libmasu.so.0 $(DESTDIR)$(prefix)/lib/libmasu.so
	install -D -m 644 $(B)/masu.pc $(DESTDIR)$(prefix)/lib/pkgconfig/masu.pc
	for p in $(PLUGINS); do install -D -m 755 $$p $(DESTDIR)$(prefix)/lib/masu/plugins/$$(basename $$p); done
	for m in $(wildcard docs/*.1); do install -D -m 644 $$m $(DESTDIR)$(prefix)/share/man/man1/$$(basename $$m); done
	for m in $(wildcard docs/*.5); do install -D -m 644 $$m $(DESTDIR)$(prefix)/share/man/man5/$$(basename $$m); done
	for c in $(wildcard configs/completions/*); do install -D -m 644 $$c $(DESTDIR)$(prefix)/share/masu/completions/$$(basename $$c); done

clean:
	rm -rf build

help:
	@echo 'make, make demo, make check, make bench, make lint, make asan, make install [DESTDIR= prefix=], make deps, make clean'

-include $(shell find $(B)/obj $(B)/init -name '*.d' 2>/dev/null)
