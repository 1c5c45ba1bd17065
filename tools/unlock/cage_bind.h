/* SPDX-License-Identifier: ISC */
/*
 * cage_bind: what of the host the caged daemon gets to see, computed from
 * csync2's configuration: which paths it reads, which it writes, which are
 * hidden from it, and which groups no cage can hold. cage.h writes that down
 * as a drop-in. Pure; paths are compared as text. What only the host knows
 * (symlinks, whose folders they are) remote/cage.sh looks at, by the needs.
 */
#ifndef POSTERN_CAGE_BIND_H
#define POSTERN_CAGE_BIND_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/strv.h"
#include "csync2/cfg.h"

struct cage_input {
	const struct cfg *const *cfgs;	/* borrowed; what the daemon is to
					 * serve: csync2.cfg, csync2_NAME.cfg */
	size_t ncfgs;
	const char *sysdir;		/* NULL: /etc */
	const char *self;		/* the host's own csync2 name */
	/*
	 * Borrowed, may be NULL. fifos: keys that are FIFOs; a group that uses
	 * one is an error. roots: what privileged groups carry on this host.
	 * Both are hidden where a bound folder holds them; where a writable one
	 * holds them deeper than directly below, and where a group lies in one
	 * of roots, that is an error.
	 */
	const struct strv *fifos, *roots;
};

struct cage_bind {
	struct strv from;	/* the configuration's files, all in ro */
	struct strv ro;		/* files: configuration, keys */
	struct strv maybe;	/* files that need not be there: certificates */
	struct strv rw;		/* folders, none in another */
	struct strv hide;	/* what is to be hidden in those */
	struct strv needs;	/* as cage_emit() says */
};

/*
 * cage_bind_make(): fills *ret (zeroed by the caller; cage_bind_clear()
 * afterwards, also on failure), appends notes for a person (may be NULL).
 * 0, or -1: ERR_CONFIG "FILE:LINE: …" as cage_emit() says, ERR_MEM.
 */
int cage_bind_make(const struct cage_input *in, struct cage_bind *ret,
	struct strv *notes, struct err *e);
void cage_bind_clear(struct cage_bind *b);

#endif
