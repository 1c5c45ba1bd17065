/* SPDX-License-Identifier: ISC */
/*
 * lack: what a restore could not bring back, out of what rsync says when it
 * compares what was restored with the snapshot (a dry run). Pure. Of each
 * thing rsync prints a line of LACK_FORMAT; a device that it may not make is
 * in a line of its own.
 */
#ifndef POSTERN_LACK_H
#define POSTERN_LACK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/strv.h"

#define LACK_FORMAT "=%i|%B|%U|%G|%n"
/* Some group that we are no member of: rsync doesn't say which. */
#define LACK_NOT_OURS UINT32_MAX
#define LACK_NAMES_MAX 65536	/* of each kind; more are counted only */

enum lack_kind {
	LACK_DEVICE,		/* not made */
	LACK_SETID,		/* without set-user-ID or set-group-ID */
	LACK_CAPABILITY,	/* without its file capability */
	LACK_OWNER,		/* belongs to whoever restores it */
	LACK_MISSING,		/* not there, or not as it was stored */
	LACK_KINDS,
};

/* A line of LACK_FORMAT. */
struct lack_item {
	char flags[12];		/* %i, see rsync(1); 11 of them */
	char mode[10];		/* rwsr-xr-x */
	uint32_t uid, gid;	/* gid may be LACK_NOT_OURS */
	char name[4096 + 1];	/* bytes as they are, without a '/' at the
				 * end */
};

/* Whether what was restored as name (lack_item) belongs to uid and gid. */
typedef bool lack_owner_fn(void *arg, const char *name, uint32_t uid,
	uint32_t gid);

struct lack {
	struct strv names[LACK_KINDS];
	uint64_t n[LACK_KINDS];
};

/* lack_clear(): legal on a zeroed struct, which is an empty one. */
void lack_clear(struct lack *l);

/* lack_parse(): a line of rsync's stdout. true: it is an item. */
bool lack_parse(const char *line, struct lack_item *ret);

/* lack_new(): whether it would be sent, made or linked: it is not there, or
 * not as it was stored. */
bool lack_new(const struct lack_item *it);

/*
 * lack_line(): add what a line tells. base: what stands before its names:
 * "" or a folder's path. 0 (also when it tells nothing), or -1 ERR_MEM.
 */
int lack_line(struct lack *l, const char *line, const char *base,
	lack_owner_fn *owner, void *arg, struct err *e);

/* lack_word(): "device"; lack_what(): what it means, behind a count. */
const char *lack_word(enum lack_kind kind);
const char *lack_what(enum lack_kind kind);

#endif
