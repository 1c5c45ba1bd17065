/* SPDX-License-Identifier: ISC */
/*
 * authindex: a file of authgen's lines, sorted by fingerprint, for an
 * AuthorizedKeysCommand that is asked at each login: mapped into memory and
 * searched by halves, it reads a few pages of any number of keys. Pure: the
 * caller maps it. Numbers are little-endian.
 *
 *	0	8	magic "PSTNGITK"
 *	8	4	version, 1
 *	12	4	count of entries
 *	16	8	length of the whole file
 *	24	8	sequence of the push it was made of
 *	32	32	SHA-256 of all but these 32 bytes
 *	64	40 each	entry: fingerprint (32), offset of its line from the
 *			begin of the text (4), length of the line (4)
 *	...		text: the lines in the order of the entries, each with
 *			a line feed, which its length does not count
 *
 * Whoever wrote the file, no byte beyond its length is read, and no line is
 * found but one whose key has the fingerprint that was asked for. The hash is
 * for authindex_verify() (once, when the file is written, and in a check): a
 * login does not read all of it.
 */
#ifndef GIT_AUTHINDEX_H
#define GIT_AUTHINDEX_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "keylist.h"

struct authindex {
	const unsigned char *p;		/* borrowed: the whole file */
	size_t len;
	uint32_t count;
	uint64_t sequence;
	const unsigned char *entries;	/* in it */
	const char *text;
	size_t text_len;
};

/* authindex_emit(): the file for keys, into out (empty, and again so on
 * failure). 0, or -1: as authgen_line(); ERR_CONFIG: a key comes twice. */
int authindex_emit(const char *proxy, uint64_t sequence,
	const struct keylist *keys, struct buf *out, struct err *e);

/* authindex_parse(): len bytes at map: the header, and whether all fits. 0, or
 * -1 ERR_CONFIG with what is wrong. */
int authindex_parse(const void *map, size_t len, struct authindex *ret,
	struct err *e);

/* authindex_verify(): the rest: the hash, the order, each line and its key.
 * 0, or -1 ERR_CONFIG. */
int authindex_verify(const struct authindex *x, struct err *e);

/* authindex_find(): the line (without its line feed; not terminated) of the
 * key with that fingerprint; *ret NULL: there is none. 0, or -1 ERR_CONFIG:
 * the entry or its line is damaged. */
int authindex_find(const struct authindex *x,
	const unsigned char fp[KEYLINE_FP], const char **ret, size_t *ret_len,
	struct err *e);

#endif
