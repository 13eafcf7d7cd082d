/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Applies a preset: its document is decoded first, the user's over it, then lists are joined and
 * seccomp is resolved. */
#include "runtime/preset.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "runtime/spec.h"

static const struct {
	const char *name;
	const struct preset_file *file;
} presets[] = {
	{ "default", &preset_default },
};

const char *const spec_preset_names[] = { "default", NULL };

/* ---- the first look at a document: which preset, and is there a process at all ---- */

struct scan_part {
	bool present;
	const char *preset;
};

struct scan {
	struct scan_part process, masu;
};

/* clang-format off */
static const struct json_row scan_masu_rows[] = {
	{ "preset", JSON_TEXT, offsetof(struct scan_part, preset) },
};
static const struct json_object scan_masu_object = {
	.rows = scan_masu_rows, .row_count = 1, .size = sizeof(struct scan_part), .partial = true,
};
static const struct json_object scan_process_object = {
	.size = sizeof(struct scan_part), .present = offsetof(struct scan_part, present) + 1, .partial = true,
};
static const struct json_row scan_rows[] = {
	{ "process", JSON_OBJECT, offsetof(struct scan, process), &scan_process_object },
	{ "masu",    JSON_OBJECT, offsetof(struct scan, masu),    &scan_masu_object },
};
static const struct json_object scan_object = {
	.rows = scan_rows, .row_count = 2, .size = sizeof(struct scan), .partial = true,
};

/* clang-format on */

static int decode_file(const struct preset_file *file, const char *source,
		       const struct json_object *object, void *target, struct arena *arena,
		       struct err *err)
{
	return json_decode(source, file->text, (size_t)(file->end - file->text), object, target,
			   arena, err);
}

/* ---- lists that are joined ---- */

struct join {
	size_t size;                                      /* of an item */
	bool (*same)(const void *one, const void *other); /* `other` replaces `one` */
};

/* The preset's items, each replaced by the first one of the document that is the same; then the
 * document's others. */
static int join_lists(struct json_list *list, const struct json_list *preset,
		      const struct join *join, struct arena *arena)
{
	size_t size = join->size, count = preset->count;
	char *items = arena_alloc(arena, (preset->count + list->count) * size);

	if (!items)
		return -1;
	if (count)
		memcpy(items, preset->items, count * size);
	for (size_t i = 0; i < list->count; i++) {
		const char *item = (const char *)list->items + i * size;
		size_t place = 0;

		while (place < preset->count && !join->same(items + place * size, item))
			place++;
		if (place == preset->count)
			place = count++;
		memcpy(items + place * size, item, size);
	}
	*list = (struct json_list){ items, count };
	return 0;
}

static size_t length_without_slashes(const char *path)
{
	size_t length = strlen(path);

	while (length > 1 && path[length - 1] == '/')
		length--;
	return length;
}

static bool same_destination(const void *one, const void *other)
{
	const char *left = ((const struct ns_mount_spec *)one)->destination;
	const char *right = ((const struct ns_mount_spec *)other)->destination;
	size_t length = length_without_slashes(left);

	return length == length_without_slashes(right) && strncmp(left, right, length) == 0;
}

static bool same_variable(const void *one, const void *other)
{
	const char *left = *(const char *const *)one, *right = *(const char *const *)other;
	size_t length = strcspn(left, "=");

	return length == strcspn(right, "=") && strncmp(left, right, length) == 0;
}

static const struct join mounts_join = { sizeof(struct ns_mount_spec), same_destination };
static const struct join env_join = { sizeof(const char *), same_variable };

/* ---- seccomp: the profile for this architecture and these capabilities ---- */

struct profile_grant {
	const char *capability;
	struct json_raw names;
};

struct profile_rule {
	struct json_raw names, args;
	const char *action;
	struct opt_i64 errno_ret;
};

struct profile {
	const char *default_action;
	struct opt_i64 default_errno;
	struct json_list archs;
	struct json_list rules;  /* struct profile_rule */
	struct json_list grants; /* struct profile_grant; never encoded */
};

