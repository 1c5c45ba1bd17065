/* SPDX-License-Identifier: ISC */
#include "sys/tty.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "sys/clock.h"

/* The kernel keeps no more of a line than this, and drops the rest without
 * a word (termios(3), canonical mode). */
#define LINE_LIMIT	4095

/* What would end or stop us while the echo is off. */
static const int caught[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGTSTP };
#define NCAUGHT		(sizeof(caught) / sizeof(caught[0]))

static volatile sig_atomic_t got_signal;

struct ask {
	int fd;
	const char *path;	/* in messages, too */
	uint64_t end_ms;	/* 0: no deadline */
	struct termios before;
	struct sigaction old[NCAUGHT];
	sigset_t old_mask;
	sigset_t wait_mask;	/* during ppoll() only */
};

static void
on_signal(int signo)
{
	got_signal = signo;
}

/*
 * From here on the signals wait until a ppoll(), so none is missed between a
 * test of got_signal and a system call. What is ignored stays ignored; a
 * stop is only taken over where it would stop us, or it would come forever.
 */
static void
signals_hold(struct ask *a)
{
	struct sigaction sa = { .sa_handler = on_signal };
	sigset_t hold;
	bool ours;
	size_t i;

	got_signal = 0;
	sigemptyset(&hold);
	for (i = 0; i < NCAUGHT; i++)
		sigaddset(&hold, caught[i]);
	sigprocmask(SIG_BLOCK, &hold, &a->old_mask);
	a->wait_mask = a->old_mask;
	sigemptyset(&sa.sa_mask);
	for (i = 0; i < NCAUGHT; i++) {
		sigaction(caught[i], NULL, &a->old[i]);
		ours = a->old[i].sa_handler != SIG_IGN;
		if (caught[i] == SIGTSTP)
			ours = a->old[i].sa_handler == SIG_DFL &&
			    sigismember(&a->old_mask, SIGTSTP) == 0;
		if (!ours)
			continue;
		sigaction(caught[i], &sa, NULL);
		sigdelset(&a->wait_mask, caught[i]);
	}
}

/* The caller's handlers and mask again; then it gets the signal that came,
 * which ends the process where it has made no other arrangement. */
static void
signals_release(struct ask *a)
{
	int signo = got_signal;
	size_t i;

	for (i = 0; i < NCAUGHT; i++)
		sigaction(caught[i], &a->old[i], NULL);
	if (signo != 0)
		kill(getpid(), signo);
	sigprocmask(SIG_SETMASK, &a->old_mask, NULL);
}

static int
echo_off(struct ask *a, struct err *e)
{
	struct termios t;

	if (tcgetattr(a->fd, &a->before) == -1)
		return err_sys(e, "%s", a->path);
	t = a->before;
	t.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
	t.c_lflag |= ICANON | ISIG;
	t.c_iflag |= ICRNL;
	/* What was typed before the prompt was not meant for it. */
	if (tcflush(a->fd, TCIFLUSH) == -1 ||
	    tcsetattr(a->fd, TCSANOW, &t) == -1)
		return err_sys(e, "%s: turning the echo off", a->path);
	return 0;
}

/* What is typed and not read is dropped, or a shell would echo it, and run it:
 * the rest of what was pasted, an answer given twice. */
static void
echo_back(struct ask *a)
{
	sigset_t ttou, old;

	/* Blocked, it lets a background process write the settings. */
	sigemptyset(&ttou);
	sigaddset(&ttou, SIGTTOU);
	sigprocmask(SIG_BLOCK, &ttou, &old);
	tcflush(a->fd, TCIFLUSH);
	tcsetattr(a->fd, TCSANOW, &a->before);
	sigprocmask(SIG_SETMASK, &old, NULL);
}

/* 0 when the terminal is ready, -1 ERR_TIMEOUT, ERR_REFUSED, ERR_SYS. */
static int
await(struct ask *a, short events, struct err *e)
{
	struct pollfd p = { .fd = a->fd, .events = events };
	struct timespec ts;
	uint64_t now, left;
	int n;

	for (;;) {
		now = clock_ms();
		left = a->end_ms > now ? a->end_ms - now : 0;
		ts.tv_sec = (time_t)(left / 1000);
		ts.tv_nsec = (long)(left % 1000) * 1000000;
		n = ppoll(&p, 1, a->end_ms > 0 ? &ts : NULL, &a->wait_mask);
		if (got_signal != 0)
			return err_set(e, ERR_REFUSED, "interrupted");
		if (n > 0)
			return 0;
		if (n == 0)
			return err_set(e, ERR_TIMEOUT,
			    "no answer on the terminal in time");
		if (errno != EINTR)
			return err_sys(e, "%s", a->path);
	}
}

