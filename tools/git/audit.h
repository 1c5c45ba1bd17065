/* SPDX-License-Identifier: ISC */
/*
 * audit: `postern git audit`: who did what, by the lines of gitaudit.h: out of
 * audit-file and what was rotated to FILE.1 before it; where there is no such
 * file, out of the journal.
 */
#ifndef GIT_AUDIT_H
#define GIT_AUDIT_H

#include <stdbool.h>

#include "base/err.h"
#include "gitconf.h"

struct audit_opts {
	const char *since;	/* a duration, or auditline_time()'s; NULL */
	const char *id, *repo, *verb;	/* NULL: any */
	bool failed, json;
};

/*
 * audit_run(): a line on stdout for each session that ended or was refused,
 * and in the end for those of which no end is known. Both sections' files
 * when git.conf has both. What is no line of an audit is counted and told on
 * stderr.
 * Returns 0; 2: some lines were none; or -1: ERR_USAGE (since), ERR_CONFIG
 * (nothing is written down here, or only where we can't read: the message says
 * how to ask), ERR_SYS, ERR_UNSAFE (the file is no regular one), ERR_PEER
 * (journalctl failed), ERR_MEM.
 */
int audit_run(const struct gitconf *c, const struct audit_opts *o,
	struct err *e);

#endif
