/* SPDX-License-Identifier: ISC */
#include "walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "sys/beneath.h"

#define NAMES_MAX	(WALK_PART * 256u)

int
walk_open(int root, const char *path, int *ret_fd, struct err *e)
{
	int fd = beneath_open(root, path, O_RDONLY | O_DIRECTORY, 0);

	if (fd == -1)
		return err_sys(e, "a folder of the snapshot");
	*ret_fd = fd;
	return 0;
}

static int
by_name(const void *a, const void *b, void *names)
{
	return strcmp((char *)names + *(const uint32_t *)a,
	    (char *)names + *(const uint32_t *)b);
}

static void
sort(struct walk_list *l)
{
	qsort_r(l->at, l->n, sizeof(*l->at), by_name, l->names);
}

/* Full: the names in front stay, in a new place, close together. */
static int
keep_half(struct walk_list *l)
{
	size_t i, n, len = 0;
	char *names;

	sort(l);
	names = malloc(l->cap);
	if (names == NULL)
		return -1;
	l->n /= 2;
	for (i = 0; i < l->n; i++) {
		n = strlen(l->names + l->at[i]) + 1;
		memcpy(names + len, l->names + l->at[i], n);
		l->at[i] = (uint32_t)len;
		len += n;
	}
	free(l->names);
	l->names = names;
	l->len = len;
	l->more = true;
	return 0;
}

static int
add(struct walk_list *l, const char *name)
{
	size_t n = strlen(name) + 1, cap;
	char *p;

	if (l->len + n > l->cap) {
		cap = l->cap == 0 ? 4096 : l->cap * 2;
		p = cap > NAMES_MAX * 2 ? NULL : realloc(l->names, cap);
		if (p == NULL)
			return -1;
		l->names = p;
		l->cap = cap;
	}
	memcpy(l->names + l->len, name, n);
	l->at[l->n++] = (uint32_t)l->len;
	l->len += n;
	return 0;
}

int
walk_list(int fd, const char *after, struct walk_list *l, struct err *e)
{
	char limit[NAME_MAX + 1] = "";	/* names from here on: next time */
	struct dirent *ent;
	int copy, rc = -1;
	DIR *d;

	if (l->max < 2)
		l->max = WALK_PART;
	l->n = l->len = 0;
	l->more = false;
	if (l->at == NULL)
		l->at = calloc(l->max, sizeof(*l->at));
	if (l->at == NULL)
		return err_set(e, ERR_MEM, "out of memory");
	copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d = copy != -1 ? fdopendir(copy) : NULL;
	if (d == NULL) {
		err_sys(e, "a folder of the snapshot");
		if (copy != -1)
			close(copy);
		return -1;
	}
	while (errno = 0, (ent = readdir(d)) != NULL) {
		const char *s = ent->d_name;

		if (strcmp(s, ".") == 0 || strcmp(s, "..") == 0 ||
		    strcmp(s, after) <= 0 ||
		    (limit[0] != '\0' && strcmp(s, limit) >= 0))
			continue;
		if (l->n == l->max) {
			if (keep_half(l) == -1)
				goto nomem;
			snprintf(limit, sizeof(limit), "%s",
			    l->names + l->at[l->n - 1]);
			/* The last that stays is in; what follows is not. */
			if (strcmp(s, limit) >= 0)
				continue;
		}
		if (add(l, s) == -1)
			goto nomem;
	}
	if (errno != 0) {
		err_sys(e, "reading a folder of the snapshot");
		goto out;
	}
	sort(l);
	rc = 0;
	goto out;
nomem:
	err_set(e, ERR_MEM, "out of memory");
out:
	closedir(d);
	return rc;
}

void
walk_list_clear(struct walk_list *l)
{
	free(l->names);
	free(l->at);
	*l = (struct walk_list){ 0 };
}

bool
walk_same(const struct stat *a, const struct stat *b, bool twins)
{
	if (a->st_ino != b->st_ino)
		return false;
	if (a->st_dev == b->st_dev)
		return true;
	return twins && a->st_size == b->st_size &&
	    a->st_mode == b->st_mode &&
	    a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	    a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	    a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	    a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

bool
walk_twins(int a, int b)
{
	struct statfs fa, fb;

	return fstatfs(a, &fa) == 0 && fstatfs(b, &fb) == 0 &&
	    fa.f_type == BTRFS_SUPER_MAGIC && fb.f_type == BTRFS_SUPER_MAGIC;
}
