# SPDX-License-Identifier: LGPL-2.1-or-later
# Root tests of net/: each program makes its own network namespaces and needs the plug-ins beside it.
NET_TESTS := $(patsubst test/net/%.c,$(B)/test/net/%,$(wildcard test/net/*.c))

$(NET_TESTS): $(B)/test/net/%: $(B)/obj/test/net/%.o $(B)/lib/net.a $(B)/lib/base.a $(filter %/netlink.so %/nftables.so,$(PLUGINS))
	@mkdir -p $(@D)
	@ln -sfn ../../plugins $(@D)/plugins
	$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o %.a,$^) $(LIBS)

.PHONY: check-net
check-net: $(NET_TESTS)
	@for t in $^; do $$t; s=$$?; [ $$s = 0 ] || [ $$s = 77 ] || exit 1; done

# What a network costs a start and a delete.
.PHONY: bench-network
bench-network: all $(NET_BENCH)
	@test/bench/network.sh $(B)

# net/ alone, beside the same wired by hand: what it costs, and how fast packets go.
NET_BENCH := $(B)/test/net/bench/network_cost $(B)/test/net/bench/network_speed
$(NET_BENCH): $(B)/test/net/bench/%: $(B)/obj/test/bench/%.o $(B)/lib/net.a $(B)/lib/base.a $(filter %/netlink.so %/nftables.so,$(PLUGINS))
	@mkdir -p $(@D)
	@ln -sfn ../../../plugins $(@D)/plugins
	$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o %.a,$^) $(LIBS)

# Many containers with a network, at the same time and killed at any moment; not a part of `make check`.
.PHONY: torture-net
torture-net: all
	@test/torture/network
