/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The option parser: every spelling that engines use, and the words of its errors. */
#include <stdarg.h>
#include <stdlib.h>

#include "runtime/cli/options.c" /* the command line's objects are in no library */
#include "test/unit/unit.h"

struct values {
	bool flag, quiet;
	const char *text;
	const char **list;
	unsigned int number;
	uint64_t size;
	int word;
};

#define MEMBER(name) offsetof(struct values, name)

/* clang-format off */
static const struct option_row rows[] = {
	{ 'f', "flag",         OPTION_FLAG,     MEMBER(flag),   NULL,        "a flag" },
	{ 0,   "no-subreaper", OPTION_FLAG,     MEMBER(quiet),  NULL,        "a flag with a long name" },
	{ 't', "text",         OPTION_TEXT,     MEMBER(text),   "TEXT",      "a text" },
	{ 'l', "list",         OPTION_TEXTS,    MEMBER(list),   "TEXT",      "texts" },
	{ 'n', "number",       OPTION_UNSIGNED, MEMBER(number), "N",         "a number" },
	{ 's', "size",         OPTION_SIZE,     MEMBER(size),   "BYTES",     "a size" },
	{ 'w', "word",         OPTION_WORD,     MEMBER(word),   "text|json", "a word" },
	{ 0 },
};

/* clang-format on */

int cli_fail(struct masu_error *error, int code, const char *format, ...)
{
	va_list args;

	*error = (struct masu_error){ .code = code };
	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return -1;
}

#define MOST_ARGS 8

static const struct case_row {
	const char *name;
	const char *args[MOST_ARGS];
	bool stop;
	const char *error; /* NULL: succeeds */
	struct values want;
	const char *list; /* what the list holds, one after the other with commas */
	const char *rest; /* the positional arguments the same way */
} cases[] = {
	/* clang-format off */
	{ "nothing",               { 0 }, .rest = "" },
	{ "long, next argument",   { "--text", "a" }, .want = { .text = "a" } },
	{ "long, equals",          { "--text=a=b" }, .want = { .text = "a=b" } },
	{ "long, empty",           { "--text=" }, .want = { .text = "" } },
	{ "value like an option",  { "--text", "-1" }, .want = { .text = "-1" } },
	{ "one dash, long",        { "-no-subreaper" }, .want = { .quiet = true } },
	{ "one dash, equals",      { "-text=a" }, .want = { .text = "a" } },
	{ "letter",                { "-t", "a" }, .want = { .text = "a" } },
	{ "letter, joined",        { "-ta" }, .want = { .text = "a" } },
	{ "letters",               { "-ft", "a" }, .want = { .flag = true, .text = "a" } },
	{ "flag with value",       { "--flag=true" }, .want = { .flag = true } },
	{ "flag taken back",       { "--flag", "--flag=false" } },
	{ "last text counts",      { "-ta", "-tb" }, .want = { .text = "b" } },
	{ "list",                  { "-l", "a", "--list=b", "-lc" }, .list = "a,b,c" },
	{ "number",                { "--number", "12" }, .want = { .number = 12 } },
	{ "size",                  { "--size", "12" }, .want = { .size = 12 } },
	{ "size with a unit",      { "--size=3G" }, .want = { .size = 3ULL << 30 } },
	{ "size, small letter",    { "-s", "2k" }, .want = { .size = 2048 } },
	{ "no such unit",          { "--size=16383P" }, .error = "option --size: \"16383P\" is not a size" },
	{ "size too large",        { "--size=16777216T" }, .error = "option --size: \"16777216T\" is not a size" },
	{ "size and a space",      { "--size=1 " }, .error = "option --size: \"1 \" is not a size" },
	{ "size and more",         { "--size=1Kx" }, .error = "option --size: \"1Kx\" is not a size" },
	{ "negative size",         { "--size=-1" }, .error = "option --size: \"-1\" is not a size" },
	{ "word",                  { "--word=json" }, .want = { .word = 1 } },
	{ "options anywhere",      { "id", "--flag", "x" }, .want = { .flag = true }, .rest = "id,x" },
	{ "stop at the first",     { "-f", "id", "-t", "x" }, .stop = true, .want = { .flag = true }, .rest = "id,-t,x" },
	{ "two dashes",            { "-f", "--", "--text", "-x" }, .want = { .flag = true }, .rest = "--text,-x" },
	{ "a dash",                { "-", "-f" }, .want = { .flag = true }, .rest = "-" },
	{ "unknown",               { "--txt" }, .error = "unknown option --txt" },
	{ "unknown, equals",       { "--txt=secret" }, .error = "unknown option --txt" },
	{ "unknown letter",        { "-x" }, .error = "unknown option -x" },
	{ "no value",              { "--text" }, .error = "option --text requires an argument" },
	{ "no value, letter",      { "-t" }, .error = "option -t requires an argument" },
	{ "flag with other value", { "--flag=7" }, .error = "option --flag: takes no value but true or false" },
	{ "negative",              { "--number=-1" }, .error = "option --number: \"-1\" is not a number" },
	{ "too large",             { "--number=4294967296" }, .error = "option --number: \"4294967296\" is not a number" },
	{ "number and more",       { "--number=1x" }, .error = "option --number: \"1x\" is not a number" },
	{ "empty number",          { "--number=" }, .error = "option --number: \"\" is not a number" },
	{ "other word",            { "--word=yaml" }, .error = "option --word: \"yaml\" is none of text|json" },
	{ "part of a word",        { "--word=js" }, .error = "option --word: \"js\" is none of text|json" },
	/* clang-format on */
};

