/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* lmctfy: the command line of lmctfy 0.5, flags, verbs, styles and exit codes. */
#include "runtime/cli/lmctfy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/cli/cli.h"
#include "runtime/cli/report.h"
#include "runtime/masu-resources.h"

/* google.rpc.Code, and lmctfy's exit status. */
enum canonical {
	CODE_OK = 0,
	CODE_INVALID_ARGUMENT = 3,
	CODE_DEADLINE_EXCEEDED = 4,
	CODE_NOT_FOUND = 5,
	CODE_ALREADY_EXISTS = 6,
	CODE_PERMISSION_DENIED = 7,
	CODE_RESOURCE_EXHAUSTED = 8,
	CODE_FAILED_PRECONDITION = 9,
	CODE_UNIMPLEMENTED = 12,
	CODE_INTERNAL = 13,
	CODE_UNAVAILABLE = 14,
};

enum {
	VERB_WORDS_MAX = 3,
};

/* What the flags say before they go their ways. */
struct flags {
	bool help, version, tree, tree_long;
	bool force, no_wait, recursive, binary, batch;
	int style; /* enum lmctfy_style, -1: not given */
	const char *config, *output_fd, *root;
};

/* clang-format off */
static const struct {
	char letter;
	size_t offset;
} letters[] = {
	{ 'h', offsetof(struct flags, help) },
	{ 'V', offsetof(struct flags, version) },
	{ 'f', offsetof(struct flags, force) },
	{ 'n', offsetof(struct flags, no_wait) },
	{ 'r', offsetof(struct flags, recursive) },
	{ 'b', offsetof(struct flags, binary) },
};

/* Long flags without a value; each may be given as --NAME=true, and taken back as --noNAME. */
static const struct {
	const char *name;
	size_t offset;
} switches[] = {
	{ "help",                         offsetof(struct flags, help) },
	{ "lmctfy_version",               offsetof(struct flags, version) },
	{ "lmctfy_version_long",          offsetof(struct flags, version) },
	{ "lmctfy_print_cmd_tree",        offsetof(struct flags, tree) },
	{ "lmctfy_print_cmd_tree_long",   offsetof(struct flags, tree_long) },
	{ "lmctfy_force",                 offsetof(struct flags, force) },
	{ "lmctfy_no_wait",               offsetof(struct flags, no_wait) },
	{ "lmctfy_recursive",             offsetof(struct flags, recursive) },
	{ "lmctfy_binary",                offsetof(struct flags, binary) },
	{ "lmctfy_batch_by_default",      offsetof(struct flags, batch) },
};

/* Long flags with a value; those without a place are understood and have no meaning here: killing
 * does not go by rounds, and logging is masu's. */
static const struct {
	const char *name;
	size_t offset;
	bool known_only;
} settings[] = {
	{ "lmctfy_config",                    offsetof(struct flags, config), false },
	{ "lmctfy_output_fd",                 offsetof(struct flags, output_fd), false },
	{ "lmctfy_root",                      offsetof(struct flags, root), false },
	{ "lmctfy_num_tries_for_unkillable",  0, true },
	{ "lmctfy_ms_delay_between_kills",    0, true },
	{ "lmctfy_use_namespaces",            0, true },
	{ "stderrthreshold",                  0, true },
	{ "minloglevel",                      0, true },
};

/* clang-format on */

static int set_style(struct flags *flags, int style, struct masu_error *error)
{
	if (flags->style >= 0 && flags->style != style)
		return cli_fail(error, MASU_ERR_INPUT,
				"flags: only one of -l, -p and -v can be meant");
	flags->style = style;
	return 0;
}

static int set_style_word(struct flags *flags, const char *word, struct masu_error *error)
{
	static const char *const words[] = {
		[LMCTFY_PAIRS] = "pairs", [LMCTFY_VALUES] = "values", [LMCTFY_LONG] = "long"
	};

	for (size_t i = 0; word && i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(word, words[i]) == 0)
			return set_style(flags, (int)i, error);
	}
	return cli_fail(error, MASU_ERR_INPUT,
			"flag --lmctfy_output_style: want values, long or pairs");
}

