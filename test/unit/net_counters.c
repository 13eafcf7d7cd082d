/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel's table of interfaces, as it is and as it should not be. */
#include "net/net.h"

#include "base/arena.h"
#include "test/unit/unit.h"

/* clang-format off */
static const struct {
	const char *name, *text, *json;
} rows[] = {
	{ "headings, loopback, two interfaces",
	  "Inter-|   Receive                                                |  Transmit\n"
	  " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n"
	  "    lo:     560       6    0    0    0     0          0         0      560       6    0    0    0     0       0          0\n"
	  "  eth0: 18446744073709551615   15    1    2    3     4          5         6     1006      11    7    8    9    10       11         12\n"
	  "veth0123456789a:1 2 3 4 0 0 0 0 5 6 7 8 0 0 0 0\n",
	  "[{\"Name\":\"eth0\",\"RxBytes\":18446744073709551615,\"RxPackets\":15,\"RxErrors\":1,\"RxDropped\":2,"
	  "\"TxBytes\":1006,\"TxPackets\":11,\"TxErrors\":7,\"TxDropped\":8},"
	  "{\"Name\":\"veth0123456789a\",\"RxBytes\":1,\"RxPackets\":2,\"RxErrors\":3,\"RxDropped\":4,"
	  "\"TxBytes\":5,\"TxPackets\":6,\"TxErrors\":7,\"TxDropped\":8}]" },
	{ "nothing", "", "" },
	{ "a line that was cut off", "eth0: 1 2 3 4 5", "" },
	{ "words for numbers", "eth0: a b c d e f g h i j k l m n o p\n", "" },
};

/* clang-format on */

struct table {
	struct json_list list;
};

static const struct json_row table_rows[] = {
	{ "list", JSON_LIST, 0, &net_counters_object },
};
static const struct json_object table_object = JSON_OBJECT_OF(struct table, table_rows);

int main(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		auto_arena struct arena arena = { 0 };
		struct table table = { { NULL, 0 } };
		const char *want = rows[i].json[0]
					   ? arena_printf(&arena, "{\"list\":%s}", rows[i].json)
					   : "{}";

		CHECK_INT(net_counters_parse(rows[i].text, &arena, &table.list), 0);
		const char *have = json_encode(&table_object, &table, 0, &arena, NULL);

		CHECK_ROW(rows[i].name, have && strcmp(have, want) == 0);
	}
	return unit_done("net_counters");
}
