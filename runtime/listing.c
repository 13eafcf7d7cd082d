/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Walks the state root; one container that vanishes or is broken never spoils the list. */
#include "runtime/listing.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/err.h"
#include "runtime/container.h"
#include "runtime/masu.h"

/* One allocation: the struct, then its texts. */
struct text_space {
	char *at;
};

static const char *put(struct text_space *space, const char *text)
{
	char *copy = space->at;
	size_t size = text ? strlen(text) + 1 : 1;

	memcpy(copy, text ? text : "", size); /* the space was measured with the same texts */
	space->at += size;
	return copy;
}

/* The name of a user id in the host's /etc/passwd; other name services would have to be loaded. */
static const char *owner_name(unsigned int uid, char *buffer, size_t size)
{
	FILE *file = fopen("/etc/passwd", "re");
	struct passwd entry, *found = NULL;
	char fields[1024];

	snprintf(buffer, size, "%u", uid);
	while (file && fgetpwent_r(file, &entry, fields, sizeof(fields), &found) == 0) {
		if (found->pw_uid == uid && str_format(buffer, size, "%s", found->pw_name) == 0)
			break;
	}
	if (file)
		fclose(file);
	return buffer;
}

static const struct json_row annotation_rows[] = {
	{ "annotations", JSON_MAP_TEXT, 0, .flags = JSON_ALWAYS },
};

static const struct json_object annotation_object =
	JSON_OBJECT_OF(struct json_list, annotation_rows);

/* The annotations alone, as a JSON object. */
static const char *annotations_of(struct container *container)
{
	char *text = json_encode(&annotation_object, &container->state.annotations, 0,
				 &container->arena, NULL);
	char *brace = text ? strchr(text + 1, '{') : NULL;

	if (!brace)
		return "{}";
	text[strlen(text) - 1] = '\0'; /* {"annotations":{...}} without its outer braces */
	return brace;
}

static struct masu_container_info *describe(struct container *container)
{
	const struct state *state = &container->state;
	enum container_status status = container_status(container);
	char owner[64];
	const char *texts[] = {
		container->id,
		names_text(container_status_names, status),
		state->bundle,
		state->rootfs,
		state->created,
		container->broken ? "" : owner_name(state->owner, owner, sizeof(owner)),
		annotations_of(container),
	};
	size_t size = sizeof(struct masu_container_info);

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		size += (texts[i] ? strlen(texts[i]) : 0) + 1;
	struct masu_container_info *info = calloc(1, size);

	if (!info)
		return NULL;
	struct text_space space = { (char *)(info + 1) };

	info->id = put(&space, texts[0]);
	info->status = put(&space, texts[1]);
	info->bundle = put(&space, texts[2]);
	info->rootfs = put(&space, texts[3]);
	info->created = put(&space, texts[4]);
	info->owner = put(&space, texts[5]);
	info->annotations = put(&space, texts[6]);
	info->pid = container->pidfd >= 0 ? (pid_t)state->pid.value : 0;
	return info;
}

/* Keeps the list sorted by id. */
static void insert(struct masu_container_info **first, struct masu_container_info *info)
{
	while (*first && strcmp((*first)->id, info->id) < 0)
		first = &(*first)->next;
	info->next = *first;
	*first = info;
}

int listing_make(struct masu *masu, struct masu_container_info **first, struct err *err)
{
	struct masu_container_info *list = NULL;
	struct err why = { 0 };
	auto_close int root = state_open_root(masu->root, false, &why);

	if (root < 0 && why.code == ENOENT) {
		*first = NULL;
		return 0;
	}
	if (root < 0) {
		if (err)
			*err = why;
		return -1;
	}
	int stream_fd = openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_closedir DIR *stream = stream_fd < 0 ? NULL : fdopendir(stream_fd);

	if (!stream)
		return err_sys(err, "read state directory %s", masu->root);
	for (struct dirent *entry; (entry = readdir(stream));) {
		auto_container struct container container = CONTAINER_INIT;

		if (entry->d_name[0] == '.' || spec_check_id(entry->d_name, NULL) < 0)
			continue; /* not ours */
		if (container_open(masu, entry->d_name, STATE_UNLOCKED, true, &container, &why) <
		    0) {
			if (why.code == ERR_NOT_FOUND)
				continue; /* gone since */
			listing_free(list);
			if (err)
				*err = why;
			return err_wrap(err, "%s", entry->d_name);
		}
		struct masu_container_info *info = describe(&container);

		if (!info) {
			listing_free(list);
			return err_sys(err, "list containers");
		}
		insert(&list, info);
	}
	*first = list;
	return 0;
}

void listing_free(struct masu_container_info *first)
{
	while (first) {
		struct masu_container_info *next = first->next;

		free(first);
		first = next;
	}
}