/* clang-format off */
#define AT(type, member) offsetof(struct type, member)
static const struct json_row grant_rows[] = {
	{ "capability", JSON_TEXT, AT(profile_grant, capability), .flags = JSON_REQUIRED },
	{ "names",      JSON_RAW,  AT(profile_grant, names),      .flags = JSON_REQUIRED },
};
static const struct json_object grant_object = JSON_OBJECT_OF(struct profile_grant, grant_rows);
static const struct json_row rule_rows[] = {
	{ "names",    JSON_RAW,  AT(profile_rule, names), .flags = JSON_REQUIRED },
	{ "action",   JSON_TEXT, AT(profile_rule, action), .flags = JSON_REQUIRED },
	{ "errnoRet", JSON_I64,  AT(profile_rule, errno_ret) },
	{ "args",     JSON_RAW,  AT(profile_rule, args) },
};
static const struct json_object rule_object = JSON_OBJECT_OF(struct profile_rule, rule_rows);
static const struct json_row profile_rows[] = {
	{ "defaultAction",    JSON_TEXT,  AT(profile, default_action), .flags = JSON_REQUIRED },
	{ "defaultErrnoRet",  JSON_I64,   AT(profile, default_errno) },
	{ "architectures",    JSON_TEXTS, AT(profile, archs) },
	{ "syscalls",         JSON_LIST,  AT(profile, rules), &rule_object },
	{ "masuCapabilities", JSON_LIST,  AT(profile, grants), &grant_object },
};
static const struct json_object profile_object = JSON_OBJECT_OF(struct profile, profile_rows);
/* clang-format on */

/* The machine's own architecture, and the one that its 32-bit programs use. x32 is left out: hardly
 * a kernel has it. */
static const char *const native_archs[] = {
#if defined(__x86_64__)
	"SCMP_ARCH_X86_64",
	"SCMP_ARCH_X86",
#elif defined(__aarch64__)
	"SCMP_ARCH_AARCH64",
	"SCMP_ARCH_ARM",
#elif defined(__s390x__)
	"SCMP_ARCH_S390X",
	"SCMP_ARCH_S390",
#elif defined(__riscv) && __riscv_xlen == 64
	"SCMP_ARCH_RISCV64",
#endif
	NULL,
};

static bool has_capability(const struct spec *spec, const char *name)
{
	const struct security_capabilities *capabilities =
		spec->process ? spec->process->security.capabilities : NULL;

	if (!capabilities)
		return false;
	const struct json_list *bounding = &capabilities->sets[CAPS_BOUNDING];

	for (size_t i = 0; i < bounding->count; i++) {
		if (strcmp(JSON_ITEMS(const char *, bounding)[i], name) == 0)
			return true;
	}
	return false;
}

/* Put the calls that the spec's capabilities open up in front: of two entries for one call, the
 * first decides. */
static int grant_calls(struct profile *profile, const struct spec *spec, struct arena *arena)
{
	size_t most = profile->grants.count + profile->rules.count, count = 0;
	struct profile_rule *rules = arena_alloc(arena, most * sizeof(*rules));

	if (!rules)
		return -1;
	for (size_t i = 0; i < profile->grants.count; i++) {
		const struct profile_grant *grant =
			&JSON_ITEMS(const struct profile_grant, &profile->grants)[i];

		if (has_capability(spec, grant->capability))
			rules[count++] = (struct profile_rule){ .names = grant->names,
								.action = "SCMP_ACT_ALLOW" };
	}
	memcpy(rules + count, profile->rules.items, profile->rules.count * sizeof(*rules));
	profile->rules = (struct json_list){ rules, count + profile->rules.count };
	profile->grants = (struct json_list){ 0 };
	return 0;
}

static size_t count_texts(const char *const *texts)
{
	size_t count = 0;

	while (texts[count])
		count++;
	return count;
}

