/* SPDX-License-Identifier: ISC */
/*
 * changes: what is other than in the last snapshot, as a client tells its
 * store in MSG_CHANGES frames. Pure.
 *
 *	'+' PATH NUL	is new, or is not as it was: rsync will bring it
 *	'-' PATH NUL	is gone, or was of another type
 *	'=' PATH NUL	a folder of which all names are told: the others are
 *			gone
 *	'.' PATH NUL	a name of such a folder that is as it was; of any folder
 *			with '+': that it was one, and what is not told of its
 *			names is as it was
 *
 * A path is plain (plain.h), and not "/". It may have several; of what lies
 * below a '-' none need be told.
 */
#ifndef BACKUP_CHANGES_H
#define BACKUP_CHANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define CHANGES_MAX	((size_t)8 << 20)	/* bytes of the text */

struct changes {
	const char **v;		/* owned, n; into the text, sign and path;
				 * by path, each but once */
	size_t n;
};

enum { CHANGES_NEW = 1, CHANGES_GONE = 2, CHANGES_ALL = 4, CHANGES_KEPT = 8 };

/* What there is in all, and the time of "/", which rsync does not bring: of
 * "/" alone it would bring the names as well. */
struct changes_sums {
	uint64_t files, bytes;
	int64_t top_ns;		/* its mtime */
};

/* changes_add(): 0, or -1: out's cap is reached. */
int changes_add(struct buf *out, char sign, const char *dir,
	const char *name);

/* changes_parse(): len bytes from a peer, borrowed for the life of *ret. 0, or
 * -1: ERR_PEER, ERR_MEM. */
int changes_parse(const char *text, size_t len, struct changes *ret,
	struct err *e);
void changes_clear(struct changes *c);	/* legal on a zeroed one */

/* changes_new(): whether there is a '+' in the text, which is whole. */
bool changes_new(const char *text, size_t len);

/* changes_find(): a sum of CHANGES_*, 0: nothing is said of path. */
int changes_find(const struct changes *c, const char *path);

/* changes_below(): whether anything is said of what lies below the folder path
 * ("/", "/a/"), or that it is another one, or all of its names. */
bool changes_below(const struct changes *c, const char *path);

/* changes_list(): the paths with '+' in the text, for rsync's --files-from with
 * --from0, appended. 0, or -1 as changes_parse(). */
int changes_list(const char *text, size_t len, struct buf *out,
	struct err *e);

/*
 * On the wire, a MSG_CHANGES frame's first byte says what the rest of it is:
 * 'c' a part of the text, cut anywhere; 'e' its end: "FILES BYTES TOP_NS";
 * 'n' there will be none: all is to be looked at.
 */
enum changes_frame { CHANGES_MORE, CHANGES_END, CHANGES_NONE };

/* changes_put(): the next frame's payload into out (of MSG_MAX bytes), from
 * *at on, which goes on. Returns its length; *ret_end: it was the last. */
size_t changes_put(const struct buf *text, size_t *at,
	const struct changes_sums *sums, char *out, bool *ret_end);

/* changes_take(): a frame of len bytes from a peer, its part appended to text,
 * whose cap is CHANGES_MAX. Returns an enum changes_frame, or -1 ERR_PEER,
 * ERR_MEM. */
int changes_take(struct buf *text, const char *data, size_t len,
	struct changes_sums *ret, struct err *e);

#endif