/* -c takes what follows it, as the rest of the word or as the next one. */
static int take_letters(struct flags *flags, const char *word, char ***next,
			struct masu_error *error)
{
	static const char styles[] = {
		[LMCTFY_PAIRS] = 'p', [LMCTFY_VALUES] = 'v', [LMCTFY_LONG] = 'l'
	};

	for (const char *letter = word + 1; *letter; letter++) {
		const char *style = memchr(styles, *letter, sizeof(styles));
		size_t i = 0;

		if (*letter == 'c') {
			flags->config = letter[1] ? letter + 1 : *(*next)++;
			return flags->config ? 0
					     : cli_fail(error, MASU_ERR_INPUT,
							"flag -c: a file must follow");
		}
		while (i < sizeof(letters) / sizeof(letters[0]) && letters[i].letter != *letter)
			i++;
		if (!style && i == sizeof(letters) / sizeof(letters[0]))
			return cli_fail(error, MASU_ERR_INPUT, "unknown flag -%c", *letter);
		if (style && set_style(flags, (int)(style - styles), error) < 0)
			return -1;
		if (!style)
			*(bool *)((char *)flags + letters[i].offset) = true;
	}
	return 0;
}

/* "name", "noname", "name=true". 1: it is a switch, and done. */
static int take_switch(struct flags *flags, const char *name, size_t length, const char *value)
{
	bool no = strncmp(name, "no", 2) == 0;

	for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++) {
		const char *own = switches[i].name;
		bool plain = strlen(own) == length && memcmp(own, name, length) == 0;
		bool off =
			no && strlen(own) == length - 2 && memcmp(own, name + 2, length - 2) == 0;

		if (!plain && !off)
			continue;
		*(bool *)((char *)flags + switches[i].offset) =
			plain && (!value || strcmp(value, "true") == 0);
		return 1;
	}
	return 0;
}

static int take_long(struct flags *flags, const char *word, char ***next, struct masu_error *error)
{
	const char *name = word + strspn(word, "-");
	size_t length = strcspn(name, "=");
	const char *value = name[length] ? name + length + 1 : NULL;

	if (take_switch(flags, name, length, value))
		return 0;
	if (strncmp(name, "lmctfy_output_style", length) == 0 &&
	    length == strlen("lmctfy_output_style"))
		return set_style_word(flags, value ? value : *(*next)++, error);
	/* this one is on by default, and can be turned off by a prefix, too */
	if (length == strlen("nolmctfy_use_namespaces") &&
	    strncmp(name, "nolmctfy_use_namespaces", length) == 0)
		return 0;
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		if (strlen(settings[i].name) != length ||
		    memcmp(settings[i].name, name, length) != 0)
			continue;
		if (!value && **next)
			value = *(*next)++;
		if (!value)
			return cli_fail(error, MASU_ERR_INPUT, "flag --%s: a value must follow",
					settings[i].name);
		if (!settings[i].known_only)
			*(const char **)((char *)flags + settings[i].offset) = value;
		return 0;
	}
	return cli_fail(error, MASU_ERR_INPUT, "unknown flag --%.*s", (int)length, name);
}

/*
 * Flags may stand anywhere, up to "--" or to the program of `run NAME PROGRAM`: what is behind that
 * is the program's. (Upstream took flags from there, too.)
 */
static int parse_flags(char **args, int *count, struct flags *flags, struct masu_error *error)
{
	char **next = args, **kept = args;

	while (*next) {
		char *word = *next++;
		bool run = kept - args >= 2 && strcmp(args[0], "run") == 0;

		if (word[0] != '-' || !word[1] || run) {
			if (!run || strcmp(word, "--") != 0)
				*kept++ = word;
			if (!run)
				continue;
		} else if (strcmp(word, "--") != 0) {
			int taken = word[1] == '-' || strchr(word, '_')
					    ? take_long(flags, word, &next, error)
					    : take_letters(flags, word, &next, error);

			if (taken < 0)
				return -1;
			continue;
		}
		while (*next)
			*kept++ = *next++;
	}
	*kept = NULL;
	*count = (int)(kept - args);
	return 0;
}

