/* SPDX-License-Identifier: ISC */
#include "proc/loop.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "proc/pids.h"
#include "proc/poller.h"
#include "proc/timers.h"
#include "sys/clock.h"

#define TURN_MAX 256		/* events that one turn handles */
#define ORPHAN_WAIT_MS 1000

struct loop_fd {
	struct poller_watch w;	/* first: poller_ready.w is cast back */
	struct loop *loop;
	loop_fd_fn *fn;		/* NULL: freed */
	void *arg;
	short events;
	bool paused;
	struct loop_fd *prev, *next;
};

struct loop_timer {
	struct timers_node node;	/* first, as above */
	struct loop *loop;
	loop_timer_fn *fn;
	void *arg;
	uint64_t every_ms;
	struct loop_timer *prev, *next;
};

struct handler {
	loop_signal_fn *fn;
	void *arg;
};

struct loop {
	struct poller poller;
	struct timers timers;
	struct pids pids;
	struct loop_fd *fds;
	struct loop_fd *dead;	/* freed, memory kept for this turn */
	struct loop_timer *all_timers;
	size_t nfds, ntimers;
	size_t waited;		/* children that somebody waits for */
	int sigfd;
	struct loop_fd *sigwatch;
	sigset_t asked;		/* what sigfd delivers */
	sigset_t reset;
	sigset_t old_mask;
	struct sigaction old_pipe, old_chld;
	struct handler handlers[_NSIG];
	uint64_t now_ms;
	bool stop;
	bool reap;		/* SIGCHLD came, or may have */
};

/* SIGPIPE ignored; SIGCHLD not, or the kernel would reap for us. exec resets
 * handlers, but a child unblocks its signals before exec, in our memory. */
static void
take_signals(struct loop *l)
{
	struct sigaction ign = { .sa_handler = SIG_IGN };
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	struct sigaction old;
	int i;

	sigaction(SIGCHLD, &dfl, &l->old_chld);
	sigaction(SIGPIPE, &ign, &l->old_pipe);
	sigemptyset(&l->reset);
	for (i = 1; i < _NSIG; i++)
		if (sigaction(i, NULL, &old) == 0 && old.sa_handler != SIG_DFL)
			sigaddset(&l->reset, i);
	sigemptyset(&l->asked);
	sigaddset(&l->asked, SIGCHLD);
	sigprocmask(SIG_BLOCK, &l->asked, &l->old_mask);
}

static void
on_signal(void *arg, int fd, short revents)
{
	struct loop *l = arg;
	struct signalfd_siginfo si[8];
	struct handler h;
	size_t i, n;
	ssize_t got;

	got = read(fd, si, sizeof(si));
	n = got > 0 ? (size_t)got / sizeof(si[0]) : 0;
	for (i = 0; i < n; i++) {
		if (si[i].ssi_signo == SIGCHLD)
			l->reap = true;
		if (si[i].ssi_signo >= _NSIG)
			continue;
		h = l->handlers[si[i].ssi_signo];
		if (h.fn != NULL)
			h.fn(h.arg, (int)si[i].ssi_signo);
	}
}

struct loop *
loop_new(struct err *e)
{
	struct loop *l = calloc(1, sizeof(*l));

	if (l == NULL) {
		err_set(e, ERR_MEM, "out of memory");
		return NULL;
	}
	l->sigfd = -1;
	take_signals(l);
	if (poller_init(&l->poller, e) == -1)
		goto out;
	l->sigfd = signalfd(-1, &l->asked, SFD_CLOEXEC | SFD_NONBLOCK);
	if (l->sigfd == -1) {
		err_sys(e, "signalfd");
		goto out;
	}
	l->sigwatch = loop_fd_new(l, l->sigfd, POLLIN, on_signal, l, e);
	if (l->sigwatch == NULL)
		goto out;
	l->now_ms = clock_ms();
	l->reap = true;
	return l;
out:
	loop_free(l);
	return NULL;
}

/* One child that has ended; false when there is none. */
static bool
reap_one(struct loop *l)
{
	struct pids_row row;
	int status;
	pid_t pid;

	do
		pid = waitpid(-1, &status, WNOHANG);
	while (pid == -1 && errno == EINTR);
	if (pid <= 0)
		return false;
	if (pids_take(&l->pids, pid, &row) && row.fn != NULL) {
		l->waited--;
		row.fn(row.arg, pid, status);
	}
	return true;
}

