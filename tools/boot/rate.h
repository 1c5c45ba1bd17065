/* SPDX-License-Identifier: ISC */
/*
 * rate: how many passphrases were tried in the last minute. Pure; its text, a
 * time a line, is what sessions leave for each other in /run. Times are
 * milliseconds of CLOCK_MONOTONIC, which begins anew with a boot, as /run does.
 */
#ifndef BOOT_RATE_H
#define BOOT_RATE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define RATE_MAX	60	/* tries a minute that can be allowed */
#define RATE_TEXT	2048	/* bytes that its text never exceeds */

struct rate {
	uint64_t at[RATE_MAX];	/* ascending */
	size_t n;
};

/* rate_parse(): 0, or -1 ERR_CONFIG: not what rate_emit() writes. */
int rate_parse(const char *text, size_t len, struct rate *ret, struct err *e);
/* rate_emit(): appended. 0, or -1: out's cap. */
int rate_emit(const struct rate *r, struct buf *out);

/* rate_wait_ms(): until another try is allowed, of most (1…RATE_MAX) a minute;
 * 0: now. */
uint64_t rate_wait_ms(const struct rate *r, unsigned most, uint64_t now_ms);
/* rate_note(): a try, now. What is older than a minute is forgotten. */
void rate_note(struct rate *r, uint64_t now_ms);
/* rate_forget(): the last one was none. */
void rate_forget(struct rate *r);

#endif
