/* SPDX-License-Identifier: ISC */
/*
 * source: the half that reads, ready to go: the files that
 * postern-backup-send wants (rsyncd.conf, rules, grants) in a private folder
 * of ours, and the program started on them.
 *
 * The folder is one of scratch.h. It holds no secret.
 */
#ifndef BACKUP_SOURCE_H
#define BACKUP_SOURCE_H

#include <stdint.h>

#include "half.h"
#include "rules.h"

struct source_spec {
	const char *path;	/* of the module: "/", or a snapshot */
	struct rules rules;	/* what is read of "/"; no roots: all of path */
	bool fake_super;	/* path was stored so */
	bool apart;		/* each root by itself: rootargs.h */
	int64_t nice;
	int64_t ionice;		/* SETTINGS_IONICE(), 0: as it is */
	int64_t bandwidth;	/* bytes a second; 0: no limit */
	const char *list;	/* absolute: a file of what is sent, and nothing
				 * else; NUL behind each path (below "/", and
				 * without that '/'). NULL: all */
	const char *own;	/* absolute: a folder that is left out, or
				 * NULL */
};

/*
 * source_start(): returns the half, owned, with *ret_dir the folder's path,
 * owned, to be given to scratch_remove() once the half is over; or NULL:
 * ERR_CONFIG (rules), ERR_SYS, ERR_MEM, and then no folder is left.
 */
struct half *source_start(struct loop *l, const struct source_spec *s,
	const struct half_calls *calls, char **ret_dir, struct err *e);
/*
 * source_files(): the files alone, for postern-backup-gate, which a one-time
 * sshd starts: the grants, and the roots, a line each. *ret_dir as above.
 * 0, or -1 as source_start().
 */
#define SOURCE_MEET "/meet"	/* below the folder: see ssh/oneshot.h */
#define SOURCE_ROOTS "/roots"
#define SOURCE_GRANTS "/grants"
#define SOURCE_UNREAD "/unread"	/* whoever asks about it: reader.h */
#define SOURCE_LEFT "/left"	/* what the gate heard of its rsync: unread.h */
int source_files(const struct source_spec *s, char **ret_dir, struct err *e);
/* source_ionice(): ionice(1)'s words for s->ionice into out; NULL: none. */
const char *source_ionice(int64_t ionice, char out[32]);

#endif
