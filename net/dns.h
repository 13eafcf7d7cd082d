/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* DNS messages (RFC 1035): reading one question, writing the answer. The bytes come from inside a
 * container: nothing in them is trusted. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/ip.h"

enum {
	DNS_HEADER = 12,
	DNS_MESSAGE_MAX = 65535,
	DNS_NAME_MAX = 256, /* text with dots and the NUL */
	DNS_ANSWERS_MAX = 16,
	DNS_TTL_S = 5, /* containers come and go */
};

enum dns_type {
	DNS_A = 1,
	DNS_PTR = 12,
	DNS_AAAA = 28,
};

enum dns_code {
	DNS_OK = 0,
	DNS_FORMAT_ERROR = 1,
	DNS_SERVER_FAILURE = 2,
	DNS_NO_SUCH_NAME = 3,
	DNS_REFUSED = 5,
};

/* A query with one question of class IN. */
struct dns_query {
	char name[DNS_NAME_MAX]; /* small letters, no dot at the end; "" for the root */
	unsigned int type;
	size_t end; /* of the question: header and question are the message's first bytes */
};

/* False when the message is none of ours: not a query, several questions, cut off, odd names. */
bool dns_read(const uint8_t *message, size_t size, struct dns_query *query);

/*
 * Write the answer to a query that dns_read() took, with those of the addresses that are of the
 * asked type (none is an answer too). Returns its size; `room` is at least 512.
 */
size_t dns_write_addresses(const uint8_t *message, const struct dns_query *query,
			   const struct ip_address *addresses, size_t count, uint8_t *answer,
			   size_t room);
size_t dns_write_name(const uint8_t *message, const struct dns_query *query, const char *name,
		      uint8_t *answer, size_t room);
size_t dns_write_code(const uint8_t *message, const struct dns_query *query, enum dns_code code,
		      uint8_t *answer, size_t room);

/* The address in "2.0.210.10.in-addr.arpa" or its IPv6 form. */
bool dns_read_reverse(const char *name, struct ip_address *address);
