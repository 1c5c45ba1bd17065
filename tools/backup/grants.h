/* SPDX-License-Identifier: ISC */
/*
 * grants: the file that tells postern-backup-send what rsync may read. One
 * grant a line: a letter, a space, an absolute path.
 *
 *	r PATH	read files and list folders: PATH and all below it
 *	x PATH	but not PATH and what is below it
 *	d PATH	the same when it is a folder
 *	l PATH	list folders: PATH and all below it (a folder above a root:
 *		names become visible, contents do not); x and d don't count
 *
 * x and d are resolved by who has the right to look (expand.h): the program
 * that carries cap_dac_read_search, not its caller.
 *
 * In a path, bytes below 0x21, 0x7f and the backslash are written \ooo, three
 * octal digits; a path may hold any byte but NUL, no empty part, no "." and
 * no "..". The last line ends with a newline as well. Pure.
 */
#ifndef POSTERN_BACKUP_GRANTS_H
#define POSTERN_BACKUP_GRANTS_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

#define GRANTS_MAX ((size_t)16 << 20)	/* bytes of the whole file */

/* path: borrowed for the call, NUL-terminated. 0, or -1 with *e filled: no
 * more grants are handed over. */
typedef int grants_fn(void *arg, char letter, const char *path,
	struct err *e);

/* grants_parse(): text has len bytes; each grant goes to fn in order. 0, or
 * -1: ERR_CONFIG with the line, ERR_MEM, or what fn gave. */
int grants_parse(const char *text, size_t len, grants_fn *fn, void *arg,
	struct err *e);

/* grants_add(): one line to out. 0, or -1: ERR_MEM, ERR_CONFIG (not a letter
 * or path that grants_parse() takes). */
int grants_add(struct buf *out, char letter, const char *path,
	struct err *e);

#endif
