/* SPDX-License-Identifier: ISC */
/*
 * seen: what a run saw of the roots, in one file of the machine that is
 * backed up, so that the next run need only tell what is different now. A
 * cache: without it, or when it does not fit, a run looks at everything.
 *
 *	struct seen_head, then of each folder, in treewalk.h's order:
 *	'D' PATH NUL		"/", "/a/b/"; "" for the first, whose names
 *				are whole paths: the roots and what is above
 *	'U' PATH NUL		the same, and other names may have been in it
 *				when it was read
 *	'E' struct seen_entry NAME NUL	each name of it, by their bytes
 *	and in the end
 *	'Z' sum			BLAKE2b of all behind the head
 *
 * In the byte order of the machine, which alone reads it.
 */
#ifndef BACKUP_SEEN_H
#define BACKUP_SEEN_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/err.h"
#include "snapname.h"
#include "steady.h"

#define SEEN_MAGIC	"postern backup seen 2\n"
#define SEEN_SUM	32

struct seen_head {
	char magic[24];
	unsigned char job[SEEN_SUM];	/* of what the run was to do */
	uint64_t files, bytes;		/* that it saw */
	uint64_t partial;		/* 1: not all with SEEN_SENT came */
	int64_t begun_ns;		/* when its look, or what a late look
					 * is about, began; unix time */
	int64_t offset_ns;		/* of the clocks then, in that boot: */
	char boot[STEADY_BOOT];		/* steady_since() */
	char snapshot[SNAPNAME_MAX + 1];	/* that it made */
};

enum {
	SEEN_DOUBT = 1,		/* it may have changed since unnoticed */
	SEEN_SENT = 2,		/* it was to be sent by that run */
};

/* What changes when a file does: its ctime, above all, which nobody can set.
 */
struct seen_entry {
	uint64_t ino, size;
	int64_t mtime_ns, ctime_ns;
	uint32_t mode, flags;
};

/* seen_of(): flags are 0; a folder's size says nothing, and is 0; a time that
 * is out of reach (before 1678, after 2261) is the last that is not. */
struct seen_entry seen_of(const struct stat *st);
/* seen_same(): whether now is certainly as it was then; resend: what was sent
 * then may not be what it is. */
bool seen_same(const struct seen_entry *then, const struct seen_entry *now,
	bool resend);
/* seen_order(): how two folders' paths stand to each other in a walk: < 0 when
 * a comes first. */
int seen_order(const char *a, const char *b);

/* --- writing: seen_out_init → folder, entry … → seen_out_end --- */

struct seen_out {
	FILE *f;		/* borrowed */
	void *sum;		/* owned */
};

/* All: 0, or -1 ERR_SYS, ERR_MEM. The head is written by seen_put_head(). */
int seen_out_init(struct seen_out *o, FILE *f, struct err *e);
int seen_out_folder(struct seen_out *o, const char *path, bool unsure,
	struct err *e);
int seen_out_entry(struct seen_out *o, const char *name,
	const struct seen_entry *s, struct err *e);
int seen_out_end(struct seen_out *o, struct err *e);
void seen_out_clear(struct seen_out *o);	/* legal on a zeroed one */

/* --- reading: seen_in_init → seen_in_next until 'Z' --- */

struct seen_in {
	FILE *f;		/* borrowed */
	void *sum;		/* owned */
	struct seen_head head;
	struct buf name;	/* of the folder or entry that came */
	struct seen_entry entry;
	char kind;		/* 'D', 'E', 'Z' */
	bool unsure;		/* of a 'D': it was a 'U' */
};

/* seen_in_init(): reads the head. 0, or -1: ERR_CONFIG (no such file), ERR_SYS,
 * ERR_MEM. */
int seen_in_init(struct seen_in *in, FILE *f, struct err *e);
/* seen_in_next(): the next of it, into kind, name and entry. 0, or -1:
 * ERR_CONFIG (cut, damaged), ERR_SYS, ERR_MEM. After 'Z' none comes. */
int seen_in_next(struct seen_in *in, struct err *e);
void seen_in_clear(struct seen_in *in);		/* legal on a zeroed one */

/* seen_head_ok(): whether it is one of ours, and its snapshot a name. */
bool seen_head_ok(const struct seen_head *h);

#endif
