/* SPDX-License-Identifier: ISC */
/* clientdir: what the store has of one client: folders, client.conf. */
#ifndef BACKUP_CLIENTDIR_H
#define BACKUP_CLIENTDIR_H

#include "backup.h"
#include "base/err.h"

/* clientdir_check(): the store must be there, this user's, and nobody else's
 * to write. 0, or -1: ERR_SYS, ERR_CONFIG (no folder), ERR_UNSAFE. */
int clientdir_check(const char *store, struct err *e);

/* clientdir_make(): STORE/sub/name, 0700, either part may be "". What is
 * there must be just that. 0, or -1: ERR_SYS, ERR_UNSAFE, ERR_MEM. */
int clientdir_make(const char *store, const char *sub, const char *name,
	struct err *e);

/* clientdir_inherit(): what o says of rights (allow.h) and quota (bytes, 0:
 * none); what it doesn't say holds on, or is the default. As
 * settings_accepted(). */
int clientdir_inherit(const struct backup_opts *o, unsigned *ret_allow,
	int64_t *ret_quota, struct err *e);
/* clientdir_conf(): STORE/.postern/NAME/client.conf of o's client, for
 * settings_accepted(). quota: bytes, 0: none. As file_write(). */
int clientdir_conf(const struct backup_opts *o, unsigned allow, int64_t quota,
	struct err *e);

#endif
