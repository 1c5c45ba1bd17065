/* SPDX-License-Identifier: ISC */
/*
 * verify: a snapshot's tree against its manifest. Presence is looked at for
 * each name, metadata for each file that the snapshot verified before it has
 * not got as well, content where it is due. When a row's content was right,
 * that date is kept with the row, so for each snapshot that it lives in: a
 * file that never changes is read once for all of them, as they share it.
 */
#ifndef POSTERN_VERIFY_H
#define POSTERN_VERIFY_H

#include <stdatomic.h>
#include <stdint.h>

#include "catalog.h"

#define VERIFY_SEED	16	/* bytes, of chance */

enum verify_kind {
	VERIFY_ROT,		/* content differs, size and mtime do not */
	VERIFY_ALTERED,		/* something else differs: see .what */
	VERIFY_MISSING,
	VERIFY_ADDED,
	VERIFY_UNREADABLE,	/* or its folder is; see .why */
};

struct verify_found {
	enum verify_kind kind;
	const struct catalog_snap *snap;
	const char *path;	/* raw bytes: esc_text() for people */
	unsigned what;		/* CATALOG_… */
	const char *why;	/* "" unless unreadable */
};

struct verify_stats {
	uint64_t files;		/* names looked at */
	uint64_t read;		/* files whose content was read */
	uint64_t bytes, total;	/* read, and to be read (estimated when only
				   a sample is) */
	uint64_t found;
};

struct verify_opts {
	const char *snapshot;
	int root;		/* fd of its tree */
	/* Another snapshot that was verified with these options just now,
	 * where nothing was found, and its tree; NULL: none. What is the same
	 * file there (walk_same()) with the same row is not looked at again. */
	const char *twin;
	int twin_root;
	int64_t now;		/* unix time */
	/* Content is due when it was not verified since this time; INT64_MAX
	 * all of it. For several snapshots, newest first, in one run: the
	 * time when the run began (or now - max age), so that nothing is read
	 * twice. */
	int64_t since;
	/* Of what is due, so many of 10000 by chance; 0: all. What was wrong
	 * last time is always read. With one seed for several snapshots a row
	 * that they share is drawn for all of them or for none. */
	unsigned sample;
	unsigned char seed[VERIFY_SEED];
	unsigned threads;	/* for reading; MANIFEST_THREADS */
	/* Once true, it is given up soon, in the midst of a file, too. May be
	 * NULL. */
	const atomic_bool *stop;
	int (*found)(void *arg, const struct verify_found *f, struct err *e);
	/* progress: first with nothing done, then after each folder and each
	 * file that was read; -1 with *e filled gives up, what was verified by
	 * then is kept. May be NULL. */
	int (*progress)(void *arg, const struct verify_stats *sofar,
		struct err *e);
	void *arg;
};

/*
 * verify_run(): 0 (what was found is no failure), or -1: as the callbacks
 * said, ERR_REFUSED (*stop), ERR_CONFIG (no manifest of it; see
 * catalog_open()), ERR_BUSY (its dates could not be kept: somebody else
 * writes), ERR_SYS, ERR_MEM; *ret is filled in any case. The catalogue is to be
 * open for writing, but the client's lock is not needed: what is verified is
 * collected apart and written now and then, in the blink of an eye, so that a
 * manifest can be made meanwhile.
 */
int verify_run(struct catalog *c, const struct verify_opts *o,
	struct verify_stats *ret, struct err *e);

/* verify_oldest(): when the content of a snapshot was verified last, all of
 * it: the oldest date of its rows; 0 when some of it was wrong, or there is
 * none. Reads all of its rows. 0, or -1. */
int verify_oldest(struct catalog *c, const char *snapshot, int64_t *ret,
	struct err *e);

/* verify_wrong(): how many rows are known to be wrong since they were verified
 * last, in whatever snapshot. Reads all rows. 0, or -1. */
int verify_wrong(struct catalog *c, uint64_t *ret, struct err *e);

/* verify_newest(): the newest date of any row that is not after limit; 0:
 * none. Reads all rows. 0, or -1. */
int verify_newest(struct catalog *c, int64_t limit, int64_t *ret,
	struct err *e);

#endif
