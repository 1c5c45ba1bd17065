/* SPDX-License-Identifier: ISC */
/*
 * page: the clients of a store on one page that needs nothing else: no script,
 * no font, no picture from elsewhere. A table of all, then for each client a
 * calendar of the last 53 weeks (UTC) and a plot of its sizes. Pure.
 */
#ifndef BACKUP_PAGE_H
#define BACKUP_PAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "state.h"

#define PAGE_MAX	(64u << 20)	/* bytes: a cap for page_emit() */

/* page_emit(): n clients, as of now_s; store: its path. Appended. 0, or -1
 * ERR_MEM. */
int page_emit(const char *store, const struct state *v, size_t n,
	int64_t now_s, struct buf *out, struct err *e);

#endif