/* How many of the arguments spell the verb's words; 0 when they do not. */
static int match_words(const struct lmctfy_verb *verb, char *const *args, int count)
{
	const char *at = verb->words;

	for (int i = 0; i < count && i < VERB_WORDS_MAX; i++) {
		size_t length = strcspn(at, " ");

		if (strlen(args[i]) != length || memcmp(args[i], at, length) != 0)
			return 0;
		if (!at[length])
			return i + 1;
		at += length + 1;
	}
	return 0;
}

static const struct lmctfy_verb *find_verb(char *const *args, int count, int *words)
{
	for (const struct lmctfy_verb *verb = lmctfy_verbs; verb->words; verb++) {
		*words = match_words(verb, args, count);
		if (*words)
			return verb;
	}
	return NULL;
}

static void print_usage(FILE *out, const struct lmctfy_verb *verb, bool about)
{
	fprintf(out, "  lmctfy %s%s%s\n", verb->words, verb->usage[0] ? " " : "", verb->usage);
	if (about)
		fprintf(out, "      %s\n", verb->about);
}

/* The verbs that begin with this word, or all. False when there is none. */
static bool print_verbs(FILE *out, const char *word, bool about)
{
	bool any = false;

	for (const struct lmctfy_verb *verb = lmctfy_verbs; verb->words; verb++) {
		size_t length = word ? strlen(word) : 0;

		if (word && (strncmp(verb->words, word, length) != 0 ||
			     (verb->words[length] && verb->words[length] != ' ')))
			continue;
		if (!any)
			fprintf(out, "Usage:\n");
		print_usage(out, verb, about);
		any = true;
	}
	return any;
}

static int run_verb(struct lmctfy *lmctfy, char **args, int count, struct masu_error *error)
{
	int words = 0;
	const struct lmctfy_verb *verb = find_verb(args, count, &words);

	if (!verb) {
		cli_fail(error, MASU_ERR_INPUT, "unknown command \"%s\"", args[0]);
		snprintf(error->hint, sizeof(error->hint), "lmctfy help lists the commands");
		return -1;
	}
	lmctfy->args = args + words;
	lmctfy->arg_count = count - words;
	if (lmctfy->arg_count == 1 && strcmp(lmctfy->args[0], "help") == 0) {
		print_verbs(lmctfy->out, verb->words, true);
		return 0;
	}
	if (lmctfy->arg_count < verb->least ||
	    (verb->most >= 0 && lmctfy->arg_count > verb->most)) {
		cli_fail(error, MASU_ERR_INPUT, "%s: wrong number of arguments", verb->words);
		snprintf(error->hint, sizeof(error->hint), "lmctfy %s %s", verb->words,
			 verb->usage);
		return -1;
	}
	return verb->run(lmctfy, error);
}

/* Flags that answer by themselves; 1: done. */
static int answer_flags(const struct lmctfy *lmctfy, const struct flags *flags, char *const *args)
{
	if (flags->version) {
		fprintf(lmctfy->out, "lmctfy 0.5, of masu %s\n", masu_version());
		return 1;
	}
	if (flags->help || flags->tree || flags->tree_long || !args[0] ||
	    (strcmp(args[0], "help") == 0 && !args[1])) {
		print_verbs(lmctfy->out, NULL, !flags->tree);
		return 1;
	}
	/* "list help", "update help": of all that begin so */
	return args[1] && strcmp(args[1], "help") == 0 && !args[2] &&
	       print_verbs(lmctfy->out, args[0], true);
}