/* What child_free() killed is over in no time, unless it hangs in the
 * kernel; then it is left to init. */
static void
reap_orphans(struct loop *l)
{
	uint64_t end = clock_ms() + ORPHAN_WAIT_MS, now;
	struct timespec ts;
	sigset_t chld;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	for (;;) {
		while (reap_one(l))
			continue;
		if (l->pids.n == 0 || (now = clock_ms()) >= end)
			return;
		ts.tv_sec = 0;
		ts.tv_nsec = (long)(end - now) * 999999;
		sigtimedwait(&chld, NULL, &ts);
	}
}

static void
bury(struct loop *l)
{
	struct loop_fd *f;

	while ((f = l->dead) != NULL) {
		l->dead = f->next;
		free(f);
	}
}

void
loop_free(struct loop *l)
{
	size_t i;

	if (l == NULL)
		return;
	while (l->fds != NULL)
		loop_fd_free(l->fds);
	bury(l);
	while (l->all_timers != NULL)
		loop_timer_free(l->all_timers);
	timers_clear(&l->timers);
	for (i = 0; i < l->pids.cap; i++)
		l->pids.v[i].fn = NULL;
	reap_orphans(l);
	pids_clear(&l->pids);
	if (l->sigfd != -1)
		close(l->sigfd);
	poller_clear(&l->poller);
	sigaction(SIGPIPE, &l->old_pipe, NULL);
	sigaction(SIGCHLD, &l->old_chld, NULL);
	sigprocmask(SIG_SETMASK, &l->old_mask, NULL);
	free(l);
}

/* At most as many as were armed, so that a timer that is set again to "now"
 * can't hold the turn. */
static void
fire_timers(struct loop *l)
{
	struct timers_node *node;
	struct loop_timer *t;
	size_t left = l->timers.n;

	while (left-- > 0 && !l->stop) {
		node = timers_first(&l->timers);
		if (node == NULL || node->due_ms > l->now_ms)
			return;
		t = (struct loop_timer *)node;
		if (t->every_ms == 0)
			timers_out(&l->timers, node);
		else if (node->due_ms + t->every_ms > l->now_ms)
			timers_put(&l->timers, node,
			    node->due_ms + t->every_ms);
		else
			timers_put(&l->timers, node, l->now_ms + t->every_ms);
		t->fn(t->arg);
	}
}

static int
wait_ms(const struct loop *l)
{
	struct timers_node *node = timers_first(&l->timers);
	uint64_t now = clock_ms();

	if (l->reap || (node != NULL && node->due_ms <= now))
		return 0;
	if (node == NULL)
		return -1;
	return node->due_ms - now > INT_MAX ? INT_MAX :
	    (int)(node->due_ms - now);
}

static int
turn(struct loop *l, struct err *e)
{
	struct poller_ready ready[TURN_MAX];
	struct loop_fd *f;
	short revents;
	int n, i;

	if (poller_flush(&l->poller, e) == -1)
		return -1;
	bury(l);
	n = poller_wait(&l->poller, wait_ms(l), ready, TURN_MAX, e);
	if (n == -1)
		return -1;
	l->now_ms = clock_ms();
	for (i = 0; i < n && !l->stop; i++) {
		f = (struct loop_fd *)ready[i].w;
		/* An earlier callback may have changed its mind. */
		if (f->fn == NULL || f->paused)
			continue;
		revents = (short)(ready[i].revents &
		    (f->events | POLLERR | POLLHUP));
		if (revents != 0)
			f->fn(f->arg, f->w.fd, revents);
	}
	/* After the fds: what a child wrote is mostly read before its end. */
	while (l->reap && !l->stop)
		l->reap = reap_one(l);
	fire_timers(l);
	return 0;
}

int
loop_run(struct loop *l, struct err *e)
{
	int rc = 0;

	/* sigwatch is always there */
	while (rc == 0 && !l->stop &&
	    (l->nfds > 1 || l->timers.n > 0 || l->waited > 0))
		rc = turn(l, e);
	/* Not before: a stop that was asked for in advance counts. */
	l->stop = false;
	return rc;
}

void
loop_stop(struct loop *l)
{
	l->stop = true;
}

uint64_t
loop_now_ms(const struct loop *l)
{
	return l->now_ms;
}

struct loop_fd *
loop_fd_new(struct loop *l, int fd, short events, loop_fd_fn *fn, void *arg,
    struct err *e)
{
	struct loop_fd *f = calloc(1, sizeof(*f));

