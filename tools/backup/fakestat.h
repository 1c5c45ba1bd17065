/* SPDX-License-Identifier: ISC */
/*
 * fakestat: the text that rsync --fake-super keeps in the extended attribute
 * user.rsync.%stat of a file that it could not give its true owner, mode or
 * kind: "MODE MAJOR,MINOR UID:GID", MODE in octal with the kind's bits.
 * Devices, sockets, FIFOs and symbolic links are regular files with it; a
 * link's target is the file's content. Pure.
 * Source: rsync's xattrs.c, set_stat_xattr().
 */
#ifndef POSTERN_FAKESTAT_H
#define POSTERN_FAKESTAT_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define FAKESTAT_ATTR	"user.rsync.%stat"
#define FAKESTAT_MAX	64	/* bytes of text, with a NUL */

struct fakestat {
	uint32_t mode;		/* as in stat(2), with S_IFMT */
	uint32_t major, minor;	/* 0 unless it is a device */
	uint32_t uid, gid;
};

/*
 * fakestat_parse(): len bytes of text (borrowed; no NUL needed). Strict: what
 * rsync writes and nothing else. 0, or -1 ERR_CONFIG; *ret is untouched then.
 */
int fakestat_parse(const char *text, size_t len, struct fakestat *ret,
	struct err *e);

/* fakestat_emit(): the text, with its NUL, into out. Returns its length. */
size_t fakestat_emit(const struct fakestat *f, char out[FAKESTAT_MAX]);

#endif
