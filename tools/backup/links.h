/* SPDX-License-Identifier: ISC */
/*
 * links: the hashes of files with several names, so that each is read once.
 * A temporary table, since there can be millions.
 */
#ifndef POSTERN_LINKS_H
#define POSTERN_LINKS_H

#include <sys/stat.h>

#include "catalog_sql.h"

struct links {
	struct catalog *cat;
	sqlite3_stmt *get, *put;
};

int links_init(struct links *l, struct err *e);
void links_clear(struct links *l);	/* legal on a zeroed struct */

/*
 * links_get(): 1 this file was met before; m gets its hash when there is one
 * by now. 0 not yet; -1.
 * links_put(): its hash; NULL: it is being read.
 */
int links_get(struct links *l, uint64_t dev, uint64_t ino,
	struct catalog_meta *m, struct err *e);
int links_put(struct links *l, uint64_t dev, uint64_t ino,
	const unsigned char *hash, struct err *e);

#endif
