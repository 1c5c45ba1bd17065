/* SPDX-License-Identifier: ISC */
/*
 * verify_dates: when what was verified last, for verify.c. A run collects
 * dates in a table of its own connection (memory is bounded) and brings them
 * into the catalogue by short transactions: whoever makes a manifest
 * meanwhile hardly waits, and is waited for.
 */
#ifndef POSTERN_VERIFY_DATES_H
#define POSTERN_VERIFY_DATES_H

#include "catalog_sql.h"
#include "verify.h"

#define VERIFY_DATES_MANY 4096	/* dates: time to keep them */

struct verify_dates {
	struct catalog *cat;	/* borrowed */
	sqlite3_stmt *put;
	uint64_t n;		/* not kept yet */
};

/* verify_dates_init(): begins a read transaction, in which the temporary
 * tables of tree.c are cheap. 0, or -1. To be cleared in any case. */
int verify_dates_init(struct verify_dates *d, struct catalog *cat,
	struct err *e);
void verify_dates_clear(struct verify_dates *d);

/* verify_dates_put(): the content of row was right at that time; 0: it is
 * wrong. 0, or -1. */
int verify_dates_put(struct verify_dates *d, const struct catalog_row *row,
	int64_t when, struct err *e);

/* verify_dates_keep(): into the catalogue. No statement may be in the midst
 * of its rows. last: when somebody else writes, wait for a while, and begin no
 * read transaction again. 0 (also when they wait for the next time), or -1:
 * ERR_BUSY (only last), and as catalog.h says. */
int verify_dates_keep(struct verify_dates *d, bool last, struct err *e);

/* verify_dates_due(): bytes of a snapshot's rows not verified since then. */
int verify_dates_due(struct catalog *c, const struct catalog_snap *s,
	int64_t since, uint64_t *ret, struct err *e);

/* verify_draw(): a number from 0 to 9999 for row, by the seed. */
unsigned verify_draw(const unsigned char seed[VERIFY_SEED],
	const struct catalog_row *row);

#endif
