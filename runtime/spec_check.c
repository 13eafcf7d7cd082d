/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a spec must be, as far as it can be said without looking at the host. */
#include "runtime/spec.h"

#include <string.h>

#include "base/err.h"
#include "base/path.h"

enum {
	SHOWN_MAX = 60, /* bytes of a wrong value in a message */
};

/* Skips one number without leading zeros; NULL when there is none. */
static const char *skip_number(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	return !digits || (digits > 1 && *text == '0') ? NULL : text + digits;
}

static bool is_semantic_version(const char *text)
{
	for (int part = 0; part < 3; part++) {
		if (part && *text++ != '.')
			return false;
		text = skip_number(text);
		if (!text)
			return false;
	}
	if (!*text)
		return true;
	static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ.-+";

	return (*text == '-' || *text == '+') && text[1] && !text[strspn(text, letters)];
}

int spec_check_version(const char *version, struct err *err)
{
	if (!is_semantic_version(version))
		return err_set(err, ERR_INPUT,
			       "ociVersion: \"%.*s\" is not a version (MAJOR.MINOR.PATCH)",
			       SHOWN_MAX, version);
	if (version[0] == '1' && version[1] == '.')
		return 0;
	err_set(err, ERR_INPUT, "ociVersion: \"%.*s\" is not supported", SHOWN_MAX, version);
	return err_hint(err, "masu knows 1.0.0 to " SPEC_VERSION);
}

int spec_check_id(const char *id, struct err *err)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_+.-";
	size_t length = id ? strlen(id) : 0;

	if (!length)
		return err_set(err, ERR_INPUT, "container id: must not be empty");
	if (length > SPEC_ID_MAX)
		return err_set(err, ERR_INPUT, "container id: longer than %d bytes", SPEC_ID_MAX);
	if (id[strspn(id, letters)] == '\0' && !strchr("+.-", id[0]))
		return 0;
	char shown[SPEC_ID_MAX * 6 + 3];

	json_quote(id, shown, sizeof(shown));
	err_set(err, ERR_INPUT, "container id: %.*s is not acceptable", SHOWN_MAX, shown);
	return err_hint(err, "letters, digits, '_', '+', '.' and '-'; the first one a letter, "
			     "a digit or '_'");
}

static int check_env(const struct json_list *env, const char *field, struct err *err)
{
	for (size_t i = 0; i < env->count; i++) {
		const char *variable = JSON_ITEMS(const char *, env)[i];
		const char *equals = strchr(variable, '=');

		if (!equals || equals == variable)
			return err_set(err, ERR_INPUT, "%s[%zu]: \"%.*s\" is not NAME=VALUE", field,
				       i, SHOWN_MAX, variable);
		/* HOME ends in /etc/passwd-like places: CVE-2022-4318 */
		if (strncmp(variable, "HOME=", 5) == 0 && !str_is_clean(variable))
			return err_set(err, ERR_INPUT,
				       "%s[%zu]: control characters are not allowed in HOME", field,
				       i);
	}
	return 0;
}

/* The part of `process` that is runtime's own. */
static int check_process(const struct spec_process *process, struct err *err)
{
	const struct json_list *args = &process->args;

	if (!args->count)
		return err_set(err, ERR_INPUT, "process.args: %s, it names the program to run",
			       args->items ? "must not be empty" : "missing");
	if (!JSON_ITEMS(const char *, args)[0][0])
		return err_set(err, ERR_INPUT, "process.args[0]: must not be empty");
	if (!process->cwd)
		return err_set(err, ERR_INPUT, "process.cwd: missing");
	if (process->cwd[0] != '/')
		return err_set(err, ERR_INPUT, "process.cwd: \"%.*s\" is not an absolute path",
			       SHOWN_MAX, process->cwd);
	return check_env(&process->env, "process.env", err);
}

int spec_check_process(const struct spec_process *process, struct err *err)
{
	if (check_process(process, err) < 0)
		return -1;
	return security_check(&process->security, NULL, err);
}

