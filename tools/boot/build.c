/* SPDX-License-Identifier: ISC */
#include "build.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bootprog.h"
#include "proc/child.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/lock.h"

#define LOCK		"/run/postern-boot-build.lock"
#define DPKG_LOCK	"/var/lib/dpkg/lock-frontend"
#define STATE		"/var/lib/postern/boot"
#define NOTE		STATE "/built"
#define NOTE_MAX	32768
#define BUILD_MS	(3600u * 1000)
#define LOOK_MS		500	/* dpkg's lock has no timeout of its own */

/* As dpkg takes it. 0; 1: another has it; -1. */
static int
try_dpkg(int fd, struct err *e)
{
	struct flock all = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, F_SETLK, &all) == 0)
		return 0;
	return errno == EACCES || errno == EAGAIN || errno == EINTR ? 1 :
	    err_sys(e, DPKG_LOCK);
}

/* Where there is no dpkg, nothing is locked. */
static int
lock_dpkg(int *ret_fd, void (*wait)(void *arg, const char *what), void *arg,
    struct err *e)
{
	const struct timespec pause = { .tv_nsec = LOOK_MS * 1000000L };
	uint64_t end = clock_ms() + BUILD_MS;
	bool said = false;
	int rc;

	*ret_fd = open(DPKG_LOCK, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (*ret_fd == -1)
		return errno == ENOENT ? 0 : err_sys(e, DPKG_LOCK);
	while ((rc = try_dpkg(*ret_fd, e)) == 1) {
		if (clock_ms() >= end)
			return err_set(e, ERR_BUSY, DPKG_LOCK ": held by "
			    "another process");
		if (!said)
			wait(arg, DPKG_LOCK);
		said = true;
		nanosleep(&pause, NULL);
	}
	return rc;
}

int
build_lock(struct build_locks *l, bool dpkg,
    void (*wait)(void *arg, const char *what), void *arg, struct err *e)
{
	*l = (struct build_locks){ -1, -1 };
	/* Who holds dpkg's may wait for ours: never the other way round. */
	if (dpkg && lock_dpkg(&l->dpkg, wait, arg, e) == -1)
		return -1;
	if (lock_take(LOCK, 0, &l->own, e) == 0)
		return 0;
	if (e->code != ERR_BUSY)
		return -1;
	wait(arg, e->msg);
	*e = (struct err)ERR_INIT;
	return lock_take(LOCK, BUILD_MS, &l->own, e);
}

void
build_unlock(struct build_locks *l)
{
	if (l->own != -1)
		close(l->own);
	if (l->dpkg != -1)
		close(l->dpkg);
	*l = (struct build_locks){ -1, -1 };
}

/* A line of each file: whatever is done to one changes its time of change. */
static int
note(const struct serverconf *c, struct buf *out, struct err *e)
{
	const char *const files[] = { SERVERCONF_FILE, c->keys, c->emergency,
	    c->host_key };
	struct stat st;
	size_t i;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (files[i] == NULL)
			continue;
		if (stat(files[i], &st) == -1)
			st = (struct stat){ 0 };
		if (buf_addf(out, "%s %ju %jd %jd.%09ld %jd.%09ld\n",
		    files[i], (uintmax_t)st.st_ino, (intmax_t)st.st_size,
		    (intmax_t)st.st_mtim.tv_sec, st.st_mtim.tv_nsec,
		    (intmax_t)st.st_ctim.tv_sec, st.st_ctim.tv_nsec) == -1)
			return err_set(e, ERR_MEM, "out of memory");
	}
	return 0;
}

bool
build_current(const struct serverconf *c)
{
	struct err none = ERR_INIT;
	struct buf was, now;
	bool same;

	buf_init(&was, NOTE_MAX);
	buf_init(&now, NOTE_MAX);
	same = file_read(NOTE, &was, &none) == 0 &&
	    note(c, &now, &none) == 0 && was.len == now.len &&
	    memcmp(was.data, now.data, was.len) == 0;
	buf_clear(&was);
	buf_clear(&now);
	return same;
}

static int
run(const struct builder *b, bool to_end, struct err *e)
{
	const struct bootprog p = { .argv = b->argv, .loud = true,
	    .timeout_ms = BUILD_MS };
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct sigaction was;
	char why[64];
	int status, rc;

	if (to_end && sigaction(SIGTERM, &ignore, &was) == -1)
		return err_sys(e, "sigaction");
	rc = bootprog_run(&p, NULL, &status, e);
	if (to_end)
		(void)sigaction(SIGTERM, &was, NULL);
	if (rc == -1 || status == 0)
		return rc;
	child_why(status, why, sizeof(why));
	return err_set(e, ERR_PEER, "%s: %s", b->command, why);
}

/* The note is of what was there before: what changes while images are built
 * may be in some of them, or in none. */
int
build_run(const struct builder *b, const struct serverconf *c, bool to_end,
    struct err *e)
{
	struct buf text;
	int rc = -1;

	buf_init(&text, NOTE_MAX);
	if (note(c, &text, e) == 0 && run(b, to_end, e) == 0 &&
	    file_mkdirs(STATE, 0700, e) == 0)
		rc = file_write(NOTE, text.data, text.len, 0600, NULL, e);
	buf_clear(&text);
	return rc;
}
