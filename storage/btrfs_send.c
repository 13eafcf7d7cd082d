/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What changed between two subvolumes, read from a btrfs send stream without file data. */
#include <endian.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/btrfs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/str.h"
#include "storage/btrfs.h"
#include "storage/candidates.h"

/* Stream format of btrfs-progs' Documentation/dev/dev-send-stream.rst: a header, then commands of
 * attributes. */
enum {
	STREAM_HEADER = 13 + 4,
	COMMAND_HEADER = 4 + 2 + 4,
	COMMAND_SNAPSHOT = 2,
	COMMAND_RENAME = 9,
	COMMAND_END = 21,
	ATTRIBUTE_PATH = 15,
	ATTRIBUTE_PATH_TO = 16,
	RENAMES_MAX = 1000, /* beyond that following them costs more than walking both trees */
};

struct command {
	uint16_t type;
	char path[PATH_MAX], to[PATH_MAX];
};

struct rename {
	size_t at; /* number of the command */
	char *from, *to;
};

struct stream {
	const char *data;
	size_t size, at, number;
	struct rename *renames;
	size_t rename_count;
};

static bool copy_text(char text[PATH_MAX], const char *data, size_t size)
{
	if (size >= PATH_MAX)
		return false;
	memcpy(text, data, size);
	text[size] = '\0';
	return true;
}

/* 1: a command, 0: the end, -1: not a stream that we understand. */
static int next_command(struct stream *stream, struct command *command)
{
	uint32_t length;

	if (stream->at + COMMAND_HEADER > stream->size)
		return -1;
	memcpy(&length, stream->data + stream->at, sizeof(length));
	memcpy(&command->type, stream->data + stream->at + 4, sizeof(command->type));
	length = le32toh(length);
	command->type = le16toh(command->type);
	command->path[0] = command->to[0] = '\0';
	stream->at += COMMAND_HEADER;
	if (length > stream->size - stream->at)
		return -1;
	const char *at = stream->data + stream->at, *end = at + length;

	stream->at += length;
	stream->number++;
	while (end - at >= 4) {
		uint16_t type, size;

		memcpy(&type, at, sizeof(type));
		memcpy(&size, at + 2, sizeof(size));
		type = le16toh(type);
		size = le16toh(size);
		at += 4;
		if (size > end - at)
			return -1;
		if (type == ATTRIBUTE_PATH && !copy_text(command->path, at, size))
			return -1;
		if (type == ATTRIBUTE_PATH_TO && !copy_text(command->to, at, size))
			return -1;
		at += size;
	}
	return command->type != COMMAND_END;
}

/* Replace a leading directory; false when `path` is not at or below `from`. */
static bool move_path(char path[PATH_MAX], const char *from, const char *to)
{
	size_t length = strlen(from);
	char moved[PATH_MAX];

	if (strncmp(path, from, length) != 0 || (path[length] && path[length] != '/'))
		return false;
	if (str_format(moved, sizeof(moved), "%s%s", to, path + length) == 0)
		memcpy(path, moved, strlen(moved) + 1);
	return true;
}

/* A path means something at its place in the stream only: name it as the base knew it and as the
 * child knows it. */
static int add_both(const struct stream *stream, const char *path, bool replaced,
		    struct candidates *set, struct err *err)
{
	char before[PATH_MAX], after[PATH_MAX];

	memcpy(before, path, strlen(path) + 1);
	memcpy(after, path, strlen(path) + 1);
	for (size_t i = 0; i < stream->rename_count; i++) {
		if (stream->renames[i].at > stream->number)
			move_path(after, stream->renames[i].from, stream->renames[i].to);
	}
	for (size_t i = stream->rename_count; i-- > 0;) {
		if (stream->renames[i].at <= stream->number)
			move_path(before, stream->renames[i].to, stream->renames[i].from);
	}
	if (candidates_add(set, before, replaced, err) < 0)
		return -1;
	return strcmp(before, after) == 0 ? 0 : candidates_add(set, after, replaced, err);
}

static int collect_renames(struct stream *stream, struct candidates *set, struct err *err)
{
	struct command command;
	int more;

	while ((more = next_command(stream, &command)) > 0) {
		if (command.type != COMMAND_RENAME || stream->rename_count == RENAMES_MAX)
			continue;
		struct rename *rename = &stream->renames[stream->rename_count];

		rename->at = stream->number;
		rename->from = arena_strdup(&set->arena, command.path);
		rename->to = arena_strdup(&set->arena, command.to);
		if (!rename->from || !rename->to)
			return err_sys(err, "list changes");
		stream->rename_count++;
	}
	if (more < 0)
		return err_set(err, EPROTO, "read a btrfs send stream: it is cut off");
	return 0;
}

