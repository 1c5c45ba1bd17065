/* SPDX-License-Identifier: ISC */
#include "bootlog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "authinfo.h"
#include "give.h"
#include "slurp.h"

#define LOG	GIVE_DIR "/log"
#define OLD	LOG ".old"
#define LOG_MAX	65536	/* bytes, and a line */
#define WORD	"log "	/* of a line, that the file has not */

/* The key that this session logged in with. The variables are sshd's own; a
 * file that isn't root's was not written by it. */
static void
who(char ret[BOOTLINE_WHO])
{
	const char *path = getenv("SSH_USER_AUTH");
	const char *comment = getenv("SSH_PUBKEYINFO");
	char fp[AUTHINFO_FP];
	struct buf b;

	ret[0] = '\0';
	buf_init(&b, AUTHINFO_MAX);
	if (path != NULL && slurp_own(path, &b, NULL) == 0 &&
	    authinfo_parse(b.data, b.len, fp, NULL) == 0)
		snprintf(ret, BOOTLINE_WHO, "%s", fp);
	else if (comment != NULL)
		snprintf(ret, BOOTLINE_WHO, "%s", comment);
	buf_clear(&b);
}

static void
where(char ret[BOOTLINE_WHO])
{
	const char *ssh = getenv("SSH_CONNECTION");
	ssize_t n = 0;

	if (ssh != NULL)
		snprintf(ret, BOOTLINE_WHO, "%.*s", (int)strcspn(ssh, " "),
		    ssh);
	else if (isatty(STDIN_FILENO))
		n = readlink("/proc/self/fd/0", ret, BOOTLINE_WHO - 1);
	if (ssh == NULL)
		ret[n > 0 ? n : 0] = '\0';
}

/* The log, to write and to read, and where it ends. */
static int
open_log(off_t *ret_end, struct err *e)
{
	struct stat st;
	int fd;

	for (;;) {
		fd = open(LOG, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK |
		    O_CLOEXEC, 0600);
		if (fd == -1)
			return err_sys(e, LOG);
		if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
			close(fd);
			return err_set(e, ERR_UNSAFE, LOG ": not a file");
		}
		if (st.st_size < LOG_MAX) {
			*ret_end = st.st_size;
			return fd;
		}
		close(fd);
		if (rename(LOG, OLD) == -1)
			return err_sys(e, OLD);
	}
}

/* Whether the last two lines are both that of len bytes at p, but for their
 * times. */
static bool
again(int fd, off_t end, const char *p, size_t len)
{
	char both[2 * BOOTLINE_MAX];
	size_t i;

	if (len > BOOTLINE_MAX || len <= BOOTLINE_WHEN ||
	    end < (off_t)(2 * len) || pread(fd, both, 2 * len, end -
	    (off_t)(2 * len)) != (ssize_t)(2 * len))
		return false;
	for (i = 0; i < 2; i++)
		if (memcmp(both + i * len + BOOTLINE_WHEN, p + BOOTLINE_WHEN,
		    len - BOOTLINE_WHEN) != 0)
			return false;
	return true;
}

static int
add_line(const char *p, size_t len, struct err *e)
{
	char last = '\n';
	off_t end = 0;
	ssize_t n;
	int fd, rc = 0;

	fd = open_log(&end, e);
	if (fd == -1)
		return -1;
	/* Who was killed while he wrote left half a line: that alone is lost. */
	if (end > 0 && pread(fd, &last, 1, end - 1) == 1 && last != '\n' &&
	    pwrite(fd, "\n", 1, end) == 1)
		end++;
	/* Who goes on guessing doesn't push out what others did. */
	if (again(fd, end, p, len))
		end -= (off_t)len;
	n = pwrite(fd, p, len, end);
	if (n == -1) {
		rc = err_sys(e, LOG);
	} else if ((size_t)n < len) {
		/* Half a line would spoil the next one. */
		errno = ENOSPC;
		rc = err_sys(e, LOG);
		if (ftruncate(fd, end) == -1)
			err_sys(e, LOG);
	}
	close(fd);
	return rc;
}

int
bootlog_add(const char *by, const char *word, const struct bootline_prompt *p,
    struct err *e)
{
	struct bootline l = { .kind = BOOTLINE_LOG };
	time_t now = time(NULL);
	struct tm tm;
	struct buf b;
	int rc;

	snprintf(l.log.by, sizeof(l.log.by), "%s", by);
	snprintf(l.log.word, sizeof(l.log.word), "%s", word);
	memcpy(l.log.kind, p->kind, sizeof(l.log.kind));
	memcpy(l.log.id, p->id, sizeof(l.log.id));
	/* A clock that never was set may show any year. */
	if (gmtime_r(&now, &tm) == NULL || strftime(l.log.when,
	    sizeof(l.log.when), "%Y-%m-%dT%H:%M:%SZ", &tm) !=
	    sizeof(l.log.when) - 1)
		snprintf(l.log.when, sizeof(l.log.when), "%s",
		    "0000-00-00T00:00:00Z");
	who(l.log.key);
	where(l.log.from);
	buf_init(&b, BOOTLINE_MAX);
	rc = bootline_emit(&l, &b) == 0 ? add_line(b.data + strlen(WORD),
	    b.len - strlen(WORD), e) : err_set(e, ERR_MEM, "out of memory");
	buf_clear(&b);
	return rc;
}

/* Appended to b; none is no failure. */
static int
load(const char *path, struct buf *b, struct err *e)
{
	if (access(path, F_OK) == -1 && errno == ENOENT)
		return 0;
	return slurp_read(path, b, e);
}

/* The line before the one that begins at p. */
static const char *
before(const char *text, const char *p)
{
	for (p--; p > text && p[-1] != '\n'; p--)
		;
	return p;
}

int
bootlog_read(void (*fn)(void *arg, const struct bootline *l), void *arg,
    struct err *e)
{
	char line[BOOTLINE_MAX];
	const char *p, *nl, *end;
	struct bootline l;
	struct buf b;
	size_t i;
	int n, rc;

	buf_init(&b, (size_t)2 * (LOG_MAX + BOOTLINE_MAX));
	rc = load(OLD, &b, e);
	if (rc == 0 && b.len > 0 && b.data[b.len - 1] != '\n' &&
	    buf_addc(&b, '\n') == -1)
		rc = err_set(e, ERR_MEM, "out of memory");
	if (rc == 0)
		rc = load(LOG, &b, e);
	p = b.data + b.len;
	for (i = 0; i < BOOTLOG_LAST && p > b.data; i++)
		p = before(b.data, p);
	end = b.data + b.len;
	for (; rc == 0 && p < end && (nl = memchr(p, '\n', (size_t)(end -
	    p))) != NULL; p = nl + 1) {
		n = snprintf(line, sizeof(line), WORD "%.*s", (int)(nl - p),
		    p);
		if ((size_t)n < sizeof(line) &&
		    bootline_parse(line, &l, NULL) == 0)
			fn(arg, &l);
	}
	buf_clear(&b);
	return rc;
}