static int open_output(const char *number, FILE **out, struct masu_error *error)
{
	char *end;
	long fd = strtol(number, &end, 10);

	*out = *end || fd < 0 ? NULL : fdopen((int)fd, "w");
	return *out ? 0
		    : cli_fail(error, MASU_ERR_INPUT,
			       "flag --lmctfy_output_fd: \"%s\" is not a descriptor to write to",
			       number);
}

static int use_root(struct lmctfy *lmctfy, const char *root, struct masu **own,
		    struct masu_error *error)
{
	const struct masu_options options = { .size = sizeof(options), .root = root };

	if (!root)
		return 0;
	if (masu_open(&options, own, error) < 0)
		return -1;
	lmctfy->masu = *own;
	return 0;
}

static int work(struct lmctfy *lmctfy, struct flags *flags, char **args, int count,
		struct masu_error *error)
{
	struct masu *own = NULL;

	if (flags->output_fd && open_output(flags->output_fd, &lmctfy->out, error) < 0)
		return -1;
	lmctfy->style = flags->style < 0 ? LMCTFY_PAIRS : (enum lmctfy_style)flags->style;
	lmctfy->config = flags->config;
	lmctfy->force = flags->force;
	lmctfy->no_wait = flags->no_wait;
	lmctfy->recursive = flags->recursive;
	lmctfy->binary = flags->binary;
	lmctfy->batch = flags->batch;
	if (answer_flags(lmctfy, flags, args))
		return 0;
	int result = use_root(lmctfy, flags->root, &own, error);

	if (result == 0)
		result = run_verb(lmctfy, args, count, error);
	if (result == 0 && fflush(lmctfy->out) != 0)
		result = cli_fail_sys(error, "write the answer");
	masu_close(own);
	return result;
}

static enum canonical canonical_of(int code)
{
	static const struct {
		int code;
		enum canonical canonical;
	} rows[] = {
		{ MASU_ERR_INPUT, CODE_INVALID_ARGUMENT },
		{ MASU_ERR_NOT_FOUND, CODE_NOT_FOUND },
		{ MASU_ERR_EXISTS, CODE_ALREADY_EXISTS },
		{ MASU_ERR_STATE, CODE_FAILED_PRECONDITION },
		{ MASU_ERR_UNSUPPORTED, CODE_UNIMPLEMENTED },
		{ ESRCH, CODE_NOT_FOUND },
		{ ENOENT, CODE_NOT_FOUND },
		{ EPERM, CODE_PERMISSION_DENIED },
		{ EACCES, CODE_PERMISSION_DENIED },
		{ EROFS, CODE_PERMISSION_DENIED },
		{ ENOSPC, CODE_RESOURCE_EXHAUSTED },
		{ ENOMEM, CODE_RESOURCE_EXHAUSTED },
		{ EMFILE, CODE_RESOURCE_EXHAUSTED },
		{ ETIMEDOUT, CODE_DEADLINE_EXCEEDED },
		{ EAGAIN, CODE_UNAVAILABLE },
		{ EBUSY, CODE_UNAVAILABLE },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].code == code)
			return rows[i].canonical;
	}
	return CODE_INTERNAL;
}

static int run_lmctfy(struct cli *cli, void *data, struct masu_error *error)
{
	struct lmctfy lmctfy = { .masu = cli->masu, .out = stdout };
	struct flags flags = { .style = -1 };
	int count = cli->arg_count;

	(void)data;
	if (parse_flags(cli->args, &count, &flags, error) == 0 &&
	    work(&lmctfy, &flags, cli->args, count, error) == 0)
		return CODE_OK;
	/* as its clients know it: told here, since the status says which kind of failure it is */
	report_error(cli->report, count ? cli->args[0] : NULL,
		     lmctfy.arg_count ? lmctfy.args[0] : NULL, error);
	return (int)canonical_of(error->code);
}

const struct command cli_lmctfy = {
	.name = "lmctfy",
	.usage = "[flag...] VERB [argument...]",
	.about = "understand the command line of lmctfy, see lmctfy(1)",
	.most = -1,
	.flags = COMMAND_RAW,
	.run = run_lmctfy,
};
