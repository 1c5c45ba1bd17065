/* SPDX-License-Identifier: ISC */
/*
 * key: where a group's key comes from. With "random" each host gets a fresh
 * one; every other source is read once and gives the same key for
 * all hosts. What csync2 accepts as a key: one line of at least 32 of
 * [A-Za-z0-9._] (facts of its key.c, tried).
 */
#ifndef POSTERN_KEY_H
#define POSTERN_KEY_H

#include <stdbool.h>

#include "base/err.h"
#include "secret/secret.h"

struct key_source;

/*
 * key_open(): spec is "random", "file:PATH", "fd:N", "cmd:COMMAND" (sh -c)
 * or "tty". A terminal, a descriptor and a command are asked now; all are
 * checked now. timeout_ms bounds the wait. Returns owned, or NULL: ERR_USAGE
 * (no such source), ERR_CONFIG (no good key), ERR_SYS, ERR_TIMEOUT.
 */
struct key_source *key_open(const char *spec, unsigned timeout_ms,
	struct err *e);
void key_close(struct key_source *k);		/* NULL is legal */

/* key_random(): a key of our own making, as "random" gives; owned by the
 * caller. NULL: ERR_MEM, ERR_SYS. */
struct secret *key_random(struct err *e);

/* key_fix(): from now on the same key for everybody, "random" too: for a
 * shared window. 0, or -1 as key_random(). */
int key_fix(struct key_source *k, struct err *e);

/* key_fixed(): that key, or the one of a source that has only one, borrowed
 * until key_close(); NULL: each host gets a key_random() of its own. */
struct secret *key_fixed(const struct key_source *k);

/* key_check(): whether csync2 takes these bytes as a key. 0, -1 ERR_CONFIG
 * (what is wrong, never the bytes). Pure. */
int key_check(const unsigned char *data, size_t len, const char *what,
	struct err *e);

#endif
