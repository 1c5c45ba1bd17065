/* SPDX-License-Identifier: ISC */
/*
 * rsyncdconf: the configuration of the sending daemon on stdio, with one
 * module "root". Pure. Read-only, no symlink is rewritten, ids stay numbers,
 * nothing is looked up or logged, and of all options only those that our
 * receivers send are let through (refuse options, rsyncd.conf(5)): for the
 * others rsync ends before it opens anything. -n, -s and --server can't be
 * refused so, and do no harm.
 */
#ifndef POSTERN_RSYNCDCONF_H
#define POSTERN_RSYNCDCONF_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

struct rsyncdconf {
	const char *path;	/* borrowed; "/", or a snapshot to restore */
	const char *rules;	/* borrowed; file of rules_text(), or NULL */
	bool ids;		/* rsync starts as uid 0 and is to stay so */
	bool fake_super;	/* path was stored with --fake-super */
	bool relative;		/* it is asked for each root (rootargs.h) */
	bool listed;		/* it is told what to send by a file of ours
				 * (handshake.h) */
};

/*
 * rsyncdconf_emit(): the file, appended.
 * Returns 0, or -1: ERR_CONFIG (a path that is not plain, or that the file
 * can't hold: control bytes, a space or '\' at its end, two '%'), ERR_MEM.
 */
int rsyncdconf_emit(const struct rsyncdconf *c, struct buf *out,
	struct err *e);

#endif
