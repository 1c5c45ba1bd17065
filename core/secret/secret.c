/* SPDX-License-Identifier: ISC */
#include "secret/secret.h"

#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "sys/clock.h"

#define SECRET_MAX	65536

struct secret {
	unsigned char *data;	/* owned, from sodium_malloc() */
	size_t len;
	size_t cap;
	pid_t owner;		/* elsewhere the pages, canary too, are zero */
};

int
secret_harden(struct err *e)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_CORE, &rl) == -1)
		return err_sys(e, "getrlimit");
	/* 0 stops a core file, but not a core that core_pattern pipes to a
	 * program; 1 stops both. It is for the programs that we start. */
	rl.rlim_cur = rl.rlim_max = rl.rlim_max > 0 ? 1 : 0;
	if (setrlimit(RLIMIT_CORE, &rl) == -1)
		return err_sys(e, "turning core dumps off: setrlimit");
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1)
		return err_sys(e, "turning core dumps off: prctl");
	if (getrlimit(RLIMIT_MEMLOCK, &rl) == -1)
		return err_sys(e, "getrlimit");
	rl.rlim_cur = rl.rlim_max;
	if (setrlimit(RLIMIT_MEMLOCK, &rl) == -1)
		return err_sys(e, "raising RLIMIT_MEMLOCK: setrlimit");
	if (sodium_init() == -1) {
		errno = ENOSYS;
		return err_sys(e, "libsodium does not start");
	}
	return 0;
}

/* Forked children get zeros instead of the pages of s. */
static int
wipe_on_fork(const struct secret *s)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t first = (uintptr_t)s->data & ~(page - 1);
	uintptr_t end = ((uintptr_t)s->data + s->cap + page - 1) &
	    ~(page - 1);

	if (madvise((void *)first, end - first, MADV_DONTDUMP) == -1)
		return -1;
	return madvise((void *)first, end - first, MADV_WIPEONFORK);
}

static struct secret *
make(size_t cap, struct err *e)
{
	struct secret *s;

	if (sodium_init() == -1) {
		errno = ENOSYS;
		err_sys(e, "libsodium does not start");
		return NULL;
	}
	s = calloc(1, sizeof(*s));
	if (s != NULL)
		s->data = sodium_malloc(cap);
	if (s == NULL || s->data == NULL) {
		free(s);
		err_set(e, ERR_MEM, "out of memory for a secret");
		return NULL;
	}
	s->len = cap;
	s->cap = cap;
	s->owner = getpid();
	/* sodium_malloc() locks too, but goes on in silence when it can't. */
	if (sodium_mlock(s->data, cap) == -1) {
		err_sys(e, "the memory for a secret can't be locked; raise "
		    "RLIMIT_MEMLOCK (ulimit -l, LimitMEMLOCK=): mlock");
		secret_free(s);
		return NULL;
	}
	if (wipe_on_fork(s) == -1) {
		err_sys(e, "keeping a secret from forked children: madvise");
		secret_free(s);
		return NULL;
	}
	memset(s->data, 0, cap);
	return s;
}

struct secret *
secret_new(size_t len, struct err *e)
{
	if (len < 1 || len > SECRET_MAX) {
		err_set(e, ERR_MEM, "a secret has 1 to %d bytes, not %zu",
		    SECRET_MAX, len);
		return NULL;
	}
	return make(len, e);
}

void
secret_free(struct secret *s)
{
	if (s == NULL)
		return;
	/* In a forked child sodium_free() would take the zeroed canary for
	 * an overflow and abort; and there is nothing left to wipe. */
	if (s->owner == getpid())
		sodium_free(s->data);
	free(s);
}

struct secret *
secret_random(size_t n, const char *alphabet, struct err *e)
{
	size_t i, j, size = strlen(alphabet);
	struct secret *s;

	for (i = 0; i < size; i++)
		for (j = 0; j < i; j++)
			if (alphabet[i] == alphabet[j])
				size = 0;
	if (size < 2 || size > 256) {
		err_set(e, ERR_CONFIG, "the alphabet of a random key needs "
		    "at least 2 characters, each once");
		return NULL;
	}
	s = secret_new(n, e);
	if (s == NULL)
		return NULL;
	for (i = 0; i < n; i++)
		s->data[i] = (unsigned char)
		    alphabet[randombytes_uniform((uint32_t)size)];
	return s;
}

/* 0 when fd is readable; end_ms 0: no limit. */
static int
await(int fd, uint64_t end_ms, const char *what, struct err *e)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct timespec ts;
	uint64_t now, left;
	int n;

	for (;;) {
		now = clock_ms();
		left = end_ms > now ? end_ms - now : 0;
		ts.tv_sec = (time_t)(left / 1000);
		ts.tv_nsec = (long)(left % 1000) * 1000000;
		n = ppoll(&p, 1, end_ms > 0 ? &ts : NULL, NULL);
		if (n > 0)
			return 0;
		if (n == 0)
			return err_set(e, ERR_TIMEOUT,
			    "%s: no end of file in time", what);
		if (errno != EINTR)
			return err_sys(e, "%s: poll", what);
	}
}

struct secret *
secret_read(int fd, size_t max, unsigned timeout_ms, const char *what,
    struct err *e)
{
	uint64_t end = timeout_ms > 0 ? clock_ms() + timeout_ms : 0;
	struct secret *s;
	size_t len = 0;
	ssize_t n;

	if (max < 1 || max > SECRET_MAX) {
		err_set(e, ERR_MEM, "a secret has 1 to %d bytes, not %zu",
		    SECRET_MAX, max);
		return NULL;
	}
	/* One more byte tells a full secret from one that is too long. */
	s = make(max + 1, e);
	if (s == NULL)
		return NULL;
	while (len <= max) {
		if (await(fd, end, what, e) == -1)
			goto fail;
		n = read(fd, s->data + len, max + 1 - len);
		if (n == -1 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n == -1) {
			err_sys(e, "%s: read", what);
			goto fail;
		}
		if (n == 0) {
			secret_cut(s, len);
			return s;
		}
		len += (size_t)n;
	}
	err_set(e, ERR_CONFIG, "%s: more than %zu bytes", what, max);
fail:
	secret_free(s);
	return NULL;
}

void
secret_cut(struct secret *s, size_t len)
{
	if (len >= s->len)
		return;
	sodium_memzero(s->data + len, s->len - len);
	s->len = len;
}

int
secret_write(const struct secret *s, int fd, struct err *e)
{
	size_t done = 0;
	ssize_t n;

	while (done < s->len) {
		n = write(fd, s->data + done, s->len - done);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return err_sys(e, "writing a secret");
		done += (size_t)n;
	}
	return 0;
}

const unsigned char *
secret_data(const struct secret *s)
{
	return s->data;
}

unsigned char *
secret_data_mut(struct secret *s)
{
	return s->data;
}

size_t
secret_len(const struct secret *s)
{
	return s->len;
}
