/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Device rules: from the spec's list and the defaults, and what they mean. */
#include "cgroup/devices.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "cgroup/resources.h"

/* clang-format off */
static const struct device_rule defaults[] = {
	{ true, DEVICE_CHAR,  -1,  -1, DEVICE_MKNOD },	/* making a node opens nothing */
	{ true, DEVICE_BLOCK, -1,  -1, DEVICE_MKNOD },
	{ true, DEVICE_CHAR,   1,   3, DEVICE_ALL },	/* null */
	{ true, DEVICE_CHAR,   1,   5, DEVICE_ALL },	/* zero */
	{ true, DEVICE_CHAR,   1,   7, DEVICE_ALL },	/* full */
	{ true, DEVICE_CHAR,   1,   8, DEVICE_ALL },	/* random */
	{ true, DEVICE_CHAR,   1,   9, DEVICE_ALL },	/* urandom */
	{ true, DEVICE_CHAR,   5,   0, DEVICE_ALL },	/* tty */
	{ true, DEVICE_CHAR,   5,   1, DEVICE_ALL },	/* console */
	{ true, DEVICE_CHAR,   5,   2, DEVICE_ALL },	/* ptmx */
	{ true, DEVICE_CHAR, 136,  -1, DEVICE_ALL },	/* pts */
	{ true, DEVICE_CHAR,  10, 200, DEVICE_ALL },	/* net/tun */
};

/* clang-format on */

enum {
	DEFAULTS = sizeof(defaults) / sizeof(defaults[0]),
};

static unsigned int parse_access(const char *text)
{
	unsigned int access = 0;

	if (!text)
		return DEVICE_ALL;
	if (strchr(text, 'm'))
		access |= DEVICE_MKNOD;
	if (strchr(text, 'r'))
		access |= DEVICE_READ;
	if (strchr(text, 'w'))
		access |= DEVICE_WRITE;
	return access;
}

static int64_t number_or_any(const struct opt_i64 *number)
{
	return number->set ? number->value : CGROUP_ANY_DEVICE;
}

static enum device_type parse_type(const char *text)
{
	if (text && text[0] == 'b')
		return DEVICE_BLOCK;
	return text && text[0] == 'c' ? DEVICE_CHAR : DEVICE_ANY;
}

static bool covers_all(const struct device_rule *rule)
{
	return rule->type == DEVICE_ANY && rule->major < 0 && rule->minor < 0 &&
	       rule->access == DEVICE_ALL;
}

int device_rules_build(const struct json_list *devices, struct arena *arena,
		       struct device_rules *rules, struct err *err)
{
	const struct cgroup_device *items = devices->items;

	*rules = (struct device_rules){ 0 };
	rules->items = arena_alloc(arena, (devices->count + DEFAULTS) * sizeof(*rules->items));
	if (!rules->items)
		return err_sys(err, "read linux.resources.devices");
	for (size_t i = 0; i < devices->count; i++) {
		struct device_rule rule = {
			.allow = items[i].allow,
			.type = parse_type(items[i].type),
			.major = number_or_any(&items[i].major),
			.minor = number_or_any(&items[i].minor),
			.access = parse_access(items[i].access),
		};

		if (covers_all(&rule)) {
			rules->allow = rule.allow;
			rules->count = 0;
		} else {
			rules->items[rules->count++] = rule;
		}
	}
	if (rules->allow)
		return 0;
	memcpy(rules->items + rules->count, defaults, sizeof(defaults));
	rules->count += DEFAULTS;
	return 0;
}

static bool matches(const struct device_rule *rule, enum device_type type, int64_t major,
		    int64_t minor)
{
	return (rule->type == DEVICE_ANY || rule->type == type) &&
	       (rule->major < 0 || rule->major == major) &&
	       (rule->minor < 0 || rule->minor == minor);
}

bool device_rules_allow(const struct device_rules *rules, enum device_type type, uint32_t major,
			uint32_t minor, unsigned int access)
{
	for (unsigned int bit = DEVICE_MKNOD; bit <= DEVICE_WRITE; bit <<= 1) {
		bool allow = rules->allow;

		for (size_t i = 0; i < rules->count; i++) {
			const struct device_rule *rule = &rules->items[i];

			if (rule->access & bit && matches(rule, type, major, minor))
				allow = rule->allow;
		}
		if (access & bit && !allow)
			return false;
	}
	return true;
}

static bool same_device(const struct device_rule *left, const struct device_rule *right)
{
	return left->type == right->type && left->major == right->major &&
	       left->minor == right->minor;
}

static bool overlap(const struct device_rule *left, const struct device_rule *right)
{
	return left->type == right->type &&
	       (left->major < 0 || right->major < 0 || left->major == right->major) &&
	       (left->minor < 0 || right->minor < 0 || left->minor == right->minor) &&
	       left->access & right->access;
}

/* Adds to the exceptions what differs from the default, or takes away what goes back to it. */
static bool flatten_rule(const struct device_rules *rules, const struct device_rule *rule,
			 struct device_rule *exceptions, size_t *count)
{
	size_t same = *count;

	for (size_t i = 0; i < *count; i++) {
		if (same_device(&exceptions[i], rule))
			same = i;
		else if (rule->allow == rules->allow && overlap(&exceptions[i], rule))
			return false;
	}
	if (rule->allow == rules->allow) {
		if (same < *count)
			exceptions[same].access &= ~rule->access;
		return true;
	}
	if (same == *count) {
		exceptions[(*count)++] = *rule;
		return true;
	}
	exceptions[same].access |= rule->access;
	return true;
}

bool device_rules_flatten(const struct device_rules *rules, struct device_rule *exceptions,
			  size_t *count)
{
	*count = 0;
	for (size_t i = 0; i < rules->count; i++) {
		struct device_rule rule = rules->items[i];

		/* v1 reads "a" as every device whatever follows, so a narrower rule for both types
		 * becomes two */
		for (int type = DEVICE_BLOCK; type <= DEVICE_CHAR; type++) {
			if (rules->items[i].type != DEVICE_ANY &&
			    rules->items[i].type != (enum device_type)type)
				continue;
			rule.type = (enum device_type)type;
			if (!flatten_rule(rules, &rule, exceptions, count))
				return false;
		}
	}
	return true;
}

static const char *number_text(int64_t number, char buffer[24])
{
	if (number < 0)
		return "*";
	snprintf(buffer, 24, "%lld", (long long)number);
	return buffer;
}

const char *device_rule_line(const struct device_rule *rule, char line[DEVICE_LINE_MAX])
{
	char major[24], minor[24];

	snprintf(line, DEVICE_LINE_MAX, "%c %.8s:%.8s %s%s%s",
		 rule->type == DEVICE_BLOCK ? 'b' : 'c', number_text(rule->major, major),
		 number_text(rule->minor, minor), rule->access & DEVICE_READ ? "r" : "",
		 rule->access & DEVICE_WRITE ? "w" : "", rule->access & DEVICE_MKNOD ? "m" : "");
	return line;
}
