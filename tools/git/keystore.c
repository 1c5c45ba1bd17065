/* SPDX-License-Identifier: ISC */
#include "keystore.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/num.h"
#include "sys/file.h"
#include "sys/lock.h"

#define GENS	"generations"
#define NOTE_MAX 256

int
keystore_become(const char *path, struct err *e)
{
	struct stat st;

	if (geteuid() != 0)
		return 0;
	if (lstat(path, &st) == -1)
		return err_sys(e, "%s", path);
	if (!S_ISDIR(st.st_mode))
		return err_set(e, ERR_UNSAFE, "%s: not a folder", path);
	if (st.st_uid == 0)
		return 0;
	if (setgroups(0, NULL) == -1 ||
	    setresgid(st.st_gid, st.st_gid, st.st_gid) == -1 ||
	    setresuid(st.st_uid, st.st_uid, st.st_uid) == -1)
		return err_sys(e, "becoming the owner of %s", path);
	return 0;
}

/* The folder name in dirfd; it must be ours alone. */
static int
open_own(int dirfd, const char *name, const char *path, struct err *e)
{
	struct stat st;
	int fd;

	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	if (fd == -1 && (errno == ELOOP || errno == ENOTDIR))
		return err_set(e, ERR_UNSAFE, "%s: a symbolic link, or not a "
		    "folder", path);
	if (fd == -1)
		return err_sys(e, "%s", path);
	if (fstat(fd, &st) == -1) {
		err_sys(e, "%s", path);
		close(fd);
		return -1;
	}
	if (st.st_uid == geteuid() && (st.st_mode & 022) == 0)
		return fd;
	close(fd);
	return err_set(e, ERR_UNSAFE, "%s: must belong to uid %lu, and nobody "
	    "else may write to it (uid %lu, mode %04o)", path,
	    (unsigned long)geteuid(), (unsigned long)st.st_uid,
	    (unsigned)(st.st_mode & 07777));
}

int
keystore_open(const char *path, struct keystore *ret, struct err *e)
{
	struct keystore ks = KEYSTORE_INIT;
	struct buf gens;

	buf_init(&gens, 4096);
	ks.path = strdup(path);
	if (ks.path == NULL || buf_addf(&gens, "%s/" GENS, path) == -1) {
		err_set(e, ERR_MEM, "out of memory");
		goto fail;
	}
	ks.dir = open_own(AT_FDCWD, path, path, e);
	if (ks.dir == -1)
		goto fail;
	/* A session, which only reads, may not make it: it is missing then. */
	if (mkdirat(ks.dir, GENS, 0700) == -1 && errno != EEXIST &&
	    errno != EACCES) {
		err_sys(e, "%s", gens.data);
		goto fail;
	}
	ks.gens = open_own(ks.dir, GENS, gens.data, e);
	if (ks.gens == -1)
		goto fail;
	buf_clear(&gens);
	*ret = ks;
	return 0;
fail:
	buf_clear(&gens);
	keystore_close(&ks);
	return -1;
}

void
keystore_close(struct keystore *ks)
{
	int *fds[] = { &ks->dir, &ks->gens, &ks->lock };
	size_t i;

	for (i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		if (*fds[i] != -1)
			close(*fds[i]);
		*fds[i] = -1;
	}
	free(ks->path);
	ks->path = NULL;
}

int
keystore_lock(struct keystore *ks, unsigned timeout_ms, struct err *e)
{
	struct buf path;
	int rc;

	buf_init(&path, 8192);
	rc = buf_addf(&path, "%s/lock", ks->path) == -1 ?
	    err_set(e, ERR_MEM, "out of memory") :
	    lock_take_at(ks->dir, "lock", path.data, timeout_ms, &ks->lock,
	    e);
	buf_clear(&path);
	return rc;
}

int
keystore_current(const struct keystore *ks, uint64_t *ret, struct err *e)
{
	static const char head[] = GENS "/";
	char to[64];
	ssize_t n;

	n = readlinkat(ks->dir, "current", to, sizeof(to) - 1);
	if (n == -1 && errno == ENOENT) {
		*ret = 0;
		return 0;
	}
	if (n == -1 && errno != EINVAL)
		return err_sys(e, "%s/current", ks->path);
	if (n > 0) {
		to[n] = '\0';
		if (strncmp(to, head, sizeof(head) - 1) == 0 &&
		    num_u64(to + sizeof(head) - 1, "", 1, INT64_MAX, ret,
		    NULL) == 0)
			return 0;
	}
	return err_set(e, ERR_UNSAFE, "%s/current: not a link to one of "
	    GENS "/: look who made it, and remove it", ks->path);
}

