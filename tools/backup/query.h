/* SPDX-License-Identifier: ISC */
/*
 * query: what the catalogue answers without a look at any tree. Results come
 * one by one to a callback, which ends the query with -1 and *e filled, or
 * with 1 (enough: the query returns 0). Paths are raw bytes: escape them
 * (esc_text()) before a person sees them.
 */
#ifndef POSTERN_QUERY_H
#define POSTERN_QUERY_H

#include "catalog.h"

/* A state of a path. */
struct query_file {
	const char *path;			/* "/etc/passwd"; borrowed */
	const struct catalog_meta *m;
	const struct catalog_snap *first, *last;
};

/*
 * query_find(): the files that pattern means, each state of each:
 *	/a/b		that path
 *	/a/b/		that folder and all below it
 *	/a/b*		a pattern for the whole path (glob.h)
 *	name, *.c	a pattern for the last part of the path
 *	b/name, b/ *	a pattern for the last parts of the path
 * snapshot	NULL, or only what is live in that one
 * The first three use the folders' index from the first wildcard's place on;
 * the others read each name once. No order is promised.
 * 0, or -1: ERR_CONFIG (no such snapshot; see catalog_open()), ERR_MEM.
 */
int query_find(struct catalog *c, const char *pattern, const char *snapshot,
	int (*cb)(void *arg, const struct query_file *f, struct err *e),
	void *arg, struct err *e);

/* query_path(): the states of one path; with prefix, of all paths that begin
 * with those bytes. No byte means anything but itself. path begins with a '/',
 * else ERR_USAGE. As query_find(). */
int query_path(struct catalog *c, const char *path, bool prefix,
	const char *snapshot,
	int (*cb)(void *arg, const struct query_file *f, struct err *e),
	void *arg, struct err *e);

struct query_change {
	const char *path;
	const struct catalog_meta *a, *b;	/* NULL: not there */
	unsigned what;		/* CATALOG_…; of two states that differ */
};

/* query_diff(): what differs between snapshots a and b, folder by folder. As
 * query_find(). */
int query_diff(struct catalog *c, const char *a, const char *b,
	int (*cb)(void *arg, const struct query_change *ch, struct err *e),
	void *arg, struct err *e);

struct query_size {
	const char *path;	/* "/", "/etc/" */
	unsigned depth;		/* "/" 0, "/etc/" 1 */
	uint64_t files;		/* names below it, without itself */
	uint64_t bytes;		/* files of several names count once */
	uint64_t own_bytes;	/* of it, in no other snapshot of the series */
};

/* query_du(): the sizes of the folders of a snapshot down to depth; each
 * comes behind those below it, "/" last. As query_find(). */
int query_du(struct catalog *c, const char *snapshot, unsigned depth,
	int (*cb)(void *arg, const struct query_size *s, struct err *e),
	void *arg, struct err *e);

#endif
