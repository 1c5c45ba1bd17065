/* SPDX-License-Identifier: ISC */
/*
 * catalog: what a client's snapshots hold, in one SQLite file a client,
 * STORE/.postern/NAME/catalog.db. A row is one state of one path: metadata,
 * BLAKE2b of the content, and the first and the last snapshot that have it
 * so. A file that never changes is one row however many snapshots there are.
 * It can be made again from the snapshots at any time (manifest.h).
 *
 * Schema, version 1 (PRAGMA user_version; application_id 0x706f7374, "post"):
 *
 *	series(id, name)	the part of a snapshot's name before its date
 *	snapshot(id, name, made, files, bytes)
 *		id	series << 40 | unix time of the name: ascending in time
 *		made	when its manifest was made; unix time, as all times
 *	dir(id, path)		"/", "/etc/", "/etc/ssh/"
 *	entry(dir, name, first, last, mode, uid, gid, size, mtime, rdev, link,
 *	      verified, hash, xattr)
 *		name	in its dir; "" is the tree's root. TEXT, but any bytes:
 *			whoever reads UTF-8 only must be ready for other things
 *		first, last	live in each snapshot with first <= id <= last;
 *			NULL: in the newest of the series, and in what follows.
 *			Snapshots that were removed since may be named
 *		mode, uid, gid, rdev	as backed up (fakestat.h); rdev is
 *			major << 32 | minor, NULL when 0
 *		size	of files and links; 0 of others
 *		mtime	in ns
 *		link	the inode number, of a file that had more names when it
 *			was recorded; names with the same one were one file
 *		verified	when the content was read last and was right;
 *			0 it was wrong
 *		hash	of the content, of a link's target; NULL: no content,
 *			or unreadable
 *		xattr	16 bytes of BLAKE2b of all other extended attributes
 *			(meta.h); NULL: none
 *	file	a view of entry with path, for people
 *
 * One writer at a time (the client's lock); readers never wait (WAL). A
 * manifest is one transaction: after a crash it is there or not.
 */
#ifndef POSTERN_CATALOG_H
#define POSTERN_CATALOG_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define CATALOG_OPEN	INT64_MAX	/* catalog_row.last for NULL */

struct sqlite3;

struct catalog_snap {
	int64_t id;
	int64_t made;			/* unix time */
	uint64_t files, bytes;
	char name[NAME_MAX + 1];
};

struct catalog {
	struct sqlite3 *db;
	char *path;
	bool damaged;			/* see catalog_open() */
	struct catalog_snap *snaps;	/* n, by id */
	size_t n;
};

/* What a snapshot tells of a file besides its name. */
struct catalog_meta {
	uint32_t mode, uid, gid;
	uint64_t size, rdev, link;	/* rdev, link: 0 for NULL */
	int64_t mtime_ns;
	bool has_hash, has_xattr;
	unsigned char hash[32], xattr[16];
};

struct catalog_row {
	int64_t dir, first, last, verified;
	struct catalog_meta m;
	char name[NAME_MAX + 1];
};

/* What catalog_changed() says that differs. */
enum {
	CATALOG_CONTENT	= 1 << 0,
	CATALOG_KIND	= 1 << 1,
	CATALOG_MODE	= 1 << 2,
	CATALOG_OWNER	= 1 << 3,
	CATALOG_TIME	= 1 << 4,
	CATALOG_SIZE	= 1 << 5,
	CATALOG_XATTR	= 1 << 6,
	CATALOG_DEVICE	= 1 << 7,
};

/*
 * catalog_open(): the catalogue at path, to be written (it is made, 0600,
 * when it is missing) or to be read only.
 * 0, or -1: ERR_SYS, ERR_MEM, ERR_BUSY, ERR_CONFIG (another program's file,
 * a newer version's, or damaged). Of any function here and in query.h,
 * manifest.h and verify.h, ERR_CONFIG with c->damaged means: remove it with
 * catalog_discard() and make each snapshot's manifest again, oldest first.
 * *c is to be closed in any case.
 */
int catalog_open(struct catalog *c, const char *path, bool write,
	struct err *e);

/* catalog_close(): legal on a zeroed struct. */
void catalog_close(struct catalog *c);

/* catalog_discard(): remove the files of a (closed) catalogue. What is
 * missing is fine. 0, or -1 ERR_SYS. */
int catalog_discard(const char *path, struct err *e);

/* catalog_check(): SQLite's own check of the whole file, which takes seconds
 * a GB. 0, or -1 ERR_CONFIG as above. */
int catalog_check(struct catalog *c, struct err *e);

/* catalog_snap(): the snapshot of that name, whose manifest is complete.
 * Borrowed until one is added or removed; NULL: there is none. */
const struct catalog_snap *catalog_snap(const struct catalog *c,
	const char *name);

/* catalog_by_id(): likewise. */
const struct catalog_snap *catalog_by_id(const struct catalog *c, int64_t id);

/* catalog_shown(): the snapshots that row lives in, first and last of those
 * that are still there; NULL, NULL when there is none. */
void catalog_shown(const struct catalog *c, const struct catalog_row *row,
	const struct catalog_snap **ret_first,
	const struct catalog_snap **ret_last);

/*
 * catalog_remove(): forget a snapshot, in one transaction, before its tree
 * is removed. What other snapshots have stays right. A name that is not in it
 * is fine. 0, or -1.
 */
int catalog_remove(struct catalog *c, const char *name, struct err *e);

/* catalog_changed(): what differs between two states; 0: nothing. */
unsigned catalog_changed(const struct catalog_meta *a,
	const struct catalog_meta *b);

#endif
