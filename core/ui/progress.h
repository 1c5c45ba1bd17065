/* SPDX-License-Identifier: ISC */
/*
 * progress: one live line an item on a terminal, or one line an event
 * anywhere else. Items are numbered 0..n-1 and have a name, a state word, a
 * detail text and a kind (running, good, warning, bad). On a terminal at
 * most as many lines are drawn as fit: what is bad or running first, then a
 * count of the rest; redrawn at most ten times a second. Elsewhere a change
 * of state prints "NAME: STATE DETAIL" at once. Text is escaped here and
 * cut at the terminal's width; each frame and each line is one write(2).
 * Colour unless NO_COLOR is set. The program calls setlocale(LC_CTYPE, "")
 * before progress_new() when it wants more than ASCII to be shown.
 */
#ifndef POSTERN_PROGRESS_H
#define POSTERN_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct progress;

enum progress_kind { PROGRESS_WAIT, PROGRESS_RUN, PROGRESS_GOOD,
	PROGRESS_WARN, PROGRESS_BAD };

/* progress_new(): live when fd is a terminal and TERM is not dumb. quiet:
 * draw nothing but PROGRESS_BAD events. Returns owned or NULL ERR_MEM. */
struct progress *progress_new(int fd, size_t n, bool quiet, struct err *e);
/* progress_free(): finishes the display. The last state stays on the screen:
 * every item that is bad or warns, the others as far as they fit, a count of
 * the rest. NULL is legal. */
void progress_free(struct progress *p);
/* progress_set(): name, state: borrowed for the call; detail may be NULL. */
void progress_set(struct progress *p, size_t i, const char *name,
	enum progress_kind kind, const char *state, const char *detail);
/* progress_live(): whether lines are redrawn: what stood in one is gone once
 * something else is set. */
bool progress_live(const struct progress *p);
/* progress_tick(): call now and then (a loop timer) with the time in ms so
 * that pending redraws and elapsed times appear. */
void progress_tick(struct progress *p, uint64_t now_ms);
/* For log_hook(): off the screen, on it again. */
void progress_hide(void *p);
void progress_show(void *p);

#endif
