/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* DNS messages: good questions, hostile ones, and the answers byte by byte. */
#include <sys/socket.h>

#include "net/dns.h"
#include "test/unit/unit.h"

#define HEADER "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"

static const struct {
	const char *what, *bytes;
	size_t size;
	const char *name; /* NULL: refused */
	unsigned int type;
} rows[] = {

/* clang-format off */
#define ROW(text) text, sizeof(text) - 1
	{ "plain",            ROW(HEADER "\4web1\0\0\1\0\1"),                   "web1", DNS_A },
	{ "capitals",         ROW(HEADER "\4WeB1\3Lan\0\0\x1c\0\1"),            "web1.lan", DNS_AAAA },
	{ "root",             ROW(HEADER "\0\0\2\0\1"),                         "", 2 },
	{ "additional part",  ROW("\x12\x34\1\x20\0\1\0\0\0\0\0\1" "\1a\0\0\1\0\1" "\0\0\x29\4\xd0\0\0\0\0\0\0"), "a", DNS_A },
	{ "empty",            ROW(""),                                          NULL, 0 },
	{ "header alone",     ROW(HEADER),                                      NULL, 0 },
	{ "an answer",        ROW("\x12\x34\x81\x80\0\1\0\0\0\0\0\0\1a\0\0\1\0\1"), NULL, 0 },
	{ "other operation",  ROW("\x12\x34\x28\0\0\1\0\0\0\0\0\0\1a\0\0\1\0\1"), NULL, 0 },
	{ "two questions",    ROW("\x12\x34\1\0\0\2\0\0\0\0\0\0\1a\0\0\1\0\1\1a\0\0\1\0\1"), NULL, 0 },
	{ "other class",      ROW(HEADER "\1a\0\0\1\0\3"),                      NULL, 0 },
	{ "label past end",   ROW(HEADER "\x3f" "abc"),                         NULL, 0 },
	{ "label too long",   ROW(HEADER "\x40" "abc\0\0\1\0\1"),               NULL, 0 },
	{ "pointer",          ROW(HEADER "\xc0\x0c\0\1\0\1"),                   NULL, 0 },
	{ "no end",           ROW(HEADER "\1a"),                                NULL, 0 },
	{ "no type",          ROW(HEADER "\1a\0\0\1\0"),                        NULL, 0 },
	{ "slash",            ROW(HEADER "\3a/b\0\0\1\0\1"),                    NULL, 0 },
	{ "dot in label",     ROW(HEADER "\2..\0\0\1\0\1"),                     NULL, 0 },
	{ "zero in label",    ROW(HEADER "\2a\0\0\0\1\0\1"),                    NULL, 0 },
	/* clang-format on */
};

static void test_questions(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct dns_query query;
		bool good = dns_read((const uint8_t *)rows[i].bytes, rows[i].size, &query);

		CHECK_ROW(rows[i].what, good == (rows[i].name != NULL));
		CHECK_ROW(rows[i].what, !good || strcmp(query.name, rows[i].name) == 0);
		CHECK_ROW(rows[i].what, !good || query.type == rows[i].type);
	}
}

static void test_long_names(void)
{
	uint8_t message[600] = HEADER;
	struct dns_query query;

	/* 255 bytes of labels is more than the text has room for */
	for (size_t i = 0; i < 5; i++) {
		message[12 + i * 64] = 63;
		memset(message + 13 + i * 64, 'a', 63);
	}
	CHECK(!dns_read(message, sizeof(message), &query));
}

static void test_answers(void)
{
	static const char question[] = HEADER "\4web1\0\0\1\0\1";
	const uint8_t *message = (const uint8_t *)question;
	struct ip_address addresses[2];
	struct dns_query query;
	uint8_t answer[512];

	CHECK(ip_parse("10.210.0.7", &addresses[0]) && ip_parse("fd00::7", &addresses[1]));
	CHECK(dns_read(message, sizeof(question) - 1, &query));
	size_t size = dns_write_addresses(message, &query, addresses, 2, answer, sizeof(answer));

	CHECK_INT(size, sizeof(question) - 1 + 16);
	CHECK(memcmp(answer, "\x12\x34\x85\x80\0\1\0\1\0\0\0\0", 12) == 0);
	CHECK(memcmp(answer + size - 16, "\xc0\x0c\0\1\0\1\0\0\0\5\0\4\x0a\xd2\0\7", 16) == 0);
	size = dns_write_addresses(message, &query, addresses + 1, 1, answer, sizeof(answer));
	CHECK_INT(size, sizeof(question) - 1);
	CHECK(memcmp(answer + 6, "\0\0", 2) == 0);
	size = dns_write_code(message, &query, DNS_NO_SUCH_NAME, answer, sizeof(answer));
	CHECK(size == sizeof(question) - 1 && (answer[3] & 15) == 3);
	size = dns_write_name(message, &query, "web1", answer, sizeof(answer));
	CHECK(memcmp(answer + size - 8, "\0\6\4web1\0", 8) == 0);
}

static void test_reverse(void)
{
	struct ip_address address;
	char text[IP_TEXT_MAX];

	CHECK(dns_read_reverse("7.0.210.10.in-addr.arpa", &address));
	CHECK_TEXT(ip_format(&address, text), "10.210.0.7");
	CHECK(dns_read_reverse(
		"7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa",
		&address));
	CHECK_TEXT(ip_format(&address, text), "fd00::7");
	CHECK(!dns_read_reverse("7.0.210.10.in-addr.arpa.x", &address));
	CHECK(!dns_read_reverse("300.0.210.10.in-addr.arpa", &address));
	CHECK(!dns_read_reverse("7.0.ip6.arpa", &address));
	CHECK(!dns_read_reverse(".ip6.arpa", &address));
}

int main(void)
{
	test_questions();
	test_long_names();
	test_answers();
	test_reverse();
	return unit_done("net_dns");
}
