/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* masu.resources reaches the parts that apply it: disk the storage, rates the interface; and what
 * does not go together. */
#include "runtime/intent.h"

#include "base/err.h"
#include "runtime/spec.h"
#include "test/unit/unit.h"

static const struct intent_row {
	const char *masu;  /* the extension object */
	const char *error; /* its beginning; NULL: it is composed */
	const char *size;  /* what masu.storage and the first interface then say; NULL: nothing */
	unsigned long long inodes;
	const char *egress, *ingress;
} rows[] = {
	/* clang-format off */
	{ "{}", NULL, NULL, 0, NULL, NULL },
	{ "{\"resources\":{\"disk\":\"2G\"},\"storage\":{\"image\":\"a\"}}", NULL, "2147483648", 0, NULL, NULL },
	{ "{\"resources\":{\"disk\":{\"inodes\":1000}},\"storage\":{\"image\":\"a\",\"size\":\"5M\"}}", NULL, "5M", 1000, NULL, NULL },
	{ "{\"resources\":{\"disk\":\"2G\"}}", "masu.resources.disk: needs masu.storage", NULL, 0, NULL, NULL },
	{ "{\"resources\":{\"disk\":\"2G\"},\"storage\":{\"image\":\"a\",\"size\":\"5M\"}}", "masu.resources.disk: masu.storage.size says it already", NULL, 0, NULL, NULL },
	{ "{\"resources\":{\"disk\":{\"inodes\":5}},\"storage\":{\"image\":\"a\",\"inodes\":6}}", "masu.resources.disk: masu.storage.inodes says it already", NULL, 0, NULL, NULL },
	{ "{\"resources\":{\"network\":{\"egress\":\"20mbit\",\"ingress\":\"1K\"}},\"network\":{\"interfaces\":[{}]}}", NULL, NULL, 0, "20000000", "8192" },
	{ "{\"resources\":{\"network\":{\"egress\":\"max\"}},\"network\":{\"interfaces\":[{}]}}", NULL, NULL, 0, NULL, NULL },
	{ "{\"resources\":{\"network\":{\"egress\":\"1M\"}}}", "masu.resources.network: rates need a container with one interface", NULL, 0, NULL, NULL },
	{ "{\"resources\":{\"network\":{\"egress\":\"1M\"}},\"network\":{\"interfaces\":[{},{\"network\":\"b\"}]}}", "masu.resources.network: rates need a container with one interface", NULL, 0, NULL, NULL },
	{ "{\"resources\":{\"network\":{\"egress\":\"1M\"}},\"network\":{\"interfaces\":[{\"bandwidth\":{\"egress\":\"1mbit\"}}]}}",
	  "masu.resources.network.egress: masu.network says it already", NULL, 0, NULL, NULL },
	{ "{\"resources\":{\"memory\":{\"swap\":1}}}", "masu.resources.memory.swap: needs memory.max", NULL, 0, NULL, NULL },
	/* clang-format on */
};

static void check_row(const struct intent_row *row)
{
	auto_arena struct arena arena = { 0 };
	struct spec spec = { 0 };
	struct err err = { 0 };
	const char *text =
		arena_printf(&arena, "{\"ociVersion\":\"1.3.0\",\"masu\":%s}", row->masu);

	CHECK_ROW(row->masu,
		  json_decode("test", text, strlen(text), &spec_object, &spec, &arena, &err) == 0);
	CHECK_ROW(row->masu, intent_compose(&spec, false, &arena, &err) == (row->error ? -1 : 0));
	CHECK_INT(err.code, row->error ? ERR_INPUT : 0);
	CHECK_ROW(err.text, !row->error || str_starts(err.text, row->error));
	if (row->error)
		return;
	if (row->size)
		CHECK_TEXT(spec.masu.storage.size, row->size);
	CHECK_INT(spec.masu.storage.inodes.value, row->inodes);
	if (!spec.masu.network)
		return;
	const struct net_bandwidth_spec *bandwidth =
		&JSON_ITEMS(struct net_interface_spec, &spec.masu.network->interfaces)[0].bandwidth;

	CHECK_ROW(row->masu,
		  !row->egress == !bandwidth->egress && !row->ingress == !bandwidth->ingress);
	if (row->egress)
		CHECK_TEXT(bandwidth->egress, row->egress);
	if (row->ingress)
		CHECK_TEXT(bandwidth->ingress, row->ingress);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_row(&rows[i]);
	return unit_done("runtime_intent");
}
