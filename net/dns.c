/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading and writing DNS messages byte by byte, with every length checked. */
#include "net/dns.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/str.h"

enum {
	FLAG_ANSWER = 0x80, /* first byte of the flags */
	FLAG_OPCODE = 0x78,
	FLAG_AUTHORITY = 0x04,
	FLAG_RECURSE = 0x01,
	FLAG_CAN_RECURSE = 0x80, /* second byte */
	LABEL_MAX = 63,
	CLASS_IN = 1,
};

static unsigned int read16(const uint8_t *bytes)
{
	return (unsigned int)bytes[0] << 8 | bytes[1];
}

static uint8_t *write16(uint8_t *to, unsigned int value)
{
	*to++ = (uint8_t)(value >> 8);
	*to++ = (uint8_t)value;
	return to;
}

/* Labels to text. A query has no reason to compress its only name, so pointers are refused. Returns
 * the end, 0 on failure. */
static size_t read_name(const uint8_t *message, size_t size, char name[DNS_NAME_MAX])
{
	size_t at = DNS_HEADER, used = 0;

	while (at < size && message[at]) {
		size_t length = message[at++];

		if (length > LABEL_MAX || length > size - at || used + length + 2 > DNS_NAME_MAX)
			return 0;
		if (used)
			name[used++] = '.';
		for (size_t i = 0; i < length; i++) {
			char letter = (char)message[at + i];

			if (letter >= 'A' && letter <= 'Z')
				letter = (char)(letter | 0x20);
			if (letter <= ' ' || letter == '.' || letter == '/' || letter == 0x7f)
				return 0;
			name[used++] = letter;
		}
		at += length;
	}
	name[used] = '\0';
	return at < size ? at + 1 : 0;
}

bool dns_read(const uint8_t *message, size_t size, struct dns_query *query)
{
	if (size < DNS_HEADER || (message[2] & (FLAG_ANSWER | FLAG_OPCODE)) ||
	    read16(message + 4) != 1)
		return false;
	size_t end = read_name(message, size, query->name);

	if (!end || size - end < 4 || read16(message + end + 2) != CLASS_IN)
		return false;
	query->type = read16(message + end);
	query->end = end + 4;
	return true;
}

/* Header and question of an answer; the number of answers is filled in by the caller. */
static uint8_t *begin(const uint8_t *message, const struct dns_query *query, enum dns_code code,
		      uint8_t *answer)
{
	memcpy(answer, message, query->end);
	answer[2] = (uint8_t)(FLAG_ANSWER | FLAG_AUTHORITY | (message[2] & FLAG_RECURSE));
	answer[3] = (uint8_t)(FLAG_CAN_RECURSE | code);
	memset(answer + 6, 0, 6); /* no answer, authority, additional records yet */
	return answer + query->end;
}

/* What stands before the data of a record: the question's name by a pointer to it. */
static uint8_t *write_record(uint8_t *to, enum dns_type type, size_t size)
{
	to = write16(to, 0xc000 | DNS_HEADER);
	to = write16(to, type);
	to = write16(to, CLASS_IN);
	to = write16(to, 0);
	to = write16(to, DNS_TTL_S);
	return write16(to, (unsigned int)size);
}

size_t dns_write_code(const uint8_t *message, const struct dns_query *query, enum dns_code code,
		      uint8_t *answer, size_t room)
{
	return query->end > room ? 0 : (size_t)(begin(message, query, code, answer) - answer);
}

size_t dns_write_addresses(const uint8_t *message, const struct dns_query *query,
			   const struct ip_address *addresses, size_t count, uint8_t *answer,
			   size_t room)
{
	int family = query->type == DNS_A ? AF_INET : query->type == DNS_AAAA ? AF_INET6 : 0;
	unsigned int written = 0;

	if (query->end > room)
		return 0;
	uint8_t *to = begin(message, query, DNS_OK, answer);

	for (size_t i = 0; i < count && written < DNS_ANSWERS_MAX; i++) {
		size_t size = ip_size(family);

		if (addresses[i].family != family || room - (size_t)(to - answer) < 12 + size)
			continue;
		to = write_record(to, (enum dns_type)query->type, size);
		memcpy(to, addresses[i].bytes, size);
		to += size;
		written++;
	}
	write16(answer + 6, written);
	return (size_t)(to - answer);
}

size_t dns_write_name(const uint8_t *message, const struct dns_query *query, const char *name,
		      uint8_t *answer, size_t room)
{
	size_t length = strlen(name);

	if (query->end > room || room - query->end < 12 + length + 2 || length > DNS_NAME_MAX - 2)
		return 0;
	uint8_t *to = begin(message, query, DNS_OK, answer);

	to = write_record(to, DNS_PTR, length + 2);
	for (const char *at = name; *at;) {
		size_t label = strcspn(at, ".");

		if (!label || label > LABEL_MAX)
			return dns_write_code(message, query, DNS_SERVER_FAILURE, answer, room);
		*to++ = (uint8_t)label;
		memcpy(to, at, label);
		to += label;
		at += label + (at[label] == '.');
	}
	*to++ = 0;
	write16(answer + 6, 1);
	return (size_t)(to - answer);
}

static bool read_reverse6(const char *name, struct ip_address *address)
{
	static const char digits[] = "0123456789abcdef";

	*address = (struct ip_address){ .family = AF_INET6 };
	for (size_t i = 0; i < 32; i++) {
		const char *digit = name[2 * i] ? strchr(digits, name[2 * i]) : NULL;

		if (!digit || name[2 * i + 1] != '.')
			return false;
		address->bytes[15 - i / 2] |= (uint8_t)((digit - digits) << (i % 2 ? 4 : 0));
	}
	return strcmp(name + 64, "ip6.arpa") == 0;
}

bool dns_read_reverse(const char *name, struct ip_address *address)
{
	char text[IP_TEXT_MAX], part[4][4];
	int end = 0;

	if (str_ends(name, ".ip6.arpa"))
		return read_reverse6(name, address);
	if (sscanf(name, "%3[0-9].%3[0-9].%3[0-9].%3[0-9].in-addr.arpa%n", part[0], part[1],
		   part[2], part[3], &end) != 4 ||
	    !end || name[end])
		return false;
	snprintf(text, sizeof(text), "%s.%s.%s.%s", part[3], part[2], part[1], part[0]);
	return ip_parse(text, address);
}
