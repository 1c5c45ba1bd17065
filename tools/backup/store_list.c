/* SPDX-License-Identifier: ISC */
#include "store_list.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STRAY_MAX	16

static bool
ours(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
	    strcmp(name, STORE_INCOMING) == 0 ||
	    strcmp(name, STORE_PROBE) == 0 ||
	    strncmp(name, STORE_TRASH, strlen(STORE_TRASH)) == 0;
}

static bool
is_folder(int fd, const struct dirent *d)
{
	struct stat st;

	if (d->d_type != DT_UNKNOWN)
		return d->d_type == DT_DIR;
	return fstatat(fd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISDIR(st.st_mode);
}

/* Whether d is a snapshot of client; fills *ret then. */
static bool
snapshot(const struct store_client *c, const struct dirent *d,
    struct store_snap *ret)
{
	size_t len = strlen(d->d_name);
	struct snapname n;

	if (len >= sizeof(ret->name) ||
	    snapname_parse(d->d_name, &n, NULL) == -1 ||
	    strcmp(n.client, c->name) != 0 || !is_folder(c->fd, d))
		return false;
	memcpy(ret->name, d->d_name, len + 1);
	ret->time_s = n.time_s;
	return true;
}

static int
add(struct store_list *l, size_t *cap, const struct store_snap *s)
{
	struct store_snap *more;

	if (l->n == *cap) {
		if (*cap >= STORE_LIST_MAX)
			return -1;
		*cap = *cap > 0 ? *cap * 2 : 32;
		more = reallocarray(l->snaps, *cap, sizeof(*more));
		if (more == NULL)
			return -1;
		l->snaps = more;
	}
	l->snaps[l->n++] = *s;
	return 0;
}

static int
newest_first(const void *a, const void *b)
{
	const struct store_snap *x = a, *y = b;

	return (x->time_s < y->time_s) - (x->time_s > y->time_s);
}

int
store_list_read(const struct store_client *c, struct store_list *ret,
    struct err *e)
{
	struct store_list l = { 0 };
	struct store_snap s;
	struct dirent *d;
	DIR *dir = NULL;
	size_t cap = 0;
	int fd;

	fd = openat(c->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1 || (dir = fdopendir(fd)) == NULL) {
		err_sys(e, "%s", c->path);
		if (fd != -1)
			close(fd);
		return -1;
	}
	while ((errno = 0, d = readdir(dir)) != NULL) {
		if (ours(d->d_name))
			continue;
		if (snapshot(c, d, &s)) {
			if (add(&l, &cap, &s) == -1)
				goto nomem;
			continue;
		}
		if (l.stray_n++ < STRAY_MAX &&
		    strv_add(&l.stray, d->d_name) == -1)
			goto nomem;
	}
	if (errno != 0) {
		err_sys(e, "%s", c->path);
		goto fail;
	}
	closedir(dir);
	if (l.n > 0)
		qsort(l.snaps, l.n, sizeof(l.snaps[0]), newest_first);
	*ret = l;
	return 0;
nomem:
	err_set(e, ERR_MEM, "%s: too many snapshots or out of memory",
	    c->path);
fail:
	closedir(dir);
	store_list_clear(&l);
	return -1;
}

void
store_list_clear(struct store_list *l)
{
	free(l->snaps);
	strv_clear(&l->stray);
	*l = (struct store_list){ 0 };
}

const struct store_snap *
store_list_basis(const struct store_list *l, int64_t now)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (l->snaps[i].time_s <= now)
			return &l->snaps[i];
	return l->n > 0 ? &l->snaps[0] : NULL;
}

const struct store_snap *
store_list_find(const struct store_list *l, const char *name)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (strcmp(l->snaps[i].name, name) == 0)
			return &l->snaps[i];
	return NULL;
}
