/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* HOME from the container's /etc/passwd, read as the hostile file that it may be. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/path.h"
#include "base/str.h"
#include "base/sys.h"
#include "runtime/init/init.h"

enum {
	PASSWD_MAX = 10 << 20,
	LINE_MAX_BYTES = 4096,
};

/* name:password:uid:gid:comment:home:shell. True when it is the line of `uid`, with its home
 * directory copied. */
static bool line_matches(char *line, uint32_t uid, char *home, size_t size)
{
	char *fields[7];
	uint64_t number;
	int count = 0;

	for (char *at = line; count < 7; count++) {
		fields[count] = at;
		at = strchr(at, ':');
		if (!at) {
			count++;
			break;
		}
		*at++ = '\0';
	}
	if (count < 6 || !str_parse_u64(fields[2], &number) || number != uid)
		return false;
	return fields[5][0] == '/' && str_is_clean(fields[5]) &&
	       str_format(home, size, "%s", fields[5]) == 0;
}

void home_of(int root, uint32_t uid, char *home, size_t size)
{
	static char line[LINE_MAX_BYTES], chunk[LINE_MAX_BYTES];
	struct stat status;
	size_t used = 0;
	bool too_long = false;
	int fd = path_open_in_root(root, "etc/passwd", O_RDONLY | O_NONBLOCK | O_NOCTTY, NULL);

	str_format(home, size, "/");
	if (fd < 0)
		return;
	if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) || status.st_size > PASSWD_MAX) {
		close(fd);
		return;
	}
	ssize_t length;

	while ((length = read(fd, chunk, sizeof(chunk))) > 0) {
		for (ssize_t i = 0; i < length; i++) {
			if (chunk[i] != '\n') {
				too_long = too_long || used == sizeof(line) - 1;
				if (!too_long)
					line[used++] = chunk[i];
				continue;
			}
			line[used] = '\0';
			if (!too_long && line_matches(line, uid, home, size)) {
				close(fd);
				return;
			}
			used = 0;
			too_long = false;
		}
	}
	line[used] = '\0';
	if (!too_long)
		line_matches(line, uid, home, size);
	close(fd);
}
