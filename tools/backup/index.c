/* SPDX-License-Identifier: ISC */
#include "index.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store_list.h"

#define FILE_NAME "catalog.db"
#define PATH_ROOM 4096

static int
path_of(const struct store_client *c, char out[PATH_ROOM], struct err *e)
{
	if (snprintf(out, PATH_ROOM, "%s/" FILE_NAME, c->admin_path) >=
	    PATH_ROOM)
		return err_set(e, ERR_CONFIG, "%s: too long", c->admin_path);
	return 0;
}

int
index_open(const struct store_client *c, bool write, struct catalog *ret,
    struct err *e)
{
	char path[PATH_ROOM];

	*ret = (struct catalog){ 0 };
	if (path_of(c, path, e) == -1)
		return -1;
	if (catalog_open(ret, path, write, e) == 0)
		return 0;
	if (!write || !ret->damaged)
		return -1;
	catalog_close(ret);
	*e = (struct err)ERR_INIT;
	if (catalog_discard(path, e) == -1)
		return -1;
	return catalog_open(ret, path, write, e);
}

static int
make(const struct store_client *c, struct catalog *cat, const char *name,
    struct manifest_opts *o, struct manifest_stats *ret, struct err *e)
{
	int rc;

	o->name = name;
	o->root = openat(c->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	if (o->root == -1)
		return err_sys(e, "%s/%s", c->path, name);
	rc = manifest_make(cat, o, ret, e);
	close(o->root);
	return rc;
}

int
index_sync(const struct store_client *c, struct catalog *cat,
    int (*progress)(void *arg, const struct manifest_stats *sofar,
    struct err *e), void *arg, struct manifest_stats *ret, struct err *e)
{
	struct manifest_opts o = { .client = c->fd,
		.now = c->store->now(), .threads = MANIFEST_THREADS,
		.progress = progress, .arg = arg };
	struct store_list list = { 0 };
	size_t i;
	int rc = 0;

	if (store_list_read(c, &list, e) == -1)
		return -1;
	for (i = cat->n; rc == 0 && i-- > 0;)
		if (store_list_find(&list, cat->snaps[i].name) == NULL)
			rc = catalog_remove(cat, cat->snaps[i].name, e);
	for (i = list.n; rc == 0 && i-- > 0;)
		if (catalog_snap(cat, list.snaps[i].name) == NULL)
			rc = make(c, cat, list.snaps[i].name, &o, ret, e);
	store_list_clear(&list);
	return rc;
}