static void join(char *text, size_t size, const char *const *list)
{
	text[0] = '\0';
	for (; list && *list; list++) {
		size_t used = strlen(text);

		snprintf(text + used, size - used, "%s%s", used ? "," : "", *list);
	}
}

static bool same_text(const char *left, const char *right)
{
	return left == right || (left && right && strcmp(left, right) == 0);
}

static void check_values(const struct case_row *row, const struct values *have,
			 const struct option_scan *scan)
{
	char text[256];

	CHECK_ROW(row->name, have->flag == row->want.flag);
	CHECK_ROW(row->name, have->quiet == row->want.quiet);
	CHECK_ROW(row->name, have->number == row->want.number);
	CHECK_ROW(row->name, have->size == row->want.size);
	CHECK_ROW(row->name, have->word == row->want.word);
	CHECK_ROW(row->name, same_text(have->text, row->want.text));
	join(text, sizeof(text), have->list);
	CHECK_ROW(row->name, same_text(text, row->list ? row->list : ""));
	join(text, sizeof(text), (const char *const *)scan->args);
	CHECK_ROW(row->name, same_text(text, row->rest ? row->rest : ""));
}

static void check_case(const struct case_row *row)
{
	char *args[MOST_ARGS + 1] = { 0 };
	struct values have = { 0 };
	struct masu_error error = { 0 };
	struct option_scan scan = { .sets = { { rows, &have } },
				    .stop_at_first = row->stop,
				    .args = args };

	for (; row->args[scan.count]; scan.count++)
		args[scan.count] = (char *)(uintptr_t)row->args[scan.count];
	int result = options_parse(&scan, &error);
	CHECK_ROW(row->name, (result < 0) == (row->error != NULL));
	if (row->error) {
		CHECK_ROW(row->name, same_text(error.text, row->error));
		CHECK_ROW(row->name, error.code == MASU_ERR_INPUT);
	} else {
		check_values(row, &have, &scan);
	}
	options_release(&scan.sets[0]);
}

static void check_help(const char *arg)
{
	char text[] = "--text", help[16], bad[] = "--bad";
	char *args[] = { text, text, help, bad, NULL };
	struct values have = { 0 };
	struct masu_error error = { 0 };
	struct option_scan scan = { .sets = { { rows, &have } }, .args = args, .count = 4 };

	snprintf(help, sizeof(help), "%s", arg);
	CHECK_ROW(arg, options_parse(&scan, &error) == 0);
	CHECK_ROW(arg, scan.help);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_case(&cases[i]);
	check_help("--help");
	check_help("-h");
	check_help("-help");
	return unit_done("runtime_cli_options");
}
