/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* masu top: what containers use at this moment, on a terminal. */
#include "runtime/cli/cli.h"

#include <inttypes.h>
#include <stdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "runtime/cli/interval.h"
#include "runtime/cli/stats.h"
#include "runtime/cli/terminal.h"

enum {
	BAR_CELLS = 10,
	SPARK_CELLS = 16,
	NAME_CELLS = 24,
	CONTROL_C = 3,
	CONTROL_Z = 26,
};

struct top_values {
	const char *interval;
	int sort; /* place in `orders` */
};

/* clang-format off */
static const struct option_row top_rows[] = {
	{ 0,   "interval", OPTION_TEXT, offsetof(struct top_values, interval), "TIME", "time between two readings, like 500ms or 1m30s (1s)" },
	{ 's', "sort",     OPTION_WORD, offsetof(struct top_values, sort), "cpu|memory|pids|io|network|name", "what comes first (cpu)" },
	{ 0 },
};

/* clang-format on */

/* What is on the screen. */
struct top {
	struct history history;
	struct history_entry **order; /* room for the history's count */
	size_t room;
	struct terminal terminal;
	int sort;
	size_t first; /* the line that is shown first, below the headings */
	int cpus;
	bool blocks; /* the terminal has more than ASCII */
};

/* ---- orders ---- */

typedef double order_value(const struct history_entry *entry);

static double by_cpu(const struct history_entry *entry)
{
	return entry->cpu_percent;
}

static double by_memory(const struct history_entry *entry)
{
	return entry->last.memory == MASU_UNKNOWN ? -1 : (double)entry->last.memory;
}

static double by_pids(const struct history_entry *entry)
{
	return entry->last.pids == MASU_UNKNOWN ? -1 : (double)entry->last.pids;
}

static double by_io(const struct history_entry *entry)
{
	return entry->read + entry->written;
}

static double by_network(const struct history_entry *entry)
{
	return entry->received + entry->sent;
}

/* In the order of the option's words; the key chooses it. */
static const struct {
	const char *word;
	char key;
	order_value *value; /* NULL: by name */
} orders[] = {
	{ "cpu", 'c', by_cpu }, { "memory", 'm', by_memory },   { "pids", 'p', by_pids },
	{ "io", 'i', by_io },   { "network", 't', by_network }, { "name", 'n', NULL },
};

static int compare_entries(const void *left, const void *right, void *data)
{
	const struct history_entry *a = *(struct history_entry *const *)left;
	const struct history_entry *b = *(struct history_entry *const *)right;
	order_value *value = *(order_value **)data;
	double difference = value ? value(b) - value(a) : 0;

	return difference > 0 ? 1 : difference < 0 ? -1 : strcmp(a->name, b->name);
}

static int put_in_order(struct top *top, struct masu_error *error)
{
	order_value *value = orders[top->sort].value;
	size_t count = 0;

	if (top->history.count > top->room) {
		void *larger = realloc(top->order, top->history.count * sizeof(*top->order));

		if (!larger)
			return cli_fail_sys(error, "sort the containers");
		top->order = larger;
		top->room = top->history.count;
	}
	for (struct history_entry *entry = top->history.first; entry; entry = entry->next)
		top->order[count++] = entry;
	if (count)
		qsort_r(top->order, count, sizeof(*top->order), compare_entries, &value);
	return 0;
}

/* ---- cells ---- */

/* `share` of the width, in eighths of a cell. */
static void draw_bar(const struct top *top, double share)
{
	static const char *const eighths[] = { " ", "▏", "▎", "▍", "▌", "▋", "▊", "▉" };
	int filled = share < 0 ? 0 : share > 1 ? BAR_CELLS * 8 : (int)(share * BAR_CELLS * 8 + 0.5);

	for (int cell = 0; cell < BAR_CELLS; cell++, filled -= 8) {
		if (!top->blocks)
			putchar(filled >= 4 ? '#' : '.');
		else
			fputs(filled >= 8 ? "█" : eighths[filled > 0 ? filled : 0], stdout);
	}
}

/* The newest at the right; as high as the busiest of them or one CPU. */
static void draw_spark(const struct top *top, const struct history_entry *entry)
{
	static const char *const levels[] = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	static const char ascii[] = "_.,-=+*#";
	size_t shown = entry->past_count < SPARK_CELLS ? entry->past_count : SPARK_CELLS;
	const double *past = entry->past + entry->past_count - shown;
	double highest = 100;

	for (size_t i = 0; i < shown; i++)
		highest = past[i] > highest ? past[i] : highest;
	printf("%*s", (int)(SPARK_CELLS - shown), "");
	for (size_t i = 0; i < shown; i++) {
		int level = (int)(past[i] / highest * 7 + 0.5);

		if (top->blocks)
			fputs(levels[level], stdout);
		else
			putchar(ascii[level]);
	}
}

