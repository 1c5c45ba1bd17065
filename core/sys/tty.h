/* SPDX-License-Identifier: ISC */
/*
 * tty: asking a person. The prompt goes to /dev/tty, echo is off while the
 * answer is typed, and the terminal is restored on every way out, signals
 * included (termios(3), tcsetattr(3)). What is typed beyond the answer is
 * dropped.
 */
#ifndef POSTERN_TTY_H
#define POSTERN_TTY_H

#include <stddef.h>

#include "base/err.h"

/*
 * tty_ask(): show prompt on /dev/tty, read one line without echo into buf
 * (caller's, cap bytes, no NUL is added, the newline is not stored).
 * Returns 0 with *ret_len, or -1: ERR_SYS (no terminal), ERR_TIMEOUT,
 * ERR_USAGE (longer than cap, or than 4094 bytes, a terminal's own limit),
 * ERR_REFUSED (interrupted or end of file).
 * The caller passes locked memory (secret_data_mut()). timeout_ms 0: no
 * limit. A signal that comes meanwhile (SIGINT, SIGQUIT, SIGTERM, SIGHUP)
 * reaches the caller after the terminal is restored, by its own disposition:
 * the default ends the process, a handler runs, a blocked one stays pending
 * for the caller's loop; in the latter two the result is ERR_REFUSED. After
 * SIGTSTP and SIGCONT the prompt is shown again. On failure buf is wiped.
 */
int tty_ask(const char *prompt, unsigned char *buf, size_t cap,
	unsigned timeout_ms, size_t *ret_len, struct err *e);

struct tty_on {
	const char *path;		/* of the terminal; borrowed */
	/* With an answer in buf, or NULL: what is done before the echo comes
	 * back. Until it is done those signals wait. */
	void (*then)(void *arg, size_t len);
	void *arg;
};

/* tty_ask_on(): the same on any terminal, for who has none of his own: a shell
 * on the console of an initramfs, where /dev/tty can't be opened. No signal
 * comes from its keys then. */
int tty_ask_on(const struct tty_on *on, const char *prompt,
	unsigned char *buf, size_t cap, unsigned timeout_ms, size_t *ret_len,
	struct err *e);

/* tty_width(), tty_height(): columns and rows of the terminal at fd; 80 and
 * 24 when unknown. */
unsigned tty_width(int fd);
unsigned tty_height(int fd);

#endif
