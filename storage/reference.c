/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Parsing of image references by the grammar of the OCI distribution specification. */
#include "storage/reference.h"

#include <string.h>

#include "base/err.h"
#include "base/str.h"

static const char lower_alnum[] = "abcdefghijklmnopqrstuvwxyz0123456789";
static const char tag_chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";

bool reference_is_digest(const char *text, const char **hex)
{
	if (!text || !str_starts(text, "sha256:"))
		return false;
	*hex = text + strlen("sha256:");
	return strlen(*hex) == 64 && strspn(*hex, "0123456789abcdef") == 64;
}

/* Letters and digits joined by one of ".", "_", "__" or dashes: returns the bytes matched, 0 for
 * none. */
static size_t match_component(const char *text)
{
	size_t at = strspn(text, lower_alnum);

	for (size_t joint; at; at += joint + strspn(text + at + joint, lower_alnum)) {
		joint = strspn(text + at, "-");
		if (!joint && text[at] == '.')
			joint = 1;
		if (!joint && text[at] == '_')
			joint = text[at + 1] == '_' ? 2 : 1;
		if (!joint || !strspn(text + at + joint, lower_alnum))
			break;
	}
	return at;
}

/* A registry before the first '/': it has a dot or a port, or is "localhost". Returns its bytes
 * with the '/'. */
static size_t match_host(const char *text)
{
	size_t host =
		strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-");
	size_t port = text[host] == ':' ? strspn(text + host + 1, "0123456789") : 0;
	size_t end = port ? host + 1 + port : host;

	if (!host || text[0] == '.' || text[0] == '-' || text[end] != '/')
		return 0;
	if (!port && !memchr(text, '.', host) && strncmp(text, "localhost/", 10) != 0)
		return 0;
	return end + 1;
}

int reference_parse(const char *text, struct reference *reference, struct err *err)
{
	const char *hex;
	size_t hex_digits = strspn(text, "0123456789abcdef");

	*reference = (struct reference){ 0 };
	if (reference_is_digest(text, &hex))
		return str_format(reference->digest, sizeof(reference->digest), "%s", hex);
	if (!text[hex_digits] && hex_digits >= 8 && hex_digits <= 64)
		memcpy(reference->digest, text, hex_digits);

	size_t at = match_host(text), part;

	while ((part = match_component(text + at)) > 0) {
		at += part;
		if (text[at] != '/')
			break;
		at++;
	}
	if (!part)
		goto bad;
	if (text[at] && text[at] != ':')
		goto bad;
	size_t tag = text[at] == ':' ? strspn(text + at + 1, tag_chars) : 0;

	if (text[at] == ':' && (!tag || tag > 128 || strchr(".-", text[at + 1])))
		goto bad;
	if (text[at] && text[at + 1 + tag])
		goto bad;
	if (str_format(reference->name, sizeof(reference->name), "%s%s", text,
		       tag ? "" : ":latest") < 0)
		return err_set(err, ERR_INPUT, "image name %.40s...: longer than %d characters",
			       text, REFERENCE_MAX);
	return 0;
bad:
	err_set(err, ERR_INPUT, "image name %s: not of the form NAME[:TAG] or sha256:DIGEST", text);
	return err_hint(
		err, "names are lower case: letters, digits and . _ - between them, / for folders");
}

void reference_to_file(const char *name, char file[REFERENCE_MAX + 1])
{
	size_t length = strnlen(name, REFERENCE_MAX);

	for (size_t i = 0; i < length; i++)
		file[i] = name[i] == '/' ? '%' : name[i];
	file[length] = '\0';
}
