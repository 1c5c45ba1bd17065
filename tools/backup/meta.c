/* SPDX-License-Identifier: ISC */
#include "meta.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fakestat.h"
#include "hash.h"

#define NAMES_MAX	(META_SCRATCH / 2)
#define NAMES_COUNT	256

struct xattrs {
	int fd;			/* -1: by path */
	char path[sizeof("/proc/self/fd/") + 10 + 1 + NAME_MAX + 1];
	char *names, *value;	/* halves of the scratch */
	const char *sorted[NAMES_COUNT];
	size_t n;
};

static ssize_t
get(const struct xattrs *x, const char *name, void *to, size_t max)
{
	return x->fd != -1 ? fgetxattr(x->fd, name, to, max) :
	    lgetxattr(x->path, name, to, max);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* All names but ours; *ret_fake: whether FAKESTAT_ATTR is there. */
static int
list(struct xattrs *x, bool *ret_fake)
{
	const char *s;
	ssize_t len;

	*ret_fake = false;
	len = x->fd != -1 ? flistxattr(x->fd, x->names, NAMES_MAX) :
	    llistxattr(x->path, x->names, NAMES_MAX);
	if (len == -1)
		return errno == ENOTSUP ? 0 : -1;
	for (s = x->names; s < x->names + len; s += strlen(s) + 1) {
		if (strcmp(s, FAKESTAT_ATTR) == 0) {
			*ret_fake = true;
			continue;
		}
		if (strcmp(s, "security.selinux") == 0)
			continue;
		if (x->n == NAMES_COUNT) {
			errno = E2BIG;
			return -1;
		}
		x->sorted[x->n++] = s;
	}
	qsort(x->sorted, x->n, sizeof(*x->sorted), by_name);
	return 0;
}

static int
hash_all(struct xattrs *x, unsigned char out[16])
{
	crypto_generichash_state st;
	unsigned char count[8];
	ssize_t len;
	size_t i, k;

	crypto_generichash_init(&st, NULL, 0, 16);
	for (i = 0; i < x->n; i++) {
		len = get(x, x->sorted[i], x->value, META_SCRATCH - NAMES_MAX);
		if (len == -1)
			return -1;
		for (k = 0; k < 8; k++)
			count[k] = (unsigned char)((uint64_t)len >> 8 * k);
		crypto_generichash_update(&st,
		    (const unsigned char *)x->sorted[i],
		    strlen(x->sorted[i]) + 1);
		crypto_generichash_update(&st, count, sizeof(count));
		crypto_generichash_update(&st,
		    (const unsigned char *)x->value, (size_t)len);
	}
	crypto_generichash_final(&st, out, 16);
	return 0;
}

/* What --fake-super stored in place of what st says. */
static int
apply_fake(const struct xattrs *x, struct catalog_meta *m, struct err *e)
{
	struct fakestat f;
	ssize_t len;

	len = get(x, FAKESTAT_ATTR, x->value, FAKESTAT_MAX);
	if (len == -1 && errno != ERANGE)
		return err_sys(e, "%s", FAKESTAT_ATTR);
	if (len == -1)
		len = 0;
	if (fakestat_parse(x->value, (size_t)len, &f, e) == -1)
		return -1;
	/* Only a regular file stands for something else. */
	if ((f.mode & S_IFMT) != (m->mode & S_IFMT) &&
	    (!S_ISREG(m->mode) || S_ISDIR(f.mode)))
		return err_set(e, ERR_CONFIG, "%s: mode %o on a file with "
		    "mode %o", FAKESTAT_ATTR, f.mode, m->mode);
	m->mode = f.mode;
	m->uid = f.uid;
	m->gid = f.gid;
	m->rdev = S_ISCHR(f.mode) || S_ISBLK(f.mode) ?
	    (uint64_t)f.major << 32 | f.minor : 0;
	return 0;
}

static int
hash_target(int dirfd, const char *name, char *to, struct catalog_meta *m)
{
	ssize_t n = readlinkat(dirfd, name, to, NAMES_MAX);

	if (n == -1)
		return -1;
	hash_bytes(to, (size_t)n, m->hash);
	m->has_hash = true;
	m->size = (uint64_t)n;
	return 0;
}

void
meta_plain(const struct stat *st, struct catalog_meta *ret)
{
	*ret = (struct catalog_meta){
		.mode = st->st_mode, .uid = st->st_uid, .gid = st->st_gid,
		.mtime_ns = (int64_t)((uint64_t)st->st_mtim.tv_sec *
		    1000000000 + (uint64_t)st->st_mtim.tv_nsec),
	};
	if (S_ISREG(st->st_mode) || S_ISLNK(st->st_mode))
		ret->size = (uint64_t)st->st_size;
	if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))
		ret->rdev = (uint64_t)major(st->st_rdev) << 32 |
		    minor(st->st_rdev);
}

int
meta_open(int dirfd, const char *name, const struct stat *st, int *ret_fd,
    struct err *e)
{
	int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	struct stat now;
	int fd;

	fd = openat(dirfd, name, flags | O_NOATIME);
	if (fd == -1 && errno == EPERM)
		fd = openat(dirfd, name, flags);
	if (fd == -1)
		return err_sys(e, "open");
	if (fstat(fd, &now) == -1 || now.st_ino != st->st_ino ||
	    now.st_dev != st->st_dev || !S_ISREG(now.st_mode)) {
		close(fd);
		return err_set(e, ERR_UNSAFE, "it was replaced meanwhile");
	}
	*ret_fd = fd;
	return 0;
}

int
meta_read(int dirfd, const char *name, int fd, const struct stat *st,
    void *scratch, struct catalog_meta *ret, bool *ret_content, struct err *e)
{
	struct xattrs x = { .fd = fd, .names = scratch };
	struct catalog_meta m;
	bool fake;

	meta_plain(st, &m);
	x.value = x.names + NAMES_MAX;
	if (fd == -1)
		snprintf(x.path, sizeof(x.path), "/proc/self/fd/%d/%s", dirfd,
		    name);
	if (list(&x, &fake) == -1)
		return err_sys(e, "extended attributes");
	if (fake && apply_fake(&x, &m, e) == -1)
		return -1;
	if (x.n > 0) {
		if (hash_all(&x, m.xattr) == -1)
			return err_sys(e, "extended attributes");
		m.has_xattr = true;
	}
	if (S_ISLNK(st->st_mode) &&
	    hash_target(dirfd, name, x.names, &m) == -1)
		return err_sys(e, "symbolic link");
	*ret_content = S_ISREG(st->st_mode) &&
	    (S_ISREG(m.mode) || S_ISLNK(m.mode));
	if (!*ret_content && !S_ISLNK(st->st_mode))
		m.size = 0;
	if (*ret_content && st->st_nlink > 1)
		m.link = st->st_ino;
	*ret = m;
	return 0;
}

bool
meta_holds(const struct catalog_meta *m, const struct stat *st)
{
	struct catalog_meta now;

	meta_plain(st, &now);
	if (now.mtime_ns != m->mtime_ns)
		return false;
	if (!S_ISREG(st->st_mode))
		return true;
	return now.size == m->size && (m->has_hash ||
	    !(S_ISREG(m->mode) || S_ISLNK(m->mode)));
}
