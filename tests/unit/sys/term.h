/* SPDX-License-Identifier: ISC */
/* A child that asks on a terminal of its own, for the tests of tty. */
#ifndef TEST_TERM_H
#define TEST_TERM_H

#include "../unit.h"

#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "sys/tty.h"

#define PROMPT		"Passphrase: "
#define PATIENCE_MS	20000

/* A child on a terminal of its own; what it shows is read from .fd. */
struct term {
	int fd;			/* the master side */
	pid_t pid;
	char seen[8192];
	size_t len;
};

/* What the child is to do with the answer: its exit status tells. */
struct job {
	size_t cap;
	unsigned timeout_ms;
	const char *want;	/* NULL: a failure is wanted, with code */
	enum err_code code;
	void (*before)(void);
	bool by_name;		/* not by /dev/tty, which there isn't */
};

static void
answer_job(const struct job *j)
{
	struct err e = ERR_INIT;
	unsigned char buf[8192];
	size_t len = 4242;
	int rc, rest = 0;

	if (j->before != NULL)
		j->before();
	memset(buf, 'Z', sizeof(buf));
	rc = tty_ask(PROMPT, buf, j->cap, j->timeout_ms, &len, &e);
	if (j->by_name) {
		if (rc == 0 || e.code != ERR_SYS)
			_exit(5);
		rc = tty_ask_on(&(struct tty_on){ .path = ttyname(0) },
		    PROMPT, buf, j->cap, j->timeout_ms, &len, &e);
	}
	/* Nothing of what was typed is left for a shell to run. */
	if (ioctl(0, FIONREAD, &rest) == -1 || rest != 0)
		_exit(4);
	if (rc == -1) {
		/* Nor stays it behind. */
		if (memchr(buf, 's', j->cap) != NULL || len != 4242)
			_exit(3);
		_exit(j->want == NULL && e.code == j->code ? 0 : 1);
	}
	if (j->want == NULL || len != strlen(j->want) ||
	    memcmp(buf, j->want, len) != 0 || buf[j->cap] != 'Z')
		_exit(2);
	_exit(0);
}

static void
term_start(struct term *t, const struct job *j)
{
	struct winsize w = { .ws_row = 33, .ws_col = 111 };

	memset(t, 0, sizeof(*t));
	fflush(NULL);
	t->pid = forkpty(&t->fd, NULL, NULL, &w);
	assert_true(t->pid >= 0);
	if (t->pid == 0)
		answer_job(j);
}

/* Read until text was seen count times. */
static void
term_wait(struct term *t, const char *text, int count)
{
	struct pollfd p = { .fd = t->fd, .events = POLLIN };
	const char *at;
	ssize_t n;
	int i;

	for (;;) {
		for (i = 0, at = t->seen; i < count; i++, at++)
			if ((at = strstr(at, text)) == NULL)
				break;
		if (i == count)
			return;
		assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
		n = read(t->fd, t->seen + t->len,
		    sizeof(t->seen) - 1 - t->len);
		assert_true(n > 0);
		t->len += (size_t)n;
	}
}

static void
term_type(struct term *t, const char *text)
{
	assert_int_equal(write(t->fd, text, strlen(text)),
	    (ssize_t)strlen(text));
}

static bool
term_echoes(struct term *t)
{
	struct termios tio;

	assert_int_equal(tcgetattr(t->fd, &tio), 0);
	return (tio.c_lflag & ECHO) != 0;
}

/*
 * Wait for the child, show what is left, and return its wait status. echo:
 * whether the terminal's echo was on again after it.
 */
static int
term_end(struct term *t, bool *echo)
{
	struct pollfd p = { .fd = t->fd, .events = POLLIN };
	ssize_t n;
	int status;

	assert_int_equal(waitpid(t->pid, &status, 0), t->pid);
	*echo = term_echoes(t);
	while (t->len < sizeof(t->seen) - 1 && poll(&p, 1, 0) == 1) {
		n = read(t->fd, t->seen + t->len,
		    sizeof(t->seen) - 1 - t->len);
		if (n <= 0)
			break;
		t->len += (size_t)n;
	}
	close(t->fd);
	return status;
}

#endif
