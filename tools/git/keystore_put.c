/* SPDX-License-Identifier: ISC */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "authgen.h"
#include "keystore.h"

#define NEW	".new"		/* a generation that is being written */
#define OLD	".old"		/* one that is being removed */
#define LINK	".current"	/* the link that comes next */
#define NUMBER	24		/* bytes of a number's text, with the NUL */

static const char text_name[] = "authorized_keys", index_name[] = "index",
    principals_name[] = "principals";

/* What is wrong with a part of the store. */
static int
fail(const struct keystore *ks, const char *what, struct err *e)
{
	return err_sys(e, "%s/generations: %s", ks->path, what);
}

static int
write_all(int fd, const char *data, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = write(fd, data, len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

static int
write_new(const struct keystore *ks, int dirfd, const char *name,
    const struct buf *data, struct err *e)
{
	int fd, rc = 0;

	fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
	    O_CLOEXEC, 0600);
	if (fd == -1 || write_all(fd, data->data, data->len) == -1 ||
	    fsync(fd) == -1)
		rc = fail(ks, name, e);
	if (fd != -1 && close(fd) == -1 && rc == 0)
		rc = fail(ks, name, e);
	return rc;
}

/* name in gens and what is in it, if it is there at all. */
static int
remove_folder(const struct keystore *ks, const char *name, struct err *e)
{
	struct dirent *de;
	DIR *d;
	int fd;

	fd = openat(ks->gens, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	if (fd == -1 && errno == ENOENT)
		return 0;
	d = fd != -1 ? fdopendir(fd) : NULL;
	if (d == NULL) {
		fail(ks, name, e);
		if (fd != -1)
			close(fd);
		return -1;
	}
	while ((de = readdir(d)) != NULL)
		if (strcmp(de->d_name, ".") != 0 &&
		    strcmp(de->d_name, "..") != 0)
			(void)unlinkat(fd, de->d_name, 0);
	closedir(d);
	return unlinkat(ks->gens, name, AT_REMOVEDIR) == -1 ?
	    fail(ks, name, e) : 0;
}

/* Whether the text that the disk has gives these keys, in this order. */
static int
same_text(const struct keystore_map *m, const struct keylist *keys,
    struct err *e)
{
	struct keylist got = { 0 };
	size_t i = 0;
	int rc;

	rc = authgen_base(text_name, m->p, m->len, &got, e);
	if (rc == 0 && got.n == keys->n)
		while (i < got.n && memcmp(got.v[i].fp, keys->v[i].fp,
		    KEYLINE_FP) == 0)
			i++;
	if (rc == 0 && (got.n != keys->n || i < got.n))
		rc = err_set(e, ERR_CONFIG, "%s: other keys than were "
		    "written", text_name);
	keylist_clear(&got);
	return rc;
}

static int
same_bytes(const struct keystore_map *m, const struct buf *want,
    const char *name, struct err *e)
{
	if (m->len == want->len && memcmp(m->p, want->data, m->len) == 0)
		return 0;
	return err_set(e, ERR_CONFIG, "%s: other bytes than were written",
	    name);
}

static int
same_index(const struct keystore_map *m, const struct buf *index,
    struct err *e)
{
	struct authindex x;

	if (authindex_parse(m->p, m->len, &x, e) == -1 ||
	    authindex_verify(&x, e) == -1)
		return -1;
	return same_bytes(m, index, index_name, e);
}

/* Reads back what lies in NEW. */
static int
read_back(const struct keystore *ks, const struct keystore_files *files,
    const struct keylist *keys, struct err *e)
{
	struct keystore_map text = { 0 }, ix = { 0 }, who = { 0 };
	int rc = -1;

	if (keystore_map_at(ks, NEW, text_name, &text, e) == 0 &&
	    keystore_map_at(ks, NEW, index_name, &ix, e) == 0 &&
	    keystore_map_at(ks, NEW, principals_name, &who, e) == 0 &&
	    same_text(&text, keys, e) == 0 &&
	    same_index(&ix, files->index, e) == 0 &&
	    same_bytes(&who, files->principals, principals_name, e) == 0)
		rc = 0;
	keystore_unmap(&text);
	keystore_unmap(&ix);
	keystore_unmap(&who);
	return rc == 0 ? 0 : err_wrap(e, "reading back what was written");
}

int
keystore_put(const struct keystore *ks, uint64_t gen,
    const struct keystore_files *files, const struct keylist *keys,
    struct err *e)
{
	char name[NUMBER];
	int fd = -1, rc = -1;

	if (remove_folder(ks, NEW, e) == -1)
		return -1;
	snprintf(name, sizeof(name), "%" PRIu64, gen);
	if (mkdirat(ks->gens, NEW, 0700) == -1)
		return fail(ks, NEW, e);
	fd = openat(ks->gens, NEW, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	if (fd == -1) {
		fail(ks, NEW, e);
		goto out;
	}
	if (write_new(ks, fd, text_name, files->text, e) == -1 ||
	    write_new(ks, fd, index_name, files->index, e) == -1 ||
	    write_new(ks, fd, principals_name, files->principals, e) == -1)
		goto out;
	if (read_back(ks, files, keys, e) == -1)
		goto out;
	if (fsync(fd) == -1 ||
	    renameat(ks->gens, NEW, ks->gens, name) == -1) {
		fail(ks, name, e);
		goto out;
	}
	/* Not yet in force: should this fail, it stays as it is, unused. */
	rc = fsync(ks->gens) == -1 ? fail(ks, "fsync", e) : 0;
out:
	if (fd != -1)
		close(fd);
	if (rc == -1)
		(void)remove_folder(ks, NEW, NULL);
	return rc;
}

int
keystore_switch(const struct keystore *ks, uint64_t gen, struct err *e)
{
	char to[NUMBER + sizeof("generations/")];
	uint64_t now;

	if (keystore_current(ks, &now, e) == -1)
		return -1;
	snprintf(to, sizeof(to), "generations/%" PRIu64, gen);
	if (unlinkat(ks->dir, LINK, 0) == -1 && errno != ENOENT)
		return err_sys(e, "%s/" LINK, ks->path);
	if (symlinkat(to, ks->dir, LINK) == -1)
		return err_sys(e, "%s/" LINK, ks->path);
	if (renameat(ks->dir, LINK, ks->dir, "current") == -1) {
		err_sys(e, "%s/current: rename", ks->path);
		(void)unlinkat(ks->dir, LINK, 0);
		return -1;
	}
	if (fsync(ks->dir) == -1)
		return err_sys(e, "%s: generation %" PRIu64 " is in force, but "
		    "fsync failed", ks->path, gen);
	return 0;
}

/* Out of the list first: half a generation must not be rolled back to. */
int
keystore_drop(const struct keystore *ks, uint64_t gen, struct err *e)
{
	char name[NUMBER];

	snprintf(name, sizeof(name), "%" PRIu64, gen);
	if (remove_folder(ks, OLD, e) == -1)
		return -1;
	if (renameat(ks->gens, name, ks->gens, OLD) == -1)
		return fail(ks, name, e);
	return remove_folder(ks, OLD, e);
}

int
keystore_prune(const struct keystore *ks, size_t keep, struct err *e)
{
	uint64_t *v, now;
	size_t i, n;
	int rc = 0;

	if (keystore_current(ks, &now, e) == -1 ||
	    keystore_list(ks, &v, &n, e) == -1)
		return -1;
	if (keep == 0)
		keep = 1;
	for (i = 0; rc == 0 && i + keep < n; i++)
		if (v[i] != now)
			rc = keystore_drop(ks, v[i], e);
	free(v);
	return rc;
}
