/* SPDX-License-Identifier: ISC */
/*
 * tty: asking a person. The prompt goes to /dev/tty, echo is off while the
 * answer is typed, and the terminal is restored on every way out, signals
 * included (termios(3), tcsetattr(3)).
 */
#ifndef POSTERN_TTY_H
#define POSTERN_TTY_H

#include <stddef.h>

#include "base/err.h"

/*
 * tty_ask(): show prompt on /dev/tty, read one line without echo into buf
 * (caller's, cap bytes, no NUL is added, the newline is not stored).
 * Returns 0 with *ret_len, or -1: ERR_SYS (no terminal), ERR_TIMEOUT,
 * ERR_USAGE (longer than cap), ERR_REFUSED (interrupted or end of file).
 * The caller passes locked memory (secret_data_mut()).
 */
int tty_ask(const char *prompt, unsigned char *buf, size_t cap,
	unsigned timeout_ms, size_t *ret_len, struct err *e);

/* tty_width(): columns of the terminal at fd, 80 when unknown. */
unsigned tty_width(int fd);
unsigned tty_height(int fd);

#endif
