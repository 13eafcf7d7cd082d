/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What both knob tables share: the list of writes, and the emitters for plain members. */
#include "cgroup/knobs.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "cgroup/resources.h"

enum {
	WRITES_FIRST_ROOM = 16,
	TEXT_MAX = 192,
};

/* Room for one more; NULL when memory ran out. */
static struct cgroup_write *append(struct cgroup_writes *writes)
{
	if (writes->count == writes->room) {
		size_t room = writes->room ? writes->room * 2 : WRITES_FIRST_ROOM;
		struct cgroup_write *items = arena_alloc(writes->arena, room * sizeof(*items));

		if (!items) {
			writes->failed = 1;
			return NULL;
		}
		if (writes->count)
			memcpy(items, writes->items, writes->count * sizeof(*items));
		writes->items = items;
		writes->room = room;
	}
	return &writes->items[writes->count++];
}

struct cgroup_write *cgroup_knob_put(const struct cgroup_knob *knob, struct cgroup_writes *writes,
				     const char *format, ...)
{
	static struct cgroup_write const empty;
	char text[TEXT_MAX];
	va_list args;

	va_start(args, format);
	int length = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	struct cgroup_write *write = append(writes);

	if (!write)
		return NULL;
	*write = empty;
	write->controller = knob->controller;
	write->field = knob->field;
	write->file = knob->file;
	write->flags = knob->flags;
	if (length >= 0 && (size_t)length < sizeof(text))
		write->text = arena_strdup(writes->arena, text);
	if (!write->text)
		writes->failed = 1;
	return write;
}

/* Intent is what the user wrote, and what messages shall speak of. */
static void find_origins(const struct json_list *list, struct cgroup_writes *writes)
{
	const struct cgroup_origin *origins = list->items;

	for (size_t i = 0; i < list->count; i++) {
		for (size_t at = 0; at < writes->count; at++) {
			if (strcmp(writes->items[at].field, origins[i].field) == 0)
				writes->items[at].from = origins[i].from;
		}
	}
}

const char *cgroup_write_field(const struct cgroup_write *write, char buffer[CGROUP_FIELD_MAX])
{
	if (write->from)
		return write->from;
	snprintf(buffer, CGROUP_FIELD_MAX, "linux.resources.%s", write->field);
	return buffer;
}

int cgroup_knobs_compile(const struct cgroup_knobs *knobs, uint32_t mask,
			 const struct cgroup_resources *resources, struct cgroup_writes *writes,
			 struct err *err)
{
	for (size_t i = 0; i < knobs->count; i++) {
		const struct cgroup_knob *knob = &knobs->rows[i];

		if (mask & CGROUP_BIT(knob->controller))
			knob->emit(knob, resources, writes);
	}
	find_origins(&resources->origins, writes);
	if (writes->failed)
		return err_set(err, ENOMEM, "apply linux.resources: out of memory");
	return 0;
}

const char *cgroup_limit_text(int64_t limit, char buffer[24])
{
	if (limit < 0)
		return "max";
	snprintf(buffer, 24, "%lld", (long long)limit);
	return buffer;
}

static const struct opt_i64 *member_i64(const struct cgroup_knob *knob,
					const struct cgroup_resources *resources)
{
	return (const void *)((const char *)resources + knob->offset);
}

static const struct opt_u64 *member_u64(const struct cgroup_knob *knob,
					const struct cgroup_resources *resources)
{
	return (const void *)((const char *)resources + knob->offset);
}

void cgroup_emit_i64(const struct cgroup_knob *knob, const struct cgroup_resources *resources,
		     struct cgroup_writes *writes)
{
	const struct opt_i64 *member = member_i64(knob, resources);

	if (member->set)
		cgroup_knob_put(knob, writes, "%lld", (long long)member->value);
}

void cgroup_emit_nonzero_i64(const struct cgroup_knob *knob,
			     const struct cgroup_resources *resources, struct cgroup_writes *writes)
{
	if (member_i64(knob, resources)->value)
		cgroup_emit_i64(knob, resources, writes);
}