static void cell_name(const struct top *top, const struct history_entry *entry)
{
	char name[NAME_CELLS + 1];

	(void)top;
	snprintf(name, sizeof(name), "%s", entry->name);
	for (char *at = name; *at; at++) {
		if ((unsigned char)*at >= 0x7f) /* how wide that is, who knows */
			*at = '?';
	}
	if (strlen(entry->name) > NAME_CELLS)
		name[NAME_CELLS - 1] = '+';
	printf("%-*s", NAME_CELLS, name);
}

static void print_percent(double percent)
{
	if (percent < 0)
		printf("%7s", "-");
	else
		printf("%6.1f%%", percent);
}

static void cell_cpu(const struct top *top, const struct history_entry *entry)
{
	print_percent(entry->cpu_percent);
	putchar(' ');
	draw_bar(top, entry->cpu_percent / 100 / top->cpus);
}

static void cell_throttled(const struct top *top, const struct history_entry *entry)
{
	(void)top;
	print_percent(entry->throttled_percent);
}

static void cell_memory(const struct top *top, const struct history_entry *entry)
{
	uint64_t used = entry->last.memory, limit = entry->last.memory_effective_limit;
	char text[24];

	stats_format_size(text, sizeof(text), used);
	printf("%10s ", text);
	draw_bar(top, used == MASU_UNKNOWN || limit == MASU_UNKNOWN || !limit
			      ? 0
			      : (double)used / (double)limit);
	stats_format_size(text, sizeof(text), limit);
	printf(" %10s", text);
}

static void cell_pids(const struct top *top, const struct history_entry *entry)
{
	(void)top;
	if (entry->last.pids == MASU_UNKNOWN)
		printf("%6s", "-");
	else
		printf("%6" PRIu64, entry->last.pids);
}

static void print_rate(double bytes)
{
	char text[24];

	stats_format_rate(text, sizeof(text), bytes);
	printf("%12s", text);
}

static void cell_read(const struct top *top, const struct history_entry *entry)
{
	(void)top;
	print_rate(entry->read);
}

static void cell_written(const struct top *top, const struct history_entry *entry)
{
	(void)top;
	print_rate(entry->written);
}

static void cell_received(const struct top *top, const struct history_entry *entry)
{
	(void)top;
	print_rate(entry->received);
}

static void cell_sent(const struct top *top, const struct history_entry *entry)
{
	(void)top;
	print_rate(entry->sent);
}

/* From the left, as many as there is room for. */
static const struct column {
	const char *heading;
	int width;
	bool left;
	void (*draw)(const struct top *top, const struct history_entry *entry);
} columns[] = {
	{ "NAME", NAME_CELLS, true, cell_name },
	{ "CPU", 7 + 1 + BAR_CELLS, false, cell_cpu },
	{ "MEMORY OF LIMIT", 10 + 1 + BAR_CELLS + 1 + 10, false, cell_memory },
	{ "PAST", SPARK_CELLS, false, draw_spark },
	{ "PIDS", 6, false, cell_pids },
	{ "HELD", 7, false, cell_throttled },
	{ "READ", 12, false, cell_read },
	{ "WRITTEN", 12, false, cell_written },
	{ "RECEIVED", 12, false, cell_received },
	{ "SENT", 12, false, cell_sent },
};

static size_t columns_that_fit(int width)
{
	size_t count = 0;

	for (int used = 0; count < sizeof(columns) / sizeof(columns[0]); count++) {
		used += columns[count].width + (count > 0);
		if (used > width)
			break;
	}
	return count ? count : 1;
}

/* ---- the screen ---- */

static void end_line(void)
{
	fputs("\033[K\r\n", stdout);
}

static void draw_summary(const struct top *top)
{
	double cpu = 0, memory = 0;
	char now[16], used[24], line[256];
	struct tm parts;
	time_t seconds = time(NULL);

	for (const struct history_entry *entry = top->history.first; entry; entry = entry->next) {
		cpu += entry->cpu_percent > 0 ? entry->cpu_percent : 0;
		memory += by_memory(entry) > 0 ? by_memory(entry) : 0;
	}
	localtime_r(&seconds, &parts);
	strftime(now, sizeof(now), "%H:%M:%S", &parts);
	stats_format_size(used, sizeof(used), (uint64_t)memory);
	snprintf(
		line, sizeof(line),
		"masu top %s  %zu running  CPU %.1f%% of %d00%%  memory %s  by %s  (q: quit; c m p i t "
		"n: order)",
		now, top->history.count, cpu, top->cpus, used, orders[top->sort].word);
	printf("%.*s", (int)top->terminal.columns, line);
	end_line();
}

static void draw_headings(const struct top *top, size_t count)
{
	fputs("\033[7m", stdout);
	for (size_t i = 0; i < count; i++)
		printf("%s%*s", i ? " " : "",
		       columns[i].left ? -columns[i].width : columns[i].width, columns[i].heading);
	fputs("\033[0m", stdout);
	(void)top;
	end_line();
}

