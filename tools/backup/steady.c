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

static bool
same(const struct buf *a, const struct buf *b)
{
	return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

static int
look_at_mounts(const struct steady *s, struct buf *text, struct buf *ours)
{
	buf_init(text, MOUNTS_TEXT);
	buf_init(ours, MOUNTS_TEXT);
	return mounts_text(text, NULL) == -1 || mounts_touching(text->data,
	    text->len, s->roots, &s->out, ours, NULL) == -1 ? -1 : 0;
}

/* told: the kernel said that something was mounted or unmounted. If all is as
 * at the last look it came and went. */
static void
compare(struct steady *s, bool told)
{
	struct buf text, ours;

	if (look_at_mounts(s, &text, &ours) == -1 ||
	    (told && same(&text, &s->text)) || !same(&ours, &s->ours))
		s->moved = true;
	buf_clear(&s->text);
	buf_clear(&s->ours);
	s->text = text;
	s->ours = ours;
}

/* The event itself says it: mountinfo is always readable. */
static void
on_mounts(void *arg, int fd, short revents)
{
	(void)fd;
	(void)revents;
	compare(arg, true);
}

void
steady_begin(struct steady *s, struct loop *l, const struct strv *roots,
    const struct strv *excludes)
{
	size_t i;

	steady_clear(s);
	s->roots = roots;
	s->real_ns = now_ns(CLOCK_REALTIME);
	s->boot_ns = now_ns(CLOCK_BOOTTIME);
	/* Before it is read, so that no change comes between. */
	s->mounts = open(MOUNTINFO, O_RDONLY | O_CLOEXEC);
	s->watch = s->mounts == -1 ? NULL : loop_fd_new(l, s->mounts, 0,
	    on_mounts, s, NULL);
	s->moved = s->watch == NULL || exclude_init(&s->out, roots, excludes,
	    NULL) == -1 || look_at_mounts(s, &s->text, &s->ours) == -1;
	s->v = calloc(roots->n + 1, sizeof(*s->v));
	for (i = 0; s->v != NULL && i < roots->n; i++)
		s->v[i] = look(roots->v[i]);
}

void
steady_clear(struct steady *s)
{
	loop_fd_free(s->watch);
	/* Of a zeroed one it is stdin. */
	if (s->roots != NULL && s->mounts != -1)
		close(s->mounts);
	exclude_clear(&s->out);
	buf_clear(&s->text);
	buf_clear(&s->ours);
	free(s->v);
	*s = (struct steady){ .mounts = -1 };
}

bool
steady_clock(const struct steady *s)
{
	return near(now_ns(CLOCK_REALTIME) - s->real_ns,
	    now_ns(CLOCK_BOOTTIME) - s->boot_ns);
}

/* Mounts elsewhere come and go. What the loop has not told of yet counts; and
 * what it never told of, since the kernel tells once, and may have told epoll
 * while that began to watch. */
static bool
same_mounts(struct steady *s)
{
	struct pollfd p = { .fd = s->mounts, .events = POLLPRI };

	if (!s->moved)
		compare(s, poll(&p, 1, 0) != 0);
	return !s->moved;
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