	if (f == NULL) {
		err_set(e, ERR_MEM, "out of memory");
		return NULL;
	}
	f->w = (struct poller_watch){ .fd = fd, .want = POLLER_OFF,
		.have = POLLER_OFF };
	f->loop = l;
	f->fn = fn;
	f->arg = arg;
	f->events = events;
	f->next = l->fds;
	if (l->fds != NULL)
		l->fds->prev = f;
	l->fds = f;
	l->nfds++;
	poller_set(&l->poller, &f->w, events);
	return f;
}

void
loop_fd_events(struct loop_fd *f, short events)
{
	f->events = events;
	if (!f->paused)
		poller_set(&f->loop->poller, &f->w, events);
}

void
loop_fd_pause(struct loop_fd *f, int on)
{
	f->paused = on != 0;
	poller_set(&f->loop->poller, &f->w, on ? POLLER_OFF : f->events);
}

void
loop_fd_free(struct loop_fd *f)
{
	struct loop *l;

	if (f == NULL)
		return;
	l = f->loop;
	poller_drop(&l->poller, &f->w);
	if (f->prev != NULL)
		f->prev->next = f->next;
	else
		l->fds = f->next;
	if (f->next != NULL)
		f->next->prev = f->prev;
	l->nfds--;
	/* A collected event may still point here: freed after this turn. */
	f->fn = NULL;
	f->next = l->dead;
	l->dead = f;
}

struct loop_timer *
loop_timer_new(struct loop *l, uint64_t after_ms, uint64_t every_ms,
    loop_timer_fn *fn, void *arg, struct err *e)
{
	struct loop_timer *t = calloc(1, sizeof(*t));

	if (t == NULL || timers_reserve(&l->timers, l->ntimers + 1) == -1) {
		free(t);
		err_set(e, ERR_MEM, "out of memory");
		return NULL;
	}
	t->node.at = TIMERS_OUT;
	t->loop = l;
	t->fn = fn;
	t->arg = arg;
	t->next = l->all_timers;
	if (l->all_timers != NULL)
		l->all_timers->prev = t;
	l->all_timers = t;
	l->ntimers++;
	loop_timer_set(t, after_ms, every_ms);
	return t;
}

void
loop_timer_set(struct loop_timer *t, uint64_t after_ms, uint64_t every_ms)
{
	uint64_t now = clock_ms();

	t->every_ms = every_ms;
	timers_put(&t->loop->timers, &t->node,
	    after_ms > UINT64_MAX - now ? UINT64_MAX : now + after_ms);
}

void
loop_timer_stop(struct loop_timer *t)
{
	timers_out(&t->loop->timers, &t->node);
}

void
loop_timer_free(struct loop_timer *t)
{
	struct loop *l;

	if (t == NULL)
		return;
	l = t->loop;
	timers_out(&l->timers, &t->node);
	if (t->prev != NULL)
		t->prev->next = t->next;
	else
		l->all_timers = t->next;
	if (t->next != NULL)
		t->next->prev = t->prev;
	l->ntimers--;
	free(t);
}

int
loop_signal(struct loop *l, int signo, loop_signal_fn *fn, void *arg,
    struct err *e)
{
	sigset_t set = l->asked;

	if (signo < 1 || signo >= _NSIG || sigaddset(&set, signo) == -1) {
		errno = EINVAL;
		return err_sys(e, "signal %d", signo);
	}
	if (signalfd(l->sigfd, &set, 0) == -1 ||
	    sigprocmask(SIG_BLOCK, &set, NULL) == -1)
		return err_sys(e, "signalfd for signal %d", signo);
	l->asked = set;
	l->handlers[signo] = (struct handler){ fn, arg };
	return 0;
}

int
loop_child(struct loop *l, pid_t pid, loop_child_fn *fn, void *arg,
    struct err *e)
{
	struct pids_row *row = pids_find(&l->pids, pid);

	if (row != NULL && row->fn != NULL)
		l->waited--;
	if (row == NULL && fn == NULL)
		return 0;
	if (pids_put(&l->pids, pid, fn, arg) == -1)
		return err_set(e, ERR_MEM, "out of memory");
	if (fn != NULL)
		l->waited++;
	return 0;
}

const sigset_t *
loop_reset_set(const struct loop *l)
{
	return &l->reset;
}