static int
say(struct ask *a, const char *text, struct err *e)
{
	size_t len = strlen(text);
	ssize_t n;

	while (len > 0) {
		n = write(a->fd, text, len);
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		} else if (n == -1 && errno == EAGAIN) {
			if (await(a, POLLOUT, e) == -1)
				return -1;
		} else if (n == -1 && errno != EINTR) {
			return err_sys(e, "%s", a->path);
		}
	}
	return 0;
}

static int
answer(struct ask *a, unsigned char *buf, size_t cap, size_t *ret_len,
    struct err *e)
{
	unsigned char extra = 0, *at;
	size_t len = 0;
	ssize_t n;
	int rc = -1;

	for (;;) {
		if (await(a, POLLIN, e) == -1)
			goto out;
		/* A full buffer still needs to see the newline. */
		at = len < cap ? buf + len : &extra;
		n = read(a->fd, at, len < cap ? cap - len : 1);
		if (n == -1 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n == -1) {
			err_sys(e, "%s: read", a->path);
			goto out;
		}
		if (n == 0) {
			err_set(e, ERR_REFUSED, "no answer was given");
			goto out;
		}
		if (at[n - 1] == '\n') {
			len += (size_t)n - 1;
			break;
		}
		if (at == &extra)
			len++;
		else
			len += (size_t)n;
		if (len > cap)
			break;
	}
	if (len > cap || len >= LINE_LIMIT) {
		err_set(e, ERR_USAGE, "the answer is longer than %zu bytes",
		    cap < LINE_LIMIT ? cap : (size_t)LINE_LIMIT - 1);
		goto out;
	}
	/* The newline is not part of the answer: nor of the buffer. */
	if (len < cap)
		buf[len] = 0;
	*ret_len = len;
	rc = 0;
out:
	if (rc == -1)
		explicit_bzero(buf, cap);
	explicit_bzero(&extra, sizeof(extra));
	return rc;
}

int
tty_ask(const char *prompt, unsigned char *buf, size_t cap,
    unsigned timeout_ms, size_t *ret_len, struct err *e)
{
	static const struct tty_on here = { .path = "/dev/tty" };

	return tty_ask_on(&here, prompt, buf, cap, timeout_ms, ret_len, e);
}

int
tty_ask_on(const struct tty_on *on, const char *prompt, unsigned char *buf,
    size_t cap, unsigned timeout_ms, size_t *ret_len, struct err *e)
{
	struct ask a = { .fd = -1, .path = on->path };
	bool stopped;
	int rc;

	/* Non-blocking, so that a terminal held by Ctrl-S can't hang us. */
	a.fd = open(on->path, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (a.fd == -1)
		return err_sys(e, "%s: no terminal to ask on", on->path);
	if (timeout_ms > 0)
		a.end_ms = clock_ms() + timeout_ms;
	do {
		signals_hold(&a);
		rc = echo_off(&a, e);
		if (rc == 0) {
			rc = say(&a, prompt, e);
			if (rc == 0)
				rc = answer(&a, buf, cap, ret_len, e);
			/* The newline that was not echoed. */
			if (write(a.fd, "\n", 1) != 1)
				errno = 0;
			if (rc == 0 && on->then != NULL)
				on->then(on->arg, *ret_len);
			echo_back(&a);
		}
		stopped = got_signal == SIGTSTP;
		signals_release(&a);
		/* Stopped and continued: the question is asked again. */
	} while (stopped);
	close(a.fd);
	return rc;
}

unsigned
tty_width(int fd)
{
	struct winsize w;

	if (ioctl(fd, TIOCGWINSZ, &w) == -1 || w.ws_col == 0)
		return 80;
	return w.ws_col;
}

unsigned
tty_height(int fd)
{
	struct winsize w;

	if (ioctl(fd, TIOCGWINSZ, &w) == -1 || w.ws_row == 0)
		return 24;
	return w.ws_row;
}