static int
by_number(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

int
keystore_list(const struct keystore *ks, uint64_t **ret, size_t *ret_n,
    struct err *e)
{
	int fd = openat(ks->gens, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd != -1 ? fdopendir(fd) : NULL;
	uint64_t *v = NULL, *more, gen;
	size_t n = 0;
	struct dirent *de;

	if (d == NULL) {
		err_sys(e, "%s/" GENS, ks->path);
		if (fd != -1)
			close(fd);
		return -1;
	}
	while ((errno = 0, de = readdir(d)) != NULL) {
		if (num_u64(de->d_name, "", 1, INT64_MAX, &gen, NULL) == -1)
			continue;
		more = reallocarray(v, n + 1, sizeof(*v));
		if (more == NULL)
			break;
		v = more;
		v[n++] = gen;
	}
	if (errno != 0) {
		err_sys(e, "%s/" GENS, ks->path);
		closedir(d);
		free(v);
		return -1;
	}
	closedir(d);
	if (n > 1)
		qsort(v, n, sizeof(*v), by_number);
	*ret = v;
	*ret_n = n;
	return 0;
}

/* fd (path, for messages) mapped. */
static int
map(int fd, const char *path, struct keystore_map *ret, struct err *e)
{
	struct stat st;
	void *p;

	if (fstat(fd, &st) == -1)
		return err_sys(e, "%s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_UNSAFE, "%s: not a regular file", path);
	if (st.st_size == 0)
		return err_set(e, ERR_CONFIG, "%s: empty", path);
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return err_sys(e, "%s", path);
	*ret = (struct keystore_map){ p, (size_t)st.st_size };
	return 0;
}

int
keystore_map_at(const struct keystore *ks, const char *folder,
    const char *name, struct keystore_map *ret, struct err *e)
{
	struct buf path;
	int dir, fd = -1, rc = -1;

	buf_init(&path, 8192);
	if (buf_addf(&path, "%s/" GENS "/%s/%s", ks->path, folder, name) ==
	    -1) {
		err_set(e, ERR_MEM, "out of memory");
		goto out;
	}
	dir = openat(ks->gens, folder, O_PATH | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	if (dir != -1) {
		fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC |
		    O_NONBLOCK | O_NOCTTY);
		close(dir);
	}
	if (fd == -1) {
		err_sys(e, "%s", path.data);
		goto out;
	}
	rc = map(fd, path.data, ret, e);
	close(fd);
out:
	buf_clear(&path);
	return rc;
}

int
keystore_map(const struct keystore *ks, uint64_t gen, const char *name,
    struct keystore_map *ret, struct err *e)
{
	char folder[32];

	snprintf(folder, sizeof(folder), "%" PRIu64, gen);
	return keystore_map_at(ks, folder, name, ret, e);
}

void
keystore_unmap(struct keystore_map *m)
{
	if (m->p != NULL)
		munmap(m->p, m->len);
	*m = (struct keystore_map){ NULL, 0 };
}

static int
note_path(const struct keystore *ks, struct buf *path, struct err *e)
{
	buf_init(path, 8192);
	if (buf_addf(path, "%s/refreshed", ks->path) == 0)
		return 0;
	return err_set(e, ERR_MEM, "out of memory");
}

int
keystore_note(const struct keystore *ks, const struct keystore_note *n,
    struct err *e)
{
	struct buf path, text;
	int rc = -1;

	buf_init(&text, NOTE_MAX);
	if (note_path(ks, &path, e) == 0) {
		rc = buf_addf(&text, "%" PRIu64 " %" PRIu64 " %" PRIu64
		    " %" PRIu64 "\n", n->sequence, n->time_s, n->keys,
		    n->skipped) == -1 ? err_set(e, ERR_MEM, "out of memory") :
		    file_write(path.data, text.data, text.len, 0600, NULL, e);
	}
	buf_clear(&path);
	buf_clear(&text);
	return rc;
}

void
keystore_noted(const struct keystore *ks, struct keystore_note *ret)
{
	struct keystore_note n = { 0 };
	struct buf path, text;
	char end = '\0';

	buf_init(&text, NOTE_MAX);
	if (note_path(ks, &path, NULL) == -1 ||
	    file_read(path.data, &text, NULL) == -1 ||
	    sscanf(text.data, "%" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
	    "%c", &n.sequence, &n.time_s, &n.keys, &n.skipped, &end) != 5 ||
	    end != '\n')
		n = (struct keystore_note){ 0 };
	*ret = n;
	buf_clear(&path);
	buf_clear(&text);
}

int
keystore_highest(const struct keystore *ks, uint64_t *ret, struct err *e)
{
	struct keystore_note note;
	uint64_t *v;
	size_t n;

	if (keystore_list(ks, &v, &n, e) == -1)
		return -1;
	keystore_noted(ks, &note);
	*ret = n > 0 && v[n - 1] > note.sequence ? v[n - 1] : note.sequence;
	free(v);
	return 0;
}
