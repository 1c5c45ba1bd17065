/* SPDX-License-Identifier: ISC */
/*
 * plot: sizes over time as an SVG within a page (html.h): a line for what
 * each snapshot holds, a bar for what it added. Pure.
 */
#ifndef BACKUP_PLOT_H
#define BACKUP_PLOT_H

#include <stddef.h>
#include <stdint.h>

#include "html.h"

#define PLOT_POINTS	800	/* more are thinned out */

struct plot_point {
	int64_t time_s;
	uint64_t bytes, added;
};

/* plot_svg(): n points, the earliest first. Without any: a line of text. */
void plot_svg(struct html *h, const struct plot_point *v, size_t n);

/* plot_step(): between two lines of an axis from 0 to max: a power of two of
 * bytes of which at most five fit, at least 1. */
uint64_t plot_step(uint64_t max);

#endif
