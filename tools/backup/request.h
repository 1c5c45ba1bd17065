/* SPDX-License-Identifier: ISC */
/*
 * request: what a client asks of the store, as the text of one MSG_REQUEST
 * (proc/msgtext.h). Pure. Who asks is never in it: the store knows that from
 * the key that sshd accepted.
 *
 *	op NAME             run restore list find verify cat
 *	version 1
 *	job NAME            grammar of snapname_client()
 *	root PATH           plain (plain.h); several
 *	exclude PATTERN     1 to 4095 bytes; several
 *	one-file-system     yes no; without it no
 *	mount PATH          plain; several: what is mounted below a root
 *	                    (mounts.h); with one-file-system only
 *	compress            none zstd zlib; without it none
 *	rsync VERSION       [0-9][0-9a-z.]{0,31}, of the client's rsync
 *	snapshot NAME       snapname_parse(), or "latest"; whose it is, the
 *	                    store checks
 *	path PATH           plain; several for restore
 *	pattern TEXT        1 to 4095 bytes
 *	mode                channel direct; without it channel
 *	port NUMBER         1024 to 65535     with mode direct all three, and
 *	host-key KEY        ssh-ed25519 BASE64    without it none: where the
 *	user NAME                             client's one-time sshd is, to which
 *	                                      MSG_KEY brings the key
 *	match HOW           of pattern: glob exact prefix; without it glob
 *	max-age N           seconds, from 1
 *	sample N            per cent, 1 to 100
 *	progress            yes no; without it no: somebody looks on, and the
 *	                    store is to say how far rsync is, not only which
 *	                    phase it is in
 *	since NAME          snapname_parse(): the client knows what is other
 *	                    than in that snapshot, and can tell; of run
 *	beat N              ms between two beats, of both ends, 100 to 3600000;
 *	                    without it REQUEST_BEAT_MS; of any operation
 *
 * Which of them an operation takes, needs and may repeat is a table in
 * request_keys.c. An unknown, doubled or missing key, one that the operation
 * does not take, the same root or path twice, and a text of more than MSG_MAX
 * bytes are errors that name it. Keys come in any order.
 */
#ifndef POSTERN_REQUEST_H
#define POSTERN_REQUEST_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"

#define REQUEST_LATEST	"latest"	/* the newest snapshot there is */
#define REQUEST_BEAT_MS	10000
#define REQUEST_LIST_MAX	4096	/* roots, excludes, paths: of each */

enum request_op {
	REQUEST_RUN = 1,
	REQUEST_RESTORE,
	REQUEST_LIST,
	REQUEST_FIND,
	REQUEST_VERIFY,
	REQUEST_CAT,
};

enum request_compress {
	REQUEST_COMPRESS_NONE,
	REQUEST_COMPRESS_ZSTD,
	REQUEST_COMPRESS_ZLIB,
};

struct request {
	enum request_op op;
	char *job;		/* owned, as all here; NULL: not said */
	struct strv roots;
	struct strv excludes;
	bool one_file_system;
	struct strv mounts;
	enum request_compress compress;
	char *rsync;
	char *snapshot;
	struct strv paths;
	char *pattern;
	bool progress;
	bool direct;
	char *port, *host_key, *user;	/* with direct */
	char *match, *max_age, *sample, *beat, *since;
};

/* request_clear(): release. Legal on a zeroed struct, which is an empty
 * request: there is no request_init(). */
void request_clear(struct request *r);

/*
 * request_parse(): text of len bytes, borrowed, from a peer.
 * Returns 0 with *ret owned by the caller (request_clear()), or -1: ERR_PEER
 * (what is wrong with it; printable whatever came), ERR_MEM.
 */
int request_parse(const char *text, size_t len, struct request *ret,
	struct err *e);

/*
 * request_emit(): appended to out, in one order. What is emitted parses.
 * Returns 0, or -1: ERR_USAGE (the same checks), ERR_MEM (out's cap, too);
 * nothing was appended.
 */
int request_emit(const struct request *r, struct buf *out, struct err *e);

/* request_op_name(): "run". */
const char *request_op_name(enum request_op op);
/* request_op_find(): 0 when name is no operation. */
enum request_op request_op_find(const char *name);
/* request_compress_name(): "none". */
const char *request_compress_name(enum request_compress c);

#endif
