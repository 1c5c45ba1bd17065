/* SPDX-License-Identifier: ISC */
#include "proc/poller.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <unistd.h>

/* One number space on Linux, so no table is needed to translate. */
_Static_assert(POLLIN == EPOLLIN && POLLOUT == EPOLLOUT &&
    POLLPRI == EPOLLPRI && POLLERR == EPOLLERR && POLLHUP == EPOLLHUP &&
    POLLRDHUP == EPOLLRDHUP, "poll and epoll bits");

#define BATCH 256

int
poller_init(struct poller *p, struct err *e)
{
	*p = (struct poller){ .ep = epoll_create1(EPOLL_CLOEXEC) };
	if (p->ep == -1)
		return err_sys(e, "epoll_create1");
	return 0;
}

void
poller_clear(struct poller *p)
{
	if (p->ep != -1)
		close(p->ep);
	*p = (struct poller){ .ep = -1 };
}

void
poller_set(struct poller *p, struct poller_watch *w, short want)
{
	w->want = want;
	if (w->dirty || w->want == w->have)
		return;
	w->dirty = true;
	w->next_dirty = p->dirty;
	p->dirty = w;
}

static void
unlink_always(struct poller *p, struct poller_watch *w)
{
	struct poller_watch **at;

	for (at = &p->always; *at != NULL; at = &(*at)->next_always)
		if (*at == w) {
			*at = w->next_always;
			break;
		}
	w->always = false;
}

void
poller_drop(struct poller *p, struct poller_watch *w)
{
	if (w->always)
		unlink_always(p, w);
	else if (w->have != POLLER_OFF)
		epoll_ctl(p->ep, EPOLL_CTL_DEL, w->fd, NULL);
	w->have = w->want = POLLER_OFF;
}

static int
tell(struct poller *p, struct poller_watch *w, struct err *e)
{
	struct epoll_event ev = { .events = (uint32_t)(uint16_t)w->want,
		.data.ptr = w };
	int op = EPOLL_CTL_MOD;

	if (w->always || w->want == w->have) {
		w->have = w->want;
		return 0;
	}
	if (w->want == POLLER_OFF)
		op = EPOLL_CTL_DEL;
	else if (w->have == POLLER_OFF)
		op = EPOLL_CTL_ADD;
	if (epoll_ctl(p->ep, op, w->fd, &ev) == -1) {
		if (op != EPOLL_CTL_ADD || errno != EPERM)
			return err_sys(e, "watching fd %d", w->fd);
		w->always = true;
		w->next_always = p->always;
		p->always = w;
	}
	w->have = w->want;
	return 0;
}

int
poller_flush(struct poller *p, struct err *e)
{
	struct poller_watch *w;

	while ((w = p->dirty) != NULL) {
		p->dirty = w->next_dirty;
		w->dirty = false;
		if (tell(p, w, e) == -1)
			return -1;
	}
	return 0;
}

int
poller_wait(struct poller *p, int timeout_ms, struct poller_ready *out,
    size_t max, struct err *e)
{
	struct epoll_event ev[BATCH];
	struct poller_watch *w;
	size_t n = 0;
	int got, i;

	for (w = p->always; w != NULL && n < max; w = w->next_always) {
		if (w->want == POLLER_OFF ||
		    (w->want & (POLLIN | POLLOUT)) == 0)
			continue;
		out[n++] = (struct poller_ready){ w,
			(short)(w->want & (POLLIN | POLLOUT)) };
	}
	if (n > 0)
		timeout_ms = 0;
	if (max - n == 0)
		return (int)n;
	got = epoll_wait(p->ep, ev, max - n < BATCH ? (int)(max - n) : BATCH,
	    timeout_ms);
	if (got == -1 && errno != EINTR)
		return err_sys(e, "epoll_wait");
	for (i = 0; i < got; i++)
		out[n++] = (struct poller_ready){ ev[i].data.ptr,
			(short)ev[i].events };
	return (int)n;
}
