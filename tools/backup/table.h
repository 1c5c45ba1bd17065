/* SPDX-License-Identifier: ISC */
/*
 * table: rows in columns, for a person. Pure. Cells are any bytes (a client's
 * name or an error text is a peer's word): they are escaped here. On a
 * terminal no line is longer than its width: the columns that may be cut are
 * narrowed, the widest first.
 *
 *	table_init → table_row … → table_emit → table_clear
 */
#ifndef BACKUP_TABLE_H
#define BACKUP_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"

#define TABLE_COLS	12
#define TABLE_TEXT_MAX	(64u << 20)	/* bytes: a cap for table_emit() */

struct table_col {
	const char *title;
	bool right;		/* numbers stand at the right */
	bool cut;		/* may lose its end */
};

struct table {
	const struct table_col *cols;	/* borrowed */
	size_t ncols;			/* at most TABLE_COLS */
	struct strv cells;		/* escaped */
	bool failed;
};

void table_init(struct table *t, const struct table_col *cols, size_t ncols);
void table_clear(struct table *t);

/* table_row(): one cell a column, borrowed for the call. */
void table_row(struct table *t, const char *const *cells);

/* table_emit(): the titles, then the rows in order, appended to out. width:
 * of the terminal; 0: it is none, nothing is cut. utf8: as columns.h. 0, or
 * -1 ERR_MEM. */
int table_emit(const struct table *t, size_t width, bool utf8,
	struct buf *out, struct err *e);

#endif