static void draw(struct top *top)
{
	size_t fitting = columns_that_fit(top->terminal.columns);
	size_t lines = top->terminal.rows > 3 ? (size_t)top->terminal.rows - 3 : 1;
	size_t count = top->history.count;

	if (top->first + lines > count)
		top->first = count > lines ? count - lines : 0;
	fputs("\033[H", stdout);
	draw_summary(top);
	draw_headings(top, fitting);
	for (size_t i = top->first; i < count && i < top->first + lines; i++) {
		for (size_t column = 0; column < fitting; column++) {
			if (column)
				putchar(' ');
			columns[column].draw(top, top->order[i]);
		}
		end_line();
	}
	fputs("\033[J", stdout);
	fflush(stdout);
}

/* ---- keys ---- */

/* True when it ends here. */
static bool obey(struct top *top, int key, struct masu_error *error)
{
	if (key == 'q' || key == 'Q' || key == CONTROL_C || key == TERMINAL_ENDED)
		return true;
	if (key == CONTROL_Z) {
		terminal_close(&top->terminal);
		raise(SIGSTOP);
		return terminal_open(&top->terminal, error) < 0;
	}
	if (key == TERMINAL_DOWN)
		top->first++;
	if (key == TERMINAL_UP && top->first)
		top->first--;
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		if (orders[i].key == key)
			top->sort = (int)i;
	}
	return false;
}

/* Until the next reading is due: keys are obeyed at once. True when it ends here. */
static bool wait_for_due(struct top *top, int64_t due_ms, struct masu_error *error)
{
	for (;;) {
		int64_t left = due_ms - interval_clock_ms();
		int key = left > 0 ? terminal_wait(&top->terminal,
						   left > INT32_MAX ? INT32_MAX : (int)left)
				   : TERMINAL_NOTHING;

		if (key == TERMINAL_NOTHING && due_ms <= interval_clock_ms())
			return false;
		if (key == TERMINAL_NOTHING)
			continue;
		if (obey(top, key, error))
			return true;
		if (put_in_order(top, error) < 0)
			return true;
		draw(top);
	}
}

static int show(struct top *top, struct masu_meter *meter, unsigned int interval_ms,
		struct masu_error *error)
{
	const struct masu_reading *first;
	int64_t due_ms = interval_clock_ms();

	for (;;) {
		if (masu_meter_read(meter, &first, error) < 0 ||
		    history_update(&top->history, first, error) < 0 || put_in_order(top, error) < 0)
			return -1;
		draw(top);
		due_ms += interval_ms;
		if (due_ms < interval_clock_ms())
			due_ms = interval_clock_ms() + interval_ms;
		if (wait_for_due(top, due_ms, error))
			return error->code ? -1 : 0;
	}
}

static int show_on_terminal(struct top *top, struct masu_meter *meter, unsigned int interval_ms,
			    struct masu_error *error)
{
	if (terminal_open(&top->terminal, error) < 0)
		return -1;
	int result = show(top, meter, interval_ms, error);

	terminal_close(&top->terminal);
	return result;
}

/* Where nobody looks on: one table, after one interval. */
static int print_once(struct top *top, struct masu_meter *meter, unsigned int interval_ms,
		      struct masu_error *error)
{
	const struct masu_reading *first;
	int64_t next_ms = interval_clock_ms() + interval_ms;

	if (masu_meter_read(meter, &first, error) < 0 ||
	    history_update(&top->history, first, error) < 0)
		return -1;
	interval_sleep(&next_ms, interval_ms);
	if (masu_meter_read(meter, &first, error) < 0 ||
	    history_update(&top->history, first, error) < 0)
		return -1;
	return stats_print_table(&top->history, true, error);
}

static bool has_blocks(void)
{
	const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *value = getenv(names[i]);

		if (value && *value)
			return strcasestr(value, "UTF-8") || strcasestr(value, "utf8");
	}
	return false;
}

static int run_top(struct cli *cli, void *data, struct masu_error *error)
{
	const struct top_values *values = data;
	const char *kind = getenv("TERM");
	bool screen =
		isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && kind && strcmp(kind, "dumb") != 0;
	struct top top = { .sort = values->sort,
			   .cpus = (int)sysconf(_SC_NPROCESSORS_ONLN),
			   .blocks = has_blocks() };
	struct masu_meter *meter;
	unsigned int interval_ms;

	if (interval_parse(values->interval ? values->interval : "1s", &interval_ms, error) < 0 ||
	    stats_open_meter(cli, 0, &meter, error) < 0)
		return -1;
	error->code = 0;
	int result = screen ? show_on_terminal(&top, meter, interval_ms, error)
			    : print_once(&top, meter, interval_ms, error);

	history_free(&top.history);
	free(top.order);
	masu_meter_close(meter);
	return result;
}

const struct command cli_top = {
	.name = "top",
	.usage = "[option...] [NAME...]",
	.about = "show what containers use at this moment",
	.options = top_rows,
	.values = sizeof(struct top_values),
	.most = -1,
	.run = run_top,
};