void cgroup_emit_nonzero_u64(const struct cgroup_knob *knob,
			     const struct cgroup_resources *resources, struct cgroup_writes *writes)
{
	const struct opt_u64 *member = member_u64(knob, resources);

	if (member->value)
		cgroup_knob_put(knob, writes, "%llu", (unsigned long long)member->value);
}

void cgroup_emit_true(const struct cgroup_knob *knob, const struct cgroup_resources *resources,
		      struct cgroup_writes *writes)
{
	if (member_i64(knob, resources)->value)
		cgroup_knob_put(knob, writes, "1");
}

void cgroup_emit_text(const struct cgroup_knob *knob, const struct cgroup_resources *resources,
		      struct cgroup_writes *writes)
{
	const char *text = *(const char *const *)((const char *)resources + knob->offset);

	if (!text || !*text)
		return;
	struct cgroup_write *write = cgroup_knob_put(knob, writes, "%s", "");

	if (write)
		write->text = text; /* of any length, and it lives as long as the resources do */
}

void cgroup_emit_limit(const struct cgroup_knob *knob, const struct cgroup_resources *resources,
		       struct cgroup_writes *writes)
{
	const struct opt_i64 *member = member_i64(knob, resources);
	char buffer[24];

	if (member->set)
		cgroup_knob_put(knob, writes, "%s", cgroup_limit_text(member->value, buffer));
}

void cgroup_emit_nonzero_limit(const struct cgroup_knob *knob,
			       const struct cgroup_resources *resources,
			       struct cgroup_writes *writes)
{
	if (member_i64(knob, resources)->value)
		cgroup_emit_limit(knob, resources, writes);
}

/* -1 is what Docker writes for "nothing chosen". */
void cgroup_emit_swappiness(const struct cgroup_knob *knob,
			    const struct cgroup_resources *resources, struct cgroup_writes *writes)
{
	if (resources->memory.swappiness.value >= 0)
		cgroup_emit_i64(knob, resources, writes);
}

/*
 * Both ways of counting a huge page: when it is reserved (5.7; not on every kernel) and when it is
 * touched. The row's file is how the names end.
 */
void cgroup_emit_hugepages(const struct cgroup_knob *knob, const struct cgroup_resources *resources,
			   struct cgroup_writes *writes)
{
	const struct cgroup_hugepage *pages = resources->hugepages.items;

	for (size_t i = 0; i < resources->hugepages.count; i++) {
		const char *size = pages[i].page_size;
		unsigned long long limit = pages[i].limit.value;
		struct cgroup_write *reserved = cgroup_knob_put(knob, writes, "%llu", limit);

		if (reserved) {
			reserved->file =
				arena_printf(writes->arena, "hugetlb.%s.rsvd.%s", size, knob->file);
			reserved->flags = WRITE_SILENT;
		}
		struct cgroup_write *faulted = cgroup_knob_put(knob, writes, "%llu", limit);

		if (faulted)
			faulted->file =
				arena_printf(writes->arena, "hugetlb.%s.%s", size, knob->file);
	}
}

/* One line a device; a member that is absent stays as it is. */
void cgroup_emit_rdma(const struct cgroup_knob *knob, const struct cgroup_resources *resources,
		      struct cgroup_writes *writes)
{
	const struct cgroup_rdma *devices = resources->rdma.items;

	for (size_t i = 0; i < resources->rdma.count; i++) {
		char handles[40] = "", objects[40] = "";

		if (devices[i].handles.set)
			snprintf(handles, sizeof(handles), " hca_handle=%llu",
				 (unsigned long long)devices[i].handles.value);
		if (devices[i].objects.set)
			snprintf(objects, sizeof(objects), " hca_object=%llu",
				 (unsigned long long)devices[i].objects.value);
		cgroup_knob_put(knob, writes, "%s%s%s", devices[i].key, handles, objects);
	}
}
