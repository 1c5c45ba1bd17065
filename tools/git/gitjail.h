/* SPDX-License-Identifier: ISC */
/*
 * gitjail: what our forced commands give up before they read what a peer sent:
 * by no_new_privs, Landlock and a filter of system calls (sandbox.h). It holds
 * for all that they start, too.
 *
 *	GITJAIL_SESSION  the gateway's, for a person: reads what programs and
 *	                 ssh need; writes run-dir and the audit file; unix
 *	                 sockets and TCP.
 *	GITJAIL_UPDATE   the gateway's, for a push of keys: writes the keys, run-
 *	                 dir and the audit file; unix sockets; signals, which end
 *	                 sessions. No network.
 *	GITJAIL_SERVE    the git server's, once gitolite-shell runs, which is
 *	                 not confined: its hooks are the administrator's own, and
 *	                 a mail or a sudo in one needs what no_new_privs takes.
 *	                 Writes the audit file.
 *
 * A kernel without one of these confines with the others: gitjail_describe()
 * says so.
 */
#ifndef GIT_GITJAIL_H
#define GIT_GITJAIL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "gitconf.h"

enum gitjail { GITJAIL_SESSION, GITJAIL_UPDATE, GITJAIL_SERVE };

/* gitjail_enter(): for good. 0, or -1: ERR_SYS, ERR_MEM, after which nothing
 * should be done. */
int gitjail_enter(enum gitjail kind, const struct gitconf *c, struct err *e);

/* gitjail_lacks(): what this kernel does not enforce, for a person, into out
 * (cap bytes, always terminated; 512 are enough); false: nothing lacks. */
bool gitjail_lacks(char *out, size_t cap);

#endif
