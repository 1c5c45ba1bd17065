/* SPDX-License-Identifier: ISC */
#include "steady.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "mounts.h"

#define MOUNTINFO	"/proc/self/mountinfo"
#define BOOT_ID		"/proc/sys/kernel/random/boot_id"
/* scanner.c's margin is wider. */
#define SLACK_NS	((int64_t)1000000000)

struct steady_root {
	dev_t dev;		/* 0, 0: nobody lets us look */
	ino_t ino;
};

static int64_t
now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static bool
near(int64_t a, int64_t b)
{
	return a - b <= SLACK_NS && b - a <= SLACK_NS;
}

static struct steady_root
look(const char *path)
{
	struct stat st;

	return lstat(path, &st) == -1 ? (struct steady_root){ 0, 0 } :
	    (struct steady_root){ st.st_dev, st.st_ino };
}

/* When nobody can tell there may be some. */
static bool
any_below(const struct strv *roots)
{
	struct strv v = { 0 };
	bool any;

	any = mounts_read(roots, &v, NULL) == -1 || v.n > 0;
	strv_clear(&v);
	return any;
}

void
steady_begin(struct steady *s, const struct strv *roots)
{
	size_t i;

	steady_clear(s);
	s->roots = roots;
	s->real_ns = now_ns(CLOCK_REALTIME);
	s->boot_ns = now_ns(CLOCK_BOOTTIME);
	/* Before it is read, so that no change comes between. */
	s->mounts = open(MOUNTINFO, O_RDONLY | O_CLOEXEC);
	s->below = any_below(roots);
	s->v = calloc(roots->n + 1, sizeof(*s->v));
	for (i = 0; s->v != NULL && i < roots->n; i++)
		s->v[i] = look(roots->v[i]);
}

void
steady_clear(struct steady *s)
{
	/* Of a zeroed one it is stdin. */
	if (s->roots != NULL && s->mounts != -1)
		close(s->mounts);
	free(s->v);
	*s = (struct steady){ .mounts = -1 };
}

bool
steady_clock(const struct steady *s)
{
	return near(now_ns(CLOCK_REALTIME) - s->real_ns,
	    now_ns(CLOCK_BOOTTIME) - s->boot_ns);
}

/* Mounts elsewhere come and go. */
static bool
same_mounts(struct steady *s)
{
	struct pollfd p = { .fd = s->mounts, .events = POLLPRI };

	/* It is told of once. */
	if (!s->moved && (s->mounts == -1 || poll(&p, 1, 0) == -1 ||
	    (p.revents & (POLLPRI | POLLERR)) != 0))
		s->moved = true;
	return !s->moved || !(s->below || any_below(s->roots));
}

bool
steady_places(struct steady *s)
{
	struct steady_root now;
	size_t i;

	if (s->roots == NULL || s->v == NULL || !same_mounts(s))
		return false;
	for (i = 0; i < s->roots->n; i++) {
		now = look(s->roots->v[i]);
		if (now.dev != s->v[i].dev || now.ino != s->v[i].ino)
			return false;
	}
	return true;
}

void
steady_boot(char ret[STEADY_BOOT])
{
	int fd = open(BOOT_ID, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd != -1 ? read(fd, ret, STEADY_BOOT - 1) : -1;

	memset(ret + (n > 0 ? n : 0), '\0', STEADY_BOOT -
	    (size_t)(n > 0 ? n : 0));
	if (fd != -1)
		close(fd);
}

bool
steady_since(int64_t begun_ns, int64_t offset_ns,
    const char boot[STEADY_BOOT])
{
	int64_t real = now_ns(CLOCK_REALTIME);
	char now[STEADY_BOOT];

	if (real < begun_ns)
		return false;
	steady_boot(now);
	if (now[0] == '\0' || memcmp(now, boot, STEADY_BOOT) != 0)
		return true;
	return near(real - now_ns(CLOCK_BOOTTIME), offset_ns);
}
