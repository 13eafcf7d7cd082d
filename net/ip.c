/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Address arithmetic on bytes in network order: no host integers wider than 64 bits are needed. */
#include "net/ip.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

size_t ip_size(int family)
{
	return family == AF_INET6 ? 16 : 4;
}

unsigned int ip_bits(int family)
{
	return family == AF_INET6 ? 128 : 32;
}

bool ip_parse(const char *text, struct ip_address *address)
{
	struct ip_address parsed = { .family = strchr(text, ':') ? AF_INET6 : AF_INET };

	if (inet_pton(parsed.family, text, parsed.bytes) != 1)
		return false;
	*address = parsed;
	return true;
}

bool ip_parse_prefix(const char *text, struct ip_prefix *prefix)
{
	const char *slash = strchr(text, '/');
	char address[IP_TEXT_MAX];
	uint64_t length;

	if (!slash || str_format(address, sizeof(address), "%.*s", (int)(slash - text), text) < 0)
		return false;
	if (!ip_parse(address, &prefix->address) || !str_parse_u64(slash + 1, &length))
		return false;
	prefix->length = (unsigned int)length;
	return length <= ip_bits(prefix->address.family);
}

const char *ip_format(const struct ip_address *address, char text[IP_TEXT_MAX])
{
	if (!inet_ntop(address->family, address->bytes, text, IP_TEXT_MAX))
		snprintf(text, IP_TEXT_MAX, "none");
	return text;
}

const char *ip_format_prefix(const struct ip_prefix *prefix, char text[IP_TEXT_MAX])
{
	size_t length = strlen(ip_format(&prefix->address, text));

	snprintf(text + length, IP_TEXT_MAX - length, "/%u", prefix->length);
	return text;
}

bool ip_equal(const struct ip_address *left, const struct ip_address *right)
{
	return left->family == right->family &&
	       memcmp(left->bytes, right->bytes, ip_size(left->family)) == 0;
}

/* The bits of byte `index` that belong to the network. */
static uint8_t network_mask(const struct ip_prefix *prefix, size_t index)
{
	unsigned int first = (unsigned int)index * 8;

	if (prefix->length >= first + 8)
		return 0xff;
	return prefix->length <= first ? 0 : (uint8_t)(0xff00 >> (prefix->length - first));
}

struct ip_prefix ip_network(const struct ip_prefix *prefix)
{
	struct ip_prefix network = *prefix;

	for (size_t i = 0; i < ip_size(prefix->address.family); i++)
		network.address.bytes[i] &= network_mask(prefix, i);
	return network;
}

struct ip_address ip_last(const struct ip_prefix *prefix)
{
	struct ip_address last = prefix->address;

	for (size_t i = 0; i < ip_size(last.family); i++)
		last.bytes[i] |= (uint8_t)~network_mask(prefix, i);
	return last;
}

bool ip_contains(const struct ip_prefix *prefix, const struct ip_address *address)
{
	if (prefix->address.family != address->family)
		return false;
	for (size_t i = 0; i < ip_size(address->family); i++) {
		if ((prefix->address.bytes[i] ^ address->bytes[i]) & network_mask(prefix, i))
			return false;
	}
	return true;
}

bool ip_overlaps(const struct ip_prefix *left, const struct ip_prefix *right)
{
	return left->length <= right->length ? ip_contains(left, &right->address)
					     : ip_contains(right, &left->address);
}

struct ip_address ip_at(const struct ip_prefix *prefix, uint64_t offset)
{
	struct ip_address address = ip_network(prefix).address;

	for (size_t i = ip_size(address.family); i-- && offset; offset >>= 8) {
		offset += address.bytes[i];
		address.bytes[i] = (uint8_t)offset;
	}
	return address;
}

uint64_t ip_offset(const struct ip_prefix *prefix, const struct ip_address *address)
{
	uint64_t offset = 0;

	for (size_t i = 0; i < ip_size(address->family); i++)
		offset = offset << 8 | (uint8_t)(address->bytes[i] & ~network_mask(prefix, i));
	return offset;
}

uint64_t ip_span(const struct ip_prefix *prefix)
{
	unsigned int bits = ip_bits(prefix->address.family) - prefix->length;

	return bits >= 64 ? UINT64_MAX : UINT64_C(1) << bits;
}

bool ip_is_loopback(const struct ip_address *address)
{
	static const struct ip_address loopback6 = { AF_INET6, { [15] = 1 } };

	if (address->family == AF_INET)
		return address->bytes[0] == 127;
	return ip_equal(address, &loopback6);
}

bool ip_is_any(const struct ip_address *address)
{
	static const uint8_t zero[16];

	return memcmp(address->bytes, zero, ip_size(address->family)) == 0;
}
