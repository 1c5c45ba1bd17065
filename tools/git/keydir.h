/* SPDX-License-Identifier: ISC */
/*
 * keydir: gitolite's folder of public keys, read as gitolite reads it: each
 * regular file *.pub at any depth, in the order of its path's bytes, with one
 * key for the user that its name gives (gitid.h). What gitolite passes over or
 * what is no key is told to the caller, with the file's name, and left out, so
 * that one bad file holds nothing up.
 *
 * gitolite's own checkout may be under way meanwhile: a file that vanishes
 * before it is read is left out without a word; the trigger that follows the
 * checkout reads all anew.
 * Source: ssh-authkeys of gitolite 3.6.12 (find keydir/ -type f, sort).
 */
#ifndef GIT_KEYDIR_H
#define GIT_KEYDIR_H

#include "base/err.h"
#include "base/strv.h"
#include "keylist.h"

/* file: its path from the folder on ("keydir/a.pub"), escaped. why's code
 * is ERR_REFUSED for a key that is left out on purpose, by denied; it is no
 * mistake of the file's. */
typedef void keydir_bad_fn(void *arg, const char *file, const struct err *why);

/*
 * keydir_read(): adds the keys below path to ret, duplicates included
 * (keyrules_unique()). Each key's where is "keydir/a/b.pub", escaped.
 * path    the folder itself, whatever its name; not a symbolic link to one.
 * denied  patterns of gitid_denied(), besides those that it has itself; NULL:
 *         none.
 * on_bad  may be NULL.
 * Returns 0, or -1: ERR_SYS (the folder, or one below it, can't be read),
 * ERR_REFUSED (more than KEYLIST_MAX files or keys), ERR_MEM.
 */
int keydir_read(const char *path, const struct strv *denied,
	struct keylist *ret, keydir_bad_fn *on_bad, void *arg,
	struct err *e);

#endif
