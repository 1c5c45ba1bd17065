/* SPDX-License-Identifier: ISC */
/*
 * oddname: a file's name as rsync prints it: bytes that can't be printed as
 * \#ooo, three octal digits, and so the backslash of what could be read as
 * that. Pure.
 */
#ifndef POSTERN_BACKUP_ODDNAME_H
#define POSTERN_BACKUP_ODDNAME_H

#include <stddef.h>

/* oddname_read(): len bytes of in as the name is, into out (cap bytes, NUL-
 * terminated, cut to that). Returns its length. */
size_t oddname_read(char *out, size_t cap, const char *in, size_t len);

#endif
