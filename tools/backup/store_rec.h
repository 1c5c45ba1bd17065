/* SPDX-License-Identifier: ISC */
/*
 * store_rec: what is recorded of a snapshot, in STORE/.postern/NAME/snap/
 * SNAPSHOT: how it was made and how much it holds. Text in the form of
 * proc/msgtext.h; root and exclude may come more than once, in order. Keys
 * that a later version may add are passed over.
 *
 *	version 1
 *	state complete | partial	(files vanished or changed: rc 24)
 *	vanished 3	changed 1	(so many; not there: none)
 *	mode channel | direct | pull	any word
 *	backend hardlink | btrfs
 *	rsync 3.2.7
 *	root /etc
 *	exclude *.o
 *	one-file-system yes | no
 *	real-metadata yes | no		(no: --fake-super's attributes)
 *	files 1234	bytes 5678	added 99	seconds 12
 *	inodes 77			(not there: nobody counted)
 *	receiver 998			(a uid; not there: the store's owner)
 */
#ifndef POSTERN_STORE_REC_H
#define POSTERN_STORE_REC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"
#include "store.h"

#define STORE_REC_WORD	64		/* bytes of a word, with the NUL */
#define STORE_REC_MAX	(4u << 20)	/* bytes of a record */

struct store_rec {
	struct strv roots, excludes;
	char rsync[STORE_REC_WORD];	/* rsync's version, here and there */
	char mode[STORE_REC_WORD];
	char job[STORE_REC_WORD];	/* the client's name for it; "": none */
	enum store_backend backend;
	bool partial;		/* something vanished or changed meanwhile */
	uint64_t vanished;	/* files: gone, or left to the next run */
	uint64_t changed;	/* files, while they were read */
	bool one_fs;
	bool real;		/* owners and the like are the files' own */
	uint64_t files;		/* in the whole snapshot */
	uint64_t bytes;		/* of all files in it */
	uint64_t added;		/* bytes that it took on the disk */
	uint64_t inodes;	/* that it took, about */
	uint64_t seconds;	/* that its making took */
	uint64_t receiver;	/* the uid whose files these are; 0: the store's
				 * owner */
};

/* store_rec_clear(): release. Legal on a zeroed struct, an empty record. */
void store_rec_clear(struct store_rec *r);

/* store_rec_emit(): append the text of r to out. 0, or -1 ERR_MEM, ERR_CONFIG
 * (a word that is none). */
int store_rec_emit(const struct store_rec *r, struct buf *out,
	struct err *e);

/*
 * store_rec_parse(): text of len bytes; name for messages. Pure. 0 with *ret
 * filled (store_rec_clear()), or -1: ERR_CONFIG, ERR_MEM.
 */
int store_rec_parse(const char *text, size_t len, const char *name,
	struct store_rec *ret, struct err *e);

/*
 * store_rec_get(), store_rec_put(): the record of a client's snapshot. 0, or
 * -1: ERR_SYS (ENOENT: none), ERR_UNSAFE, or what parse and emit return.
 */
int store_rec_get(const struct store_client *c, const char *snapshot,
	struct store_rec *ret, struct err *e);
int store_rec_put(const struct store_client *c, const char *snapshot,
	const struct store_rec *r, struct err *e);

#endif