static int collect_paths(struct stream *stream, struct candidates *set, struct err *err)
{
	struct command command;

	stream->at = STREAM_HEADER;
	stream->number = 0;
	while (next_command(stream, &command) > 0) {
		bool is_rename = command.type == COMMAND_RENAME;

		/* SNAPSHOT names the subvolume, not a path in it */
		if (command.type <= COMMAND_SNAPSHOT)
			continue;
		/* whatever was created or moved may have taken the place of a directory */
		if (add_both(stream, command.path, is_rename || command.type <= 8, set, err) < 0)
			return -1;
		if (is_rename && add_both(stream, command.to, true, set, err) < 0)
			return -1;
	}
	return 0;
}

/* The stream names one path of a changed inode; its other hard links have changed as well. */
static int add_links(int child, const char *path, struct candidates *set, struct err *err)
{
	_Alignas(struct btrfs_data_container) char room[65536];
	struct btrfs_data_container *paths = (struct btrfs_data_container *)room;
	struct stat st;

	if (!*path || fstatat(child, path, &st, AT_SYMLINK_NOFOLLOW) < 0 || S_ISDIR(st.st_mode) ||
	    st.st_nlink < 2)
		return 0;
	struct btrfs_ioctl_ino_path_args args = {
		.inum = st.st_ino,
		.size = sizeof(room),
		.fspath = (uint64_t)(uintptr_t)room,
	};

	if (ioctl(child, BTRFS_IOC_INO_PATHS, &args) < 0 || paths->elem_missed)
		return candidates_add(set, "", true, err); /* too many to list: compare all */
	for (uint32_t i = 0; i < paths->elem_cnt; i++) {
		const char *other = (const char *)paths->val + paths->val[i];

		if (candidates_add(set, other, false, err) < 0)
			return -1;
	}
	return 0;
}

static int send_to(int base, int child, int file, struct err *err)
{
	struct btrfs_ioctl_send_args args = {
		.send_fd = file,
		.flags = BTRFS_SEND_FLAG_NO_FILE_DATA,
	};
	uint64_t parent;

	if (subvolume_id(base, &parent, err) < 0)
		return -1;
	args.parent_root = parent;
	/* into a memory file: a pipe would need a second thread to empty it */
	if (ioctl(child, BTRFS_IOC_SEND, &args) < 0)
		return err_sys(err, "ask btrfs for the changes of a subvolume");
	return 0;
}

static int parse(struct stream *stream, int child, struct candidates *set, struct err *err)
{
	if (stream->size < STREAM_HEADER || memcmp(stream->data, "btrfs-stream", 13) != 0)
		return err_set(err, EPROTO, "read a btrfs send stream: it has no header");
	stream->at = STREAM_HEADER;
	if (collect_renames(stream, set, err) < 0)
		return -1;
	if (stream->rename_count == RENAMES_MAX)
		return candidates_add(set, "", true, err);
	if (collect_paths(stream, set, err) < 0)
		return -1;
	for (size_t i = 0, count = set->count; i < count; i++) {
		if (add_links(child, set->items[i].path, set, err) < 0)
			return -1;
	}
	return 0;
}

int subvolume_changes(int base, int child, struct candidates *set, struct err *err)
{
	auto_close int file = memfd_create("masu-changes", MFD_CLOEXEC);
	auto_free struct rename *renames = calloc(RENAMES_MAX, sizeof(*renames));
	struct stat st;

	if (file < 0 || !renames)
		return err_sys(err, "list changes");
	if (send_to(base, child, file, err) < 0)
		return -1;
	if (fstat(file, &st) < 0 || st.st_size == 0)
		return err_set(err, EPROTO, "read a btrfs send stream: it is empty");
	void *data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, file, 0);

	if (data == MAP_FAILED)
		return err_sys(err, "read a btrfs send stream");
	struct stream stream = { .data = data, .size = (size_t)st.st_size, .renames = renames };
	int result = parse(&stream, child, set, err);

	munmap(data, (size_t)st.st_size);
	return result;
}
