/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Readings of the counters turned into rates. */
#include "runtime/cli/history.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/cli/cli.h"

/* So many more a second; below 0 when one of the numbers is not there, or it was counted anew. */
static double rate(uint64_t before, uint64_t now, double seconds)
{
	if (before == MASU_UNKNOWN || now == MASU_UNKNOWN || now < before || seconds <= 0)
		return -1;
	return (double)(now - before) / seconds;
}

/* Nanoseconds a second as percent. */
static double share(uint64_t before, uint64_t now, double seconds)
{
	double ns = rate(before, now, seconds);

	return ns < 0 ? ns : ns / 1e7;
}

static void compare(struct history_entry *entry, const struct masu_reading *now)
{
	const struct masu_reading *last = &entry->last;
	double seconds = (double)(now->time_ns - last->time_ns) / 1e9;

	entry->cpu_percent = share(last->cpu_ns, now->cpu_ns, seconds);
	entry->throttled_percent = share(last->cpu_throttled_ns, now->cpu_throttled_ns, seconds);
	entry->read = rate(last->io_read, now->io_read, seconds);
	entry->written = rate(last->io_written, now->io_written, seconds);
	entry->received = rate(last->network_received, now->network_received, seconds);
	entry->sent = rate(last->network_sent, now->network_sent, seconds);
	if (entry->cpu_percent < 0)
		return;
	if (entry->past_count == HISTORY_LENGTH)
		memmove(entry->past, entry->past + 1, --entry->past_count * sizeof(*entry->past));
	entry->past[entry->past_count++] = entry->cpu_percent;
}

/* A new one in front of *at. */
static struct history_entry *insert(struct history *history, struct history_entry **at,
				    const struct masu_reading *reading)
{
	struct history_entry *entry = calloc(1, sizeof(*entry));

	if (entry)
		entry->name = strdup(reading->name);
	if (!entry || !entry->name) {
		free(entry);
		return NULL;
	}
	entry->cpu_percent = entry->throttled_percent = -1;
	entry->read = entry->written = entry->received = entry->sent = -1;
	entry->next = *at;
	*at = entry;
	history->count++;
	return entry;
}

static void drop(struct history *history, struct history_entry **at)
{
	struct history_entry *entry = *at;

	*at = entry->next;
	history->count--;
	free(entry->name);
	free(entry);
}

/* Both lists are sorted by name. */
int history_update(struct history *history, const struct masu_reading *first,
		   struct masu_error *error)
{
	struct history_entry **at = &history->first;

	for (const struct masu_reading *now = first; now; now = now->next) {
		while (*at && strcmp((*at)->name, now->name) < 0)
			drop(history, at);
		if (*at && strcmp((*at)->name, now->name) == 0)
			compare(*at, now);
		else if (!insert(history, at, now))
			return cli_fail_sys(error, "measure %s", now->name);
		(*at)->last = *now;
		(*at)->last.name = (*at)->name;
		(*at)->last.next = NULL;
		at = &(*at)->next;
	}
	while (*at)
		drop(history, at);
	return 0;
}

void history_free(struct history *history)
{
	while (history->first)
		drop(history, &history->first);
}
