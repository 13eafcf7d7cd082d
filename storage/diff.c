/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What changed in a volume: listed, or written as a layer. */
#include "storage/diff.h"

#include <string.h>

#include "base/err.h"
#include "storage/tar.h"

static void close_views(const struct root_views *views)
{
	if (views->now >= 0)
		close(views->now);
	if (views->base >= 0)
		close(views->base);
}

static int collect(struct storage *store, const struct root *root, struct root_views *views,
		   struct change_list *changes, struct err *err)
{
	if (root_open_views(store, root, views, err) < 0)
		return -1;
	if (root_changes(store, &root->volume, views, changes, err) == 0)
		return 0;
	close_views(views);
	return -1;
}

int storage_diff(struct storage *store, const char *id, struct arena *arena,
		 struct storage_change **changes, size_t *count, struct err *err)
{
	struct change_list list = { .arena = arena };
	struct root_views views;
	struct root root;

	if (root_load(store, id, arena, &root, err) < 0 ||
	    collect(store, &root, &views, &list, err) < 0)
		return err_wrap(err, "diff %s", id);
	close_views(&views);
	for (size_t i = 0; i < list.count; i++) {
		list.items[i].path = arena_printf(arena, "/%s", list.items[i].path);
		if (!list.items[i].path)
			return err_sys(err, "diff %s", id);
	}
	*changes = list.items;
	*count = list.count;
	return 0;
}

static int write_changes(const struct archive_output *output, int tree,
			 const struct change_list *changes, struct archive_digests *digests,
			 struct err *err)
{
	const struct archive_ops *archive = archive_load(err);
	struct archive_writer *writer = archive ? archive->create(output, err) : NULL;

	if (!writer)
		return -1;
	if (tar_write_changes(archive, writer, tree, changes, err) < 0) {
		archive->end(writer, NULL, NULL);
		return -1;
	}
	return archive->end(writer, digests, err);
}

int diff_write(struct storage *store, const struct volume *volume,
	       const struct archive_output *output, struct archive_digests *digests,
	       struct err *err)
{
	auto_arena struct arena arena = { 0 };
	const struct root root = { .volume = *volume };
	struct change_list list = { .arena = &arena };
	struct root_views views;

	if (collect(store, &root, &views, &list, err) < 0)
		return -1;
	int result = write_changes(output, views.now, &list, digests, err);

	close_views(&views);
	return result;
}

int storage_diff_tar(struct storage *store, const char *id, int fd, struct err *err)
{
	auto_arena struct arena arena = { 0 };
	const struct archive_output output = { .fd = fd };
	struct archive_digests digests;
	struct root root;

	if (root_load(store, id, &arena, &root, err) < 0 ||
	    diff_write(store, &root.volume, &output, &digests, err) < 0)
		return err_wrap(err, "diff %s", id);
	return 0;
}

int storage_export_root(struct storage *store, const char *id, int fd, struct err *err)
{
	auto_arena struct arena arena = { 0 };
	const struct archive_ops *archive = archive_load(err);
	const struct volume_mount view = { .userns_fd = -1, .readonly = true };
	struct archive_digests digests;
	struct root root;

	if (!archive || root_load(store, id, &arena, &root, err) < 0)
		return -1;
	auto_close int tree = store->ops->mount(store, &root.volume, &view, err);

	if (tree < 0)
		return -1;
	struct archive_writer *writer = archive->create(&(struct archive_output){ .fd = fd }, err);

	if (!writer)
		return -1;
	if (tar_write_tree(archive, writer, tree, err) < 0) {
		archive->end(writer, NULL, NULL);
		return err_wrap(err, "export %s", id);
	}
	return archive->end(writer, &digests, err);
}
