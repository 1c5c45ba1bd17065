/* SPDX-License-Identifier: ISC */
/*
 * plan: from options and csync2's configuration to what will be done, and
 * nothing else: no connection, no file, no key. A row is one host in one
 * group; a host is one machine, with the rows of all chosen groups that it
 * is in. Hosts of the same groups form a set: the pusher scans once a set.
 */
#ifndef POSTERN_PLAN_H
#define POSTERN_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/strv.h"
#include "csync2/cfg.h"
#include "unlock.h"

struct plan_row {
	const struct cfg_group *group;
	const struct cfg_host *host;
	size_t at;			/* index of its plan_host */
	char *key;			/* the key's path there */
	bool pushes;
	size_t next;			/* of the same host: index + 1, or 0 */
};

struct plan_host {
	const char *name;		/* csync2's own name of it */
	const char *peer;		/* what its peers connect to */
	char *dest;			/* ssh destination, "" for here */
	bool here;			/* this machine: no ssh */
	bool pushes;
	size_t set;			/* for those that don't push */
	size_t first, last;		/* its rows: index + 1, or 0 */
};

struct plan_set {
	const struct cfg_group **groups;
	size_t ngroups;
};

struct plan {
	struct plan_row *rows;
	size_t nrows;
	struct plan_host *hosts;
	size_t nhosts;
	struct plan_set *sets;
	size_t nsets;
	size_t pusher;			/* index in hosts, or PLAN_NOBODY */
	struct strv stops;	/* why a push can't start, a line each */
	struct strv notes;		/* what a person should know */
};

#define PLAN_NOBODY ((size_t)-1)

/*
 * plan_make(): fill *ret (zeroed; plan_clear() in every case). o and c are
 * borrowed for the plan's life. 0, or -1: ERR_USAGE (no such group or host),
 * ERR_CONFIG (a name that is no ssh destination: use --map), ERR_MEM.
 * What would stop a push (the pushing host is in no group or only a slave)
 * is in ret->stops, so that a plan can be shown all the same.
 */
int plan_make(const struct unlock_opts *o, const struct cfg *c,
	struct plan *ret, struct err *e);
void plan_clear(struct plan *p);

/* plan_first(), plan_next(): the rows of one host; NULL at the end. */
const struct plan_row *plan_first(const struct plan *p, size_t host);
const struct plan_row *plan_next(const struct plan *p,
	const struct plan_row *r);
/* plan_rows(): how many there are. */
size_t plan_rows(const struct plan *p, size_t host);

/*
 * plan_spare_keys(): whatever groups are meant, csync2 reads the key of each
 * group in its configuration, and hangs at a FIFO that nobody feeds. Adds to
 * out the keys' paths that no row of the host names. 0, or -1 ERR_MEM.
 */
int plan_spare_keys(const struct unlock_opts *o, const struct cfg *c,
	const struct plan *p, size_t host, struct strv *out, struct err *e);

#endif
