/* SPDX-License-Identifier: ISC */
/*
 * num: numbers and times that a person typed. Strict: the whole string, no
 * white space, no sign unless said, no overflow, no locale.
 */
#ifndef POSTERN_NUM_H
#define POSTERN_NUM_H

#include <stdint.h>

#include "base/err.h"

/*
 * num_u64(): a decimal number from min to max.
 * what     names the value in the message ("--jobs").
 * Returns 0 with *ret set, or -1 ERR_USAGE.
 */
int num_u64(const char *s, const char *what, uint64_t min, uint64_t max,
	uint64_t *ret, struct err *e);

/*
 * num_duration_ms(): "500ms" "10s" "10m" "2h" "1d", sums such as "1h30m";
 * a bare number counts seconds. Returns 0, or -1 ERR_USAGE; at most 366
 * days. *ret is in milliseconds.
 */
int num_duration_ms(const char *s, const char *what, uint64_t *ret,
	struct err *e);

/*
 * num_size(): bytes, with an optional suffix K M G T (powers of 1024).
 */
int num_size(const char *s, const char *what, uint64_t *ret, struct err *e);

#endif
