/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* IP addresses and prefixes of both families as plain values: parsing, printing, comparing,
 * counting. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	IP_TEXT_MAX = 52, /* an IPv6 address, "/128" and the NUL */
};

/* An address in network byte order; family 0 is "none". Zero bytes behind an IPv4 address, so
 * memcmp() compares. */
struct ip_address {
	int family; /* AF_INET or AF_INET6 */
	uint8_t bytes[16];
};

/* An address and how many of its leading bits name the network. Host bits may be set
 * ("10.1.2.3/24"). */
struct ip_prefix {
	struct ip_address address;
	unsigned int length;
};

/* Bytes (4 or 16) and bits of a family's addresses. */
size_t ip_size(int family);
unsigned int ip_bits(int family);

/* Strict: the whole text, no scope id, IPv4 with four decimal parts. A prefix needs its "/LENGTH".
 */
bool ip_parse(const char *text, struct ip_address *address);
bool ip_parse_prefix(const char *text, struct ip_prefix *prefix);

/* Write into a buffer of IP_TEXT_MAX bytes; returns it. */
const char *ip_format(const struct ip_address *address, char text[IP_TEXT_MAX]);
const char *ip_format_prefix(const struct ip_prefix *prefix, char text[IP_TEXT_MAX]);

bool ip_equal(const struct ip_address *left, const struct ip_address *right);

/* The prefix with its host bits cleared, and its last address (the broadcast address of an IPv4
 * network). */
struct ip_prefix ip_network(const struct ip_prefix *prefix);
struct ip_address ip_last(const struct ip_prefix *prefix);

bool ip_contains(const struct ip_prefix *prefix, const struct ip_address *address);
bool ip_overlaps(const struct ip_prefix *left, const struct ip_prefix *right);

/* The address `offset` behind the network's first one; and back. Offsets stay inside the last 64
 * bits. */
struct ip_address ip_at(const struct ip_prefix *prefix, uint64_t offset);
uint64_t ip_offset(const struct ip_prefix *prefix, const struct ip_address *address);

/* How many addresses a prefix spans, UINT64_MAX when 2^64 or more. */
uint64_t ip_span(const struct ip_prefix *prefix);

bool ip_is_loopback(const struct ip_address *address);
bool ip_is_any(const struct ip_address *address);
