/* SPDX-License-Identifier: ISC */
/*
 * check: `postern git check` and `postern git status`, on either side: which
 * one this is says git.conf. The check tries what a session or a push will
 * need, the other host included: it goes the whole way through the gateway's
 * sshd to gitolite's answer and git's, with a key that it makes; the git
 * server's pushes the keys. Nothing that anybody has is changed by it, but that
 * a rollback on the gateway ends, as with any push.
 */
#ifndef GIT_CHECK_H
#define GIT_CHECK_H

#include <stdbool.h>

#include "base/err.h"
#include "gitconf.h"

struct check_opts {
	bool json;		/* an object a finding */
	bool log;		/* as a part of a set-up: what is wrong goes to
				 * the log, stdout has nothing; and what only
				 * starts is waited for */
	uint64_t timeout_ms;	/* for a login, and a program that is asked;
				 * 0: a while */
};

/* check_run(): a line on stdout for each finding, with its cure where it is
 * wrong. Root's, since it asks sshd. Returns 0: all is well, 1: something is
 * wrong; or -1: ERR_USAGE, ERR_CONFIG (no side is set up), ERR_SYS. */
int check_run(const struct gitconf *c, const struct check_opts *o,
	struct err *e);

/* status_run(): what is in force and how the last push ended, on stdout; each
 * side asks the other, and says whether both have the same. A root becomes the
 * owner of the folders. Returns 0; 1: keys are missing or too old, the last
 * push failed, or the sides differ, whatever else could not be asked; 2: all
 * is well here, but the other side could not be asked, or a mirror that
 * sessions ask would not serve; or -1: ERR_CONFIG as above, and what
 * keyroll_list() gives. */
int status_run(const struct gitconf *c, const struct check_opts *o,
	struct err *e);

#endif
