/* SPDX-License-Identifier: ISC */
#include "sys/lockmem.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "sys/clock.h"

int
lockmem_harden(struct err *e)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_CORE, &rl) == -1)
		return err_sys(e, "getrlimit");
	/* 1, not 0: it stops what core_pattern would pipe to a program, too. */
	rl.rlim_cur = rl.rlim_max = rl.rlim_max > 0 ? 1 : 0;
	if (setrlimit(RLIMIT_CORE, &rl) == -1)
		return err_sys(e, "turning core dumps off: setrlimit");
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1)
		return err_sys(e, "turning core dumps off: prctl");
	return 0;
}

int
lockmem_init(struct lockmem *m, size_t cap, struct err *e)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t inner = (cap + page - 1) / page * page;
	struct lockmem n = { .cap = cap, .map_len = inner + 2 * page };

	n.map = mmap(NULL, n.map_len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
	    -1, 0);
	if (n.map == MAP_FAILED)
		return err_sys(e, "memory for a secret");
	n.data = (unsigned char *)n.map + page;
	if (mprotect(n.data, inner, PROT_READ | PROT_WRITE) == -1 ||
	    mlock(n.data, inner) == -1 ||
	    madvise(n.data, inner, MADV_DONTDUMP) == -1 ||
	    madvise(n.data, inner, MADV_WIPEONFORK) == -1) {
		err_sys(e, "memory for a secret, locked");
		munmap(n.map, n.map_len);
		return -1;
	}
	*m = n;
	return 0;
}

/* 0 when fd is readable, before end_ms. */
static int
await(int fd, uint64_t end_ms, const char *what, struct err *e)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint64_t now;
	int n;

	for (;;) {
		now = clock_ms();
		n = now < end_ms ? poll(&p, 1, (int)(end_ms - now)) : 0;
		if (n > 0)
			return 0;
		if (n == 0)
			return err_set(e, ERR_TIMEOUT, "no %s in time", what);
		if (errno != EINTR)
			return err_sys(e, "poll");
	}
}

static int
fill(struct lockmem *m, int fd, bool line, unsigned timeout_ms,
    struct err *e)
{
	uint64_t end = clock_ms() + timeout_ms;
	unsigned char more;
	ssize_t n;

	lockmem_wipe(m);
	for (;;) {
		if (await(fd, end, line ? "newline" : "end of file", e) == -1)
			goto fail;
		/* One more byte tells a full secret from one too long. */
		n = m->len < m->cap ? read(fd, m->data + m->len,
		    m->cap - m->len) : read(fd, &more, 1);
		if (n == 0)
			return 0;
		if (n == -1 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n == -1) {
			err_sys(e, "read");
			goto fail;
		}
		if (m->len == m->cap) {
			explicit_bzero(&more, 1);
			err_set(e, ERR_CONFIG, "more than %zu bytes", m->cap);
			goto fail;
		}
		m->len += (size_t)n;
		if (line && memchr(m->data + m->len - n, '\n', (size_t)n))
			return 0;
	}
fail:
	lockmem_wipe(m);
	return -1;
}

int
lockmem_read(struct lockmem *m, int fd, unsigned timeout_ms, struct err *e)
{
	return fill(m, fd, false, timeout_ms, e);
}

int
lockmem_line(struct lockmem *m, int fd, unsigned timeout_ms, struct err *e)
{
	return fill(m, fd, true, timeout_ms, e);
}

void
lockmem_wipe(struct lockmem *m)
{
	if (m->data != NULL)
		explicit_bzero(m->data, m->cap);
	m->len = 0;
}

void
lockmem_clear(struct lockmem *m)
{
	lockmem_wipe(m);
	if (m->map != NULL)
		munmap(m->map, m->map_len);
	*m = (struct lockmem){ .data = NULL };
}
