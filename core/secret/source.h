/* SPDX-License-Identifier: ISC */
/*
 * source: where a person says that a secret comes from:
 *
 *	file:PATH	its content
 *	fd:N		a descriptor that the caller of the program opened
 *	cmd:COMMAND	what sh -c COMMAND prints; it may ask on the terminal
 *	tty		typed, without echo
 *
 * Reading blocks. It begins before a loop does, or after it is freed: a command
 * gets our signal mask, and no loop may reap it. One that takes too long is
 * ended with all that it started, and so it is when a signal ends us meanwhile;
 * but for what runs as another user (sudo), which is left where we may not kill
 * it. What was ended leaves our terminal as it was before.
 */
#ifndef POSTERN_SOURCE_H
#define POSTERN_SOURCE_H

#include <stddef.h>

#include "base/err.h"
#include "secret/secret.h"

struct source_opts {
	const char *option;	/* "--key": what messages begin with */
	const char *also;	/* "random, ": other sources of the caller's,
				 * for the message about one that is none */
	const char *prompt;	/* for tty */
	size_t max;		/* bytes */
	unsigned timeout_ms;	/* 0: no limit */
};

/* source_read(): all of it, newlines too. Returns owned, or NULL: ERR_USAGE no
 * such source; ERR_CONFIG a command that failed, more than max bytes; and those
 * of secret_read() and tty_ask(). */
struct secret *source_read(const char *spec, const struct source_opts *o,
	struct err *e);

/* source_line(): cut s after its first line, whose newline is not kept. */
void source_line(struct secret *s);

#endif
