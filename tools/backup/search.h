/* SPDX-License-Identifier: ISC */
/*
 * search: a pattern in a client's catalogue, for whoever asks: the owner, or
 * that client. Blocking; the callbacks come in the caller's thread. No lock is
 * waited for.
 */
#ifndef BACKUP_SEARCH_H
#define BACKUP_SEARCH_H

#include <stdatomic.h>

#include "hits.h"
#include "index.h"
#include "reply.h"

struct search_opts {
	const char *pattern, *snapshot;	/* snapshot: NULL all */
	const char *match;	/* glob exact prefix; NULL: glob (query.h) */
	uint64_t max;		/* rows; 0: all */
	const atomic_bool *stop;	/* once true, it ends soon; or NULL */
	/* 0, or -1 with *e filled: it ends. */
	int (*found)(void *arg, const struct hits_file *f, struct err *e);
	/* progress: while manifests that are missing are made. */
	void (*progress)(void *arg, const struct reply *now);
	void *arg;
};

/*
 * search_client(): 0 with *ret the result: files, the number of rows; status
 * 0, or 2 and why: there are more than max, or snapshots that have no manifest
 * yet. -1: ERR_USAGE (the pattern), ERR_CONFIG (no such snapshot), ERR_BUSY
 * (the catalogue was damaged and has been made again, after rows were given:
 * ask once more), ERR_REFUSED (*stop), ERR_SYS, ERR_MEM, or what found() set.
 */
int search_client(const struct store_client *c, const struct search_opts *o,
	struct reply *ret, struct err *e);

/*
 * search_ready(): the catalogue in step and open, to be read, for other
 * questions. *ret is to be closed in any case. ret_missing: snapshots whose
 * manifest somebody else is making; ret_rebuilt: it was damaged. anew: it is
 * known to be. 0, or -1.
 */
int search_ready(const struct store_client *c, const struct search_opts *o,
	bool anew, struct catalog *ret, size_t *ret_missing,
	bool *ret_rebuilt, struct err *e);

#endif
