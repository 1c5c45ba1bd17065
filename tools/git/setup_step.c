/* SPDX-License-Identifier: ISC */
#include "setup_step.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keyproc.h"
#include "sys/file.h"
#include "ui/log.h"

#define TEXT_MAX ((size_t)1 << 20)

static uint64_t limit_ms = 60000;

void
step_limit(uint64_t ms)
{
	limit_ms = ms;
}

void
step_say(struct step *s, bool changed, const char *fmt, ...)
{
	char line[ERR_MSG_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	s->changed += changed;
	log_info("%s: %s", !changed ? "was so already" : s->dry_run ?
	    "would do" : "done", line);
}

int
step_read(const char *path, struct buf *out, struct err *e)
{
	if (access(path, F_OK) == -1 && errno == ENOENT)
		return 0;
	return file_read(path, out, e);
}

int
step_file(struct step *s, const char *path, const char *text, size_t len,
    mode_t mode, gid_t gid, struct err *e)
{
	struct stat st;
	struct buf old;
	bool same = false;
	int rc = -1;

	buf_init(&old, TEXT_MAX);
	if (lstat(path, &st) == 0) {
		if (!S_ISREG(st.st_mode)) {
			err_set(e, ERR_UNSAFE, "%s: not a regular file", path);
			goto out;
		}
		if (file_read(path, &old, e) == -1)
			goto out;
		same = old.len == len && memcmp(old.data, text, len) == 0 &&
		    (st.st_mode & 07777) == mode && st.st_uid == 0 &&
		    st.st_gid == gid;
	} else if (errno != ENOENT) {
		err_sys(e, "%s", path);
		goto out;
	}
	/* Owner and mode of the new file before it has its name: a group's
	 * right to read is added later, never taken away late. */
	if (!same && !s->dry_run) {
		if (file_write(path, text, len, mode & ~(mode_t)070, NULL,
		    e) == -1)
			goto out;
		if (lchown(path, 0, gid) == -1 || chmod(path, mode) == -1) {
			err_sys(e, "%s", path);
			goto out;
		}
	}
	step_say(s, !same, "%s", path);
	rc = 0;
out:
	buf_clear(&old);
	return rc;
}

/* The folder itself, whatever has its name meanwhile: where the folder above
 * is another user's, that user may put a link in its place at any time. */
static int
own_folder(const char *path, mode_t mode, uid_t uid, gid_t gid,
    struct err *e)
{
	int fd, rc = 0;

	if (file_mkdirs(path, mode, e) == -1)
		return -1;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return errno != ENOTDIR && errno != ELOOP ? err_sys(e, "%s",
		    path) : err_set(e, ERR_UNSAFE, "%s: not a folder", path);
	if (fchown(fd, uid, gid) == -1 || fchmod(fd, mode) == -1)
		rc = err_sys(e, "%s", path);
	close(fd);
	return rc;
}

int
step_folder(struct step *s, const char *path, mode_t mode, uid_t uid,
    gid_t gid, struct err *e)
{
	struct stat st;
	bool same = false;

	if (lstat(path, &st) == 0) {
		if (!S_ISDIR(st.st_mode))
			return err_set(e, ERR_UNSAFE, "%s: not a folder",
			    path);
		same = (st.st_mode & 07777) == mode && st.st_uid == uid &&
		    st.st_gid == gid;
	} else if (errno != ENOENT) {
		return err_sys(e, "%s", path);
	}
	if (!same && !s->dry_run && own_folder(path, mode, uid, gid,
	    e) == -1)
		return -1;
	step_say(s, !same, "%s, a folder", path);
	return 0;
}

int
step_link(struct step *s, const char *path, const char *target,
    struct err *e)
{
	char old[4096];
	ssize_t n = readlink(path, old, sizeof(old) - 1);
	bool same;

	if (n == -1 && errno != ENOENT)
		return err_set(e, ERR_UNSAFE, "%s: something else than a link "
		    "of ours is there; move it away", path);
	same = n == (ssize_t)strlen(target) &&
	    memcmp(old, target, (size_t)n) == 0;
	if (!same && !s->dry_run) {
		if (n != -1 && unlink(path) == -1)
			return err_sys(e, "%s", path);
		if (symlink(target, path) == -1)
			return err_sys(e, "%s", path);
	}
	step_say(s, !same, "%s -> %s", path, target);
	return 0;
}

int
step_run(const char *const *argv, struct buf *out, struct err *e)
{
	struct keyproc p = { .argv = (char *const *)(uintptr_t)argv,
		.in = "\n", .in_len = 1, .timeout_ms = limit_ms };
	struct keyproc_end end;
	struct buf said;
	int rc;

	buf_init(&said, TEXT_MAX);
	rc = keyproc_run(&p, out != NULL ? out : &said, &end, e);
	if (rc == 0)
		rc = keyproc_why(&end, argv[0], e);
	buf_clear(&said);
	return rc;
}

bool
step_systemd(void)
{
	return access("/run/systemd/system", F_OK) == 0;
}
