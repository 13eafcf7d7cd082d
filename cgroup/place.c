/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The files of one cgroup directory. */
#include "cgroup/place.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"

struct cgroup_place *cgroup_find_place(const struct cgroup *cgroup,
				       enum cgroup_controller controller)
{
	for (size_t i = 0; i < cgroup->count; i++) {
		if (cgroup->places[i].mask & CGROUP_BIT(controller))
			return &cgroup->places[i];
	}
	return NULL;
}

struct cgroup_place *cgroup_main_place(const struct cgroup *cgroup)
{
	for (size_t i = 0; i < cgroup->count; i++) {
		if (cgroup->places[i].ops->whole)
			return &cgroup->places[i];
	}
	struct cgroup_place *freezer = cgroup_find_place(cgroup, CGROUP_FREEZER);

	return freezer || !cgroup->count ? freezer : &cgroup->places[0];
}

int cgroup_place_fd(struct cgroup_place *place)
{
	if (place->fd < 0)
		place->fd = open(place->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return place->fd;
}

int cgroup_place_try(struct cgroup_place *place, const char *file, const char *text)
{
	int dir = cgroup_place_fd(place);

	if (dir < 0)
		return -1;
	auto_close int fd = openat(dir, file, O_WRONLY | O_CLOEXEC);
	ssize_t done;

	if (fd < 0)
		return -1;
	do {
		done = write(fd, text, strlen(text));
	} while (done < 0 && errno == EINTR);
	return done < 0 ? -1 : 0;
}

int cgroup_place_write(struct cgroup_place *place, const char *file, const char *text,
		       struct err *err)
{
	if (cgroup_place_try(place, file, text) == 0)
		return 0;
	return err_sys(err, "write %.60s to %s/%s", text, place->dir, file);
}

ssize_t cgroup_place_read(struct cgroup_place *place, const char *file, char *buffer, size_t size)
{
	int dir = cgroup_place_fd(place);

	return dir < 0 ? -1 : fd_read_file(dir, file, buffer, size);
}

bool cgroup_read_key(const char *text, const char *key, uint64_t *value)
{
	size_t length = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, length) != 0 || line[length] != ' ')
			continue;
		char number[24];
		const char *digits = line + length + 1;

		return str_format(number, sizeof(number), "%.*s", (int)strcspn(digits, "\n"),
				  digits) == 0 &&
		       str_parse_u64(number, value);
	}
	return false;
}

int64_t cgroup_clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void cgroup_backoff_start(struct cgroup_backoff *backoff, int timeout_ms)
{
	backoff->next_us = 50;
	backoff->end_ms = cgroup_clock_ms() + timeout_ms;
}

bool cgroup_backoff_wait(struct cgroup_backoff *backoff)
{
	enum { LONGEST_US = 20000 };
	struct timespec pause = { .tv_nsec = backoff->next_us * 1000 };

	if (cgroup_clock_ms() >= backoff->end_ms)
		return false;
	nanosleep(&pause, NULL);
	backoff->next_us *= 2;
	if (backoff->next_us > LONGEST_US)
		backoff->next_us = LONGEST_US;
	return true;
}
