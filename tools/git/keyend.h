/* SPDX-License-Identifier: ISC */
/*
 * keyend: ends the sessions whose key is not in force any more (revoke = end).
 */
#ifndef GIT_KEYEND_H
#define GIT_KEYEND_H

#include "authindex.h"
#include "keylist.h"

/* keyend_run(): SIGTERM to each session below dir (sessions.h) that does not
 * hold its key (keyask_holds()); each to syslog. base may be NULL. x NULL: all
 * go on, and only what dead ones left there is removed. 0 with *ret_n, or -1 as
 * sessions_sweep(). */
int keyend_run(const char *dir, const struct authindex *x,
	const struct keylist *base, size_t *ret_n, struct err *e);

#endif
