/* SPDX-License-Identifier: ISC */
/*
 * keyend: ends the sessions whose key is not in force any more (revoke = end).
 */
#ifndef GIT_KEYEND_H
#define GIT_KEYEND_H

#include "authindex.h"
#include "keylist.h"
#include "sessions.h"

/*
 * keyend_keeps(): whether s may go on: its key is in x for the same id, or is
 * one of base's. A session without a fingerprint goes on as long as its id
 * has any key in x. Pure.
 */
bool keyend_keeps(const struct authindex *x, const struct keylist *base,
	const struct session *s);

/* keyend_run(): SIGTERM to all others below dir, each to syslog. base may be
 * NULL. 0 with *ret_n, or -1 as sessions_sweep(). */
int keyend_run(const char *dir, const struct authindex *x,
	const struct keylist *base, size_t *ret_n, struct err *e);

#endif
