/* SPDX-License-Identifier: ISC */
/*
 * sandbox_rows: the filters of system calls that were made when this was built
 * (sandbox_calls.c), one for each of SANDBOX_SUMS; none on an architecture
 * that they were not written for. Internal to sandbox. Pure.
 */
#ifndef POSTERN_SANDBOX_ROWS_H
#define POSTERN_SANDBOX_ROWS_H

#include <linux/filter.h>
#include <stddef.h>

struct sandbox_row {
	unsigned calls;
	const struct sock_filter *v;	/* NULL: the last row */
	size_t n;
};

extern const struct sandbox_row sandbox_rows[];

#endif
