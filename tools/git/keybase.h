/* SPDX-License-Identifier: ISC */
/*
 * keybase: the keys of root's own authorized_keys on the gateway, the git
 * server's push key among them. No id may have one of them, and no revocation
 * by the git server ends their sessions.
 */
#ifndef GIT_KEYBASE_H
#define GIT_KEYBASE_H

#include "keylist.h"

/* keybase_read(): the keys of the file at path into ret (empty). NULL, or a
 * missing file: none. 0, or -1 as file_read() and authgen_base(). */
int keybase_read(const char *path, struct keylist *ret, struct err *e);

#endif
