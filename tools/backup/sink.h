/* SPDX-License-Identifier: ISC */
/*
 * sink: the half that writes: what rsync is told on the store for a snapshot,
 * and on a client for a restore, and what it says meanwhile. Pure but for
 * sink_start().
 */
#ifndef BACKUP_SINK_H
#define BACKUP_SINK_H

#include <stdbool.h>
#include <stdint.h>

#include "half.h"
#include "reply.h"
#include "request.h"
#include "rules.h"

struct sink_spec {
	const char *dir;	/* all that it may write to */
	const char *target;	/* below it */
	const struct strv *paths;	/* of the source; NULL: all of it */
	const struct strv *roots;	/* instead: each by itself, and whole
					 * paths are kept; or NULL */
	const struct rules *plain;	/* the source is no daemon of ours: its
					 * paths and rules are sent from here,
					 * and whole paths are kept; or NULL */
	const struct strv *more;	/* options besides, or NULL */
	const char *link_dest;	/* "" or NULL: none */
	bool in_place;		/* btrfs: what is there is changed */
	bool sparse;		/* zeros become holes; an rsync that changes
				 * what is there must be able to
				 * (version_holes()) */
	bool fake_super;	/* owners and the like into user.* */
	bool one_file_system;
	bool progress;		/* somebody looks on: rsync says how far it
				 * is, which costs it a line a file */
	bool listed;		/* the sender has a list of what it sends:
				 * nothing that is not on it is touched */
	bool exact;		/* delete what the source has not */
	bool privileged;	/* owners, devices, file capabilities */
	uid_t uid;		/* that rsync runs as; 0: ours */
	gid_t gid;		/* likewise, with uid */
	enum request_compress compress;
	int64_t bandwidth;	/* bytes a second; 0: no limit */
};

/* sink_start(): returns owned, or NULL: ERR_SYS, ERR_MEM, ERR_CONFIG (plain).
 */
struct half *sink_start(struct loop *l, const struct sink_spec *s,
	const struct half_calls *calls, struct err *e);

/*
 * sink_line(): a line of rsync's stdout. Returns true when it says how far it
 * is (sink_spec.progress): percent, bytes and rate of *r are set; or, of the
 * figures in the end (--stats), files, bytes and added.
 */
bool sink_line(const char *line, struct reply *r);

/* sink_why(): what rsync's exit status means, for a person; NULL: it
 * is good (0), or good but for files that vanished meanwhile (24). */
const char *sink_why(int rc);

#endif