static int check_hook(const struct spec_hook *hook, const char *field, struct err *err)
{
	if (hook->path[0] != '/')
		return err_set(err, ERR_INPUT, "%s.path: \"%.*s\" is not an absolute path", field,
			       SHOWN_MAX, hook->path);
	if (hook->args.count && !JSON_ITEMS(const char *, &hook->args)[0][0])
		return err_set(err, ERR_INPUT, "%s.args[0]: must not be empty", field);
	char env[96];

	str_format(env, sizeof(env), "%s.env", field);
	return check_env(&hook->env, env, err);
}

static int check_hooks(const struct spec_hooks *hooks, struct err *err)
{
	for (int kind = 0; kind < SPEC_HOOK_KINDS; kind++) {
		const struct json_list *list = &hooks->lists[kind];

		for (size_t i = 0; i < list->count; i++) {
			char field[80];

			str_format(field, sizeof(field), "hooks.%s[%zu]",
				   names_text(spec_hook_names, kind), i);
			if (check_hook(&JSON_ITEMS(struct spec_hook, list)[i], field, err) < 0)
				return -1;
		}
	}
	return 0;
}

/* Values may have line breaks: engines hand on whole documents in them. */
static int check_annotations(const struct json_list *annotations, struct err *err)
{
	for (size_t i = 0; i < annotations->count; i++) {
		const char *key = JSON_ITEMS(struct json_pair, annotations)[i].key;

		if (!str_is_clean(key))
			return err_set(err, ERR_INPUT,
				       "annotations: control characters in the name of entry %zu",
				       i + 1);
	}
	return 0;
}

static int check_linux(const struct spec *spec, struct err *err)
{
	const struct spec_linux *part = &spec->linux_part;
	bool has_network = ns_is_new(&part->ns, NS_NETWORK) || ns_is_joined(&part->ns, NS_NETWORK);

	if (part->cgroups_path && path_has_dotdot(part->cgroups_path))
		return err_set(err, ERR_INPUT, "linux.cgroupsPath: \"%.*s\" has a \"..\"",
			       SHOWN_MAX, part->cgroups_path);
	if (part->resources && cgroup_check(part->resources, err) < 0)
		return -1;
	if (part->intel_rdt && cgroup_rdt_check(part->intel_rdt, err) < 0)
		return -1;
	return net_check_devices(&part->net_devices, has_network, err);
}

static int check_pressure(const struct spec_pressure *pressure, struct err *err)
{
	if (pressure->stall_ms && pressure->window_ms && pressure->stall_ms > pressure->window_ms)
		return err_set(err, ERR_INPUT,
			       "masu.memoryPressure.stallMs: %u is longer than the window of %u",
			       pressure->stall_ms, pressure->window_ms);
	return 0;
}

int spec_check(const struct spec *spec, struct err *err)
{
	static const struct security_process nobody;

	if (!spec->oci_version)
		return err_set(err, ERR_INPUT, "ociVersion: missing");
	if (spec_check_version(spec->oci_version, err) < 0)
		return -1;
	if (!spec->root.path || !spec->root.path[0])
		return err_set(err, ERR_INPUT, "root.path: %s",
			       spec->root.path ? "must not be empty" : "missing");
	if (spec->process && check_process(spec->process, err) < 0)
		return -1;
	if (check_hooks(&spec->hooks, err) < 0 || check_annotations(&spec->annotations, err) < 0)
		return -1;
	if (security_check(spec->process ? &spec->process->security : &nobody,
			   &spec->linux_part.security, err) < 0)
		return -1;
	if (check_pressure(&spec->masu.memory_pressure, err) < 0)
		return -1;
	if (spec->masu.resources &&
	    cgroup_intent_check(spec->masu.resources, "masu.resources.", err) < 0)
		return -1;
	return check_linux(spec, err);
}
