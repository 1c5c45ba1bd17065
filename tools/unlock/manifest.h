/* SPDX-License-Identifier: ISC */
/*
 * manifest: what lies below some paths of a host, read from the stream that
 * remote/verify.sh writes (its head defines the format), and the difference
 * between two of them. Pure: bytes in, table out.
 *
 * The stream comes from a host that may be hostile: it is bounded in path
 * length, records and bytes, and a path that is not plain and absolute is
 * an error. What it says about its own files can't be checked from here.
 *
 *	struct manifest m;
 *	manifest_init(&m);
 *	while (… bytes …)
 *		manifest_feed(&m, data, len, &e);
 *	manifest_end(&m, &e);		sorted; a cut stream is an error
 *	manifest_map(&m, roots, n, &e);	when the hosts' prefixes differ
 *	manifest_diff(&here, &there, &rules, found, arg, &e);
 *	manifest_clear(&m);
 */
#ifndef POSTERN_MANIFEST_H
#define POSTERN_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"

#define MANIFEST_PATH_MAX 4096		/* bytes, without the NUL */
#define MANIFEST_MAX 1000000		/* objects */
#define MANIFEST_BYTES_MAX (256u << 20)	/* of all paths and targets */

struct manifest_entry {
	char *path;		/* owned; as on its host */
	char *key;		/* owned, or NULL: the same as path */
	char *target;		/* owned; of a symlink, or a device's
				 * "MAJOR:MINOR"; NULL for others */
	uint64_t size;		/* bytes; says something for 'f' only */
	uint32_t uid, gid;
	uint16_t mode;		/* permission bits, 07777 */
	char type;		/* f d l p s b c, or another letter */
	bool hashed;		/* sha256 holds; false: unreadable, gone */
	unsigned char sha256[32];
};

struct manifest {
	struct manifest_entry *v;	/* after manifest_end() by key */
	size_t n, cap;
	struct strv trouble;	/* what the host could not read, its words */
	size_t more_trouble;	/* lines beyond those kept */
	int status;		/* of the host's find */
	/* The parser's own. */
	struct buf field;	/* the field that is being read */
	int state;
	size_t hash_at, device_at;	/* where the next one is looked for */
	size_t bytes;
	bool ended;
};

/* manifest_init(): an empty table. Allocates nothing. */
void manifest_init(struct manifest *m);

/* manifest_clear(): release; legal on a zeroed struct. */
void manifest_clear(struct manifest *m);

/*
 * manifest_feed(): the next len bytes of the stream after "postern ready\n",
 * in pieces of any size. 0, or -1: ERR_PEER (not the format, a bound
 * passed), ERR_MEM; then only manifest_clear() is legal.
 */
int manifest_feed(struct manifest *m, const char *data, size_t len,
	struct err *e);

/*
 * manifest_end(): the stream is over: sorts the table. A path that came
 * twice (it was renamed under find) keeps one record.
 * 0, or -1 ERR_PEER: the stream was cut.
 */
int manifest_end(struct manifest *m, struct err *e);

struct manifest_root { const char *here, *there; };	/* borrowed */

/*
 * manifest_map(): compare what is below r[i].there on the other host as if
 * it were below r[i].here (absolute, no trailing /; the longest .there that
 * fits wins). Sorts again. 0, or -1 ERR_MEM.
 */
int manifest_map(struct manifest *m, const struct manifest_root *r, size_t n,
	struct err *e);

enum manifest_kind {
	MANIFEST_MISSING,	/* here only */
	MANIFEST_EXTRA,		/* there only */
	MANIFEST_DIFFERENT,
};

enum {				/* what differs, for MANIFEST_DIFFERENT */
	MANIFEST_CONTENT = 1,	/* bytes of a file, number of a device */
	MANIFEST_TYPE = 2,
	MANIFEST_MODE = 4,
	MANIFEST_OWNER = 8,	/* uid or gid */
	MANIFEST_TARGET = 16,	/* of a symlink */
	MANIFEST_UNREAD = 32,	/* a file that was not hashed on a side */
};

struct manifest_delta {
	enum manifest_kind kind;
	unsigned what;
	const struct manifest_entry *here, *there;	/* NULL: not there */
};

struct manifest_rules {
	/*
	 * Whether m's entry takes part; NULL: all do. side is 0 for here,
	 * 1 for there; the path is the one on that host. An entry that does
	 * not belong is as good as absent.
	 */
	bool (*belongs)(void *arg, int side, const char *path);
	void *arg;
	bool ignore_uid, ignore_gid, ignore_mod;	/* csync2's words */
};

/*
 * manifest_diff(): calls found() for each difference, in the order of keys.
 * A symlink's mode is never compared, nor a folder's size. found() returns
 * 0 to go on, or another value that ends the walk and is returned.
 * Returns 0, or what found() returned.
 */
int manifest_diff(const struct manifest *here, const struct manifest *there,
	const struct manifest_rules *rules,
	int (*found)(void *arg, const struct manifest_delta *d), void *arg);

/*
 * manifest_what(): "content, mode" for a set of MANIFEST_* bits, appended
 * to out. 0, or -1 when out's cap is reached.
 */
int manifest_what(unsigned what, struct buf *out);

#endif
