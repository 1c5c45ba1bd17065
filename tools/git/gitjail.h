/* SPDX-License-Identifier: ISC */
/*
 * gitjail: what our forced commands give up: by no_new_privs, Landlock and a
 * filter of system calls (sandbox.h). It holds for all that they start, too.
 *
 *	GITJAIL_SESSION  the gateway's, for a person, before it reads what the
 *	                 client sent, or sshd says of it: reads what programs
 *	                 and ssh need; writes run-dir; unix sockets, and those
 *	                 of IPv4 and IPv6.
 *	GITJAIL_UPDATE   the gateway's, for a push of keys, before it reads the
 *	                 push: writes the keys and run-dir; unix sockets;
 *	                 signals, which end sessions.
 *	GITJAIL_SERVE    the git server's, once gitolite-shell runs: that may
 *	                 not be confined, since its hooks are the
 *	                 administrator's own, and a mail or a sudo in one
 *	                 needs what no_new_privs takes. So the gateway's line
 *	                 is read before, and a check's question is answered
 *	                 (serve_probe.h) without it.
 *
 * Each of them makes and writes files in the audit file's folder, since a log
 * that is rotated is made anew, and removes none.
 *
 * What is left: a unix socket that has a path can be connected to by whoever
 * has the rights to it, since Landlock has none about that: the masters of the
 * pool, from GITJAIL_UPDATE as well. Of the network TCP ports of their own
 * choice are not listened at, and all else is as it is without.
 *
 * A kernel without one of these confines with the others: gitjail_lacks()
 * says so.
 */
#ifndef GIT_GITJAIL_H
#define GIT_GITJAIL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "gitconf.h"

enum gitjail { GITJAIL_SESSION, GITJAIL_UPDATE, GITJAIL_SERVE };

struct sandbox;

/*
 * gitjail_open(): the rules, for gitjail_apply(); *ret owned (sandbox_free()),
 * NULL where there is no Landlock. What is missing, or where we may not look,
 * is not allowed, and is no error. 0, or -1: ERR_SYS, ERR_MEM.
 * gitjail_apply(): for good. 0, or -1: ERR_SYS, after which nothing should be
 * done. s borrowed.
 * gitjail_enter(): both.
 */
int gitjail_open(enum gitjail kind, const struct gitconf *c,
	struct sandbox **ret, struct err *e);
int gitjail_apply(enum gitjail kind, struct sandbox *s, struct err *e);
int gitjail_enter(enum gitjail kind, const struct gitconf *c, struct err *e);

/* gitjail_lacks(): what this kernel does not enforce, for a person, into out
 * (cap bytes, always terminated; 512 are enough); false: nothing lacks. */
bool gitjail_lacks(char *out, size_t cap);

#endif