/* Resolved as a document, so that the profile meets the rows of security/ like any other. */
static int add_seccomp(struct spec *spec, struct arena *arena, struct err *err)
{
	static const char source[] = "configs/seccomp/default.json";
	struct spec_linux part = { 0 };
	struct profile profile = { 0 };

	if (decode_file(&preset_seccomp, source, &profile_object, &profile, arena, err) < 0)
		return -1;
	if (grant_calls(&profile, spec, arena) < 0)
		return err_sys(err, "decode %s", source);
	profile.archs = (struct json_list){ (void *)native_archs, count_texts(native_archs) };
	const char *resolved = json_encode(&profile_object, &profile, 0, arena, err);
	const char *text = resolved ? arena_printf(arena, "{\"seccomp\":%s}", resolved) : NULL;

	if (!text)
		return err_sys(err, "decode %s", source);
	if (json_decode(source, text, strlen(text), &security_linux_object, &part.security, arena,
			err) < 0)
		return -1;
	spec->linux_part.security.seccomp = part.security.seccomp;
	return 0;
}

/* ---- all of it ---- */

static const struct preset_file *find_preset(const char *name)
{
	for (size_t i = 0; i < sizeof(presets) / sizeof(presets[0]); i++) {
		if (strcmp(presets[i].name, name) == 0)
			return presets[i].file;
	}
	return NULL;
}

static bool has_uts_namespace(const struct spec *spec)
{
	return ns_is_new(&spec->linux_part.ns, NS_UTS);
}

static int decode_over(const struct preset_document *document, const struct preset_file *file,
		       struct arena *arena, struct spec *spec, struct err *err)
{
	if (decode_file(file, "preset", &spec_object, spec, arena, err) < 0)
		return -1;
	const struct json_list mounts = spec->mounts, env = spec->process->env;
	const char *hostname = spec->hostname;

	spec->mounts = spec->process->env = (struct json_list){ 0 };
	spec->hostname = NULL;
	if (json_decode(document->source, document->text, document->length, &spec_object, spec,
			arena, err) < 0)
		return -1;
	if (!spec->hostname && has_uts_namespace(spec))
		spec->hostname = hostname;
	if (join_lists(&spec->mounts, &mounts, &mounts_join, arena) < 0 ||
	    join_lists(&spec->process->env, &env, &env_join, arena) < 0)
		return err_sys(err, "decode %s", document->source);
	return 0;
}

int preset_decode(const struct preset_document *document, struct arena *arena, struct spec *spec,
		  struct err *err)
{
	struct scan scan = { 0 };

	/* most documents name no preset and are read once */
	if (memmem(document->text, document->length, "\"preset\"", strlen("\"preset\"")) &&
	    json_decode(document->source, document->text, document->length, &scan_object, &scan,
			arena, err) < 0)
		return -1;
	if (!scan.masu.preset)
		return json_decode(document->source, document->text, document->length, &spec_object,
				   spec, arena, err);
	const struct preset_file *file = find_preset(scan.masu.preset);

	if (!file) {
		err_set(err, ERR_INPUT, "%s: masu.preset: there is no preset \"%.60s\"",
			document->source, scan.masu.preset);
		return err_hint(err, "there is \"%s\"", presets[0].name);
	}
	if (decode_over(document, file, arena, spec, err) < 0)
		return -1;
	/* an image may have a program */
	if (!scan.process.present && !spec->masu.storage.present)
		spec->process = NULL;
	return spec->linux_part.security.seccomp ? 0 : add_seccomp(spec, arena, err);
}

/* ---- templates ---- */

/* The text with each of two words replaced by a number. */
static const char *replace_ids(const char *text, uid_t uid, gid_t gid, struct arena *arena)
{
	const char *uid_at = strstr(text, "@UID@"), *gid_at = strstr(text, "@GID@");
	const int word = (int)strlen("@UID@");

	return arena_printf(arena, "%.*s%u%.*s%u%s", (int)(uid_at - text), text, (unsigned int)uid,
			    (int)(gid_at - uid_at) - word, uid_at + word, (unsigned int)gid,
			    gid_at + word);
}

const char *spec_template(enum spec_template kind, uid_t uid, gid_t gid, struct arena *arena,
			  struct err *err)
{
	if (kind == SPEC_TEMPLATE_FULL)
		return preset_template_full.text;
	if (kind == SPEC_TEMPLATE_SHORT)
		return preset_template_short.text;
	const char *text = replace_ids(preset_template_rootless.text, uid, gid, arena);

	if (!text)
		err_sys(err, "write the template");
	return text;
}
