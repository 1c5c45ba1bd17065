/* SPDX-License-Identifier: ISC */
/*
 * clock: the time that deadlines are counted in. It never goes back, and
 * nobody can set it. Source: clock_gettime(2).
 */
#ifndef POSTERN_CLOCK_H
#define POSTERN_CLOCK_H

#include <stdint.h>

/* clock_ms(): CLOCK_MONOTONIC in milliseconds. Can't fail. */
uint64_t clock_ms(void);

#endif
