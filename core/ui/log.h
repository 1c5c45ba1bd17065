/* SPDX-License-Identifier: ISC */
/*
 * log: the only writer to stderr. One line a call, "postern-NAME: " in
 * front, escaped (esc_text), written whole by one write(2) so that lines of
 * several processes don't mix. Colour on a terminal unless NO_COLOR is set.
 */
#ifndef POSTERN_LOG_H
#define POSTERN_LOG_H

#include <stdbool.h>

#include "base/err.h"

enum log_level { LOG_LVL_ERROR, LOG_LVL_WARN, LOG_LVL_INFO, LOG_LVL_DEBUG };

/* log_open(): name as it stands in front of each line; level: the most
 * talkative that is shown (-q: LOG_LVL_ERROR, default LOG_LVL_WARN or INFO,
 * -v: LOG_LVL_DEBUG). */
void log_open(const char *name, enum log_level level);
/* log_escaped(): what a program says from now on has been escaped where it came
 * from: esc_again() instead of esc_text(). */
void log_escaped(void);
void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* log_err(): log_error(e->msg); returns err_exit(e->code). */
int log_err(const struct err *e);
/* log_hook(): called before and after each line is written, so that a live
 * display can be taken off the screen and drawn again. NULL removes it. */
void log_hook(void (*before)(void *arg), void (*after)(void *arg), void *arg);
/* log_hold(): on: lines are kept, 64 KiB of them, the later ones are dropped;
 * off: they are written. For while a person is asked: nothing of a peer's may
 * stand behind the question. */
void log_hold(bool on);

#endif
