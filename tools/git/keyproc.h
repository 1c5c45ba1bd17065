/* SPDX-License-Identifier: ISC */
/*
 * keyproc: one program that reads bytes that we have and says what fits into
 * a small buffer: ssh-keygen that signs, ssh that sends. Its stderr is kept
 * as the last line that said something, for the message of its failure. It has
 * a session of its own, so that it has no terminal.
 */
#ifndef GIT_KEYPROC_H
#define GIT_KEYPROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define KEYPROC_SAID 256	/* bytes, with the NUL */

struct keyproc {
	char *const *argv;	/* borrowed; argv[0] searched in PATH */
	char *const *envp;	/* borrowed; NULL: ours */
	const char *in;		/* borrowed: its stdin */
	size_t in_len;
	uint64_t timeout_ms;	/* SIGTERM then; 0: at once */
	/* Told of each line of stderr; may be NULL. */
	void (*on_said)(void *arg, const char *line);
	void *arg;
};

struct keyproc_end {
	int status;			/* as waitpid(2) gave it */
	bool timed_out;
	char said[KEYPROC_SAID];	/* its last words, not escaped */
};

/*
 * keyproc_run(): to its end, at most timeout_ms and 2 s. out (initialised)
 * gets its stdout; more than out can hold is dropped, and it is ended.
 * Returns 0 with *ret, however it ended, or -1: ERR_SYS (it can't be
 * started), ERR_MEM, ERR_PEER (it said too much).
 */
int keyproc_run(const struct keyproc *p, struct buf *out,
	struct keyproc_end *ret, struct err *e);

/* keyproc_why(): 0 when it ended with 0, or -1 ERR_PEER (ERR_TIMEOUT) with
 * name, how it ended, and its last words. */
int keyproc_why(const struct keyproc_end *end, const char *name,
	struct err *e);

#endif
