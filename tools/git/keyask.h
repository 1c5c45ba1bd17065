/* SPDX-License-Identifier: ISC */
/*
 * keyask: whose key one is, and which keys an id has, by what is in force on
 * this gateway. Without effect; for `explain`, for the forced command, and for
 * whoever is refused.
 */
#ifndef GIT_KEYASK_H
#define GIT_KEYASK_H

#include <stdbool.h>
#include <stddef.h>

#include "authindex.h"
#include "gitid.h"
#include "keylist.h"

/* keyask_id(): the id in a line of authgen_line()'s; false: it is none of
 * them. Pure. */
bool keyask_id(const char *line, size_t len, char ret[GITID_MAX + 1]);

/*
 * keyask_holds(): whether id may act with the key fp ("SHA256:...", or "-":
 * unknown, then any key of id's does): x has it for id, or it is one of base's
 * (NULL: none), whose own id matters only where fp is unknown. Pure.
 */
bool keyask_holds(const struct authindex *x, const struct keylist *base,
	const char *id, const char *fp);

/*
 * keyask_still(): the same, by the store at keys and the file base, as they
 * are now; a store that is not there, or to which no keys have come, has none.
 * Returns 0, or -1: ERR_REFUSED (it may not), or why they can't be read.
 */
int keyask_still(const char *keys, const char *base, const char *id,
	const char *fp, struct err *e);

/*
 * keyask_main(): says whose key fp is, or which keys id has; one of the two is
 * not NULL. A root becomes the store's owner.
 * Returns the exit status: 0; 1: there is no such key, or id has none, or they
 * can't be read.
 */
int keyask_main(const char *keys, const char *base, const char *id,
	const char *fp, bool json);

#endif
