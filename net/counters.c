/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What went through the interfaces of a network namespace, from the kernel's table of them. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "net/net.h"

/* clang-format off */
#define AT(member) offsetof(struct net_counters, member)
static const struct json_row counters_rows[] = {
	{ "Name",      JSON_TEXT, AT(name) },
	{ "RxBytes",   JSON_U64,  AT(rx_bytes) },
	{ "RxPackets", JSON_U64,  AT(rx_packets) },
	{ "RxErrors",  JSON_U64,  AT(rx_errors) },
	{ "RxDropped", JSON_U64,  AT(rx_dropped) },
	{ "TxBytes",   JSON_U64,  AT(tx_bytes) },
	{ "TxPackets", JSON_U64,  AT(tx_packets) },
	{ "TxErrors",  JSON_U64,  AT(tx_errors) },
	{ "TxDropped", JSON_U64,  AT(tx_dropped) },
};
/* clang-format on */
const struct json_object net_counters_object = JSON_OBJECT_OF(struct net_counters, counters_rows);

/*
 * "  eth0:  468  5 0 0  0 0 0 0   468 5 0 0  0 0 0 0": bytes, packets, errors, dropped and four
 * more of each direction. The lines of headings have no colon behind their first word.
 */
static bool parse_line(const char *line, struct arena *arena, struct net_counters *counters)
{
	uint64_t received[4], sent[4];
	char name[32];

	if (sscanf(line,
		   " %31[^: ]:%" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
		   " %*s %*s %*s %*s %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64,
		   name, &received[0], &received[1], &received[2], &received[3], &sent[0], &sent[1],
		   &sent[2], &sent[3]) != 9)
		return false;
	*counters = (struct net_counters){
		.name = arena_strdup(arena, name),
		.rx_bytes = { true, received[0] },
		.rx_packets = { true, received[1] },
		.rx_errors = { true, received[2] },
		.rx_dropped = { true, received[3] },
		.tx_bytes = { true, sent[0] },
		.tx_packets = { true, sent[1] },
		.tx_errors = { true, sent[2] },
		.tx_dropped = { true, sent[3] },
	};
	return strcmp(name, "lo") != 0;
}

int net_counters_parse(const char *text, struct arena *arena, struct json_list *list)
{
	for (const char *line = text; line; line = strchr(line, '\n')) {
		struct net_counters counters;

		line += *line == '\n';
		if (!parse_line(line, arena, &counters))
			continue;
		struct net_counters *added = json_grow(arena, list, sizeof(*added));

		if (!added || !counters.name)
			return -1;
		*added = counters;
	}
	return 0;
}
