/* SPDX-License-Identifier: ISC */
/*
 * history: a client's snapshots with what is recorded of each: what `list`,
 * `show`, `prune` and `status` are made from. Reading takes no lock and
 * disturbs no writer: a snapshot that goes meanwhile is left out, one that is
 * being made isn't there yet.
 */
#ifndef BACKUP_HISTORY_H
#define BACKUP_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "settings.h"
#include "store.h"
#include "store_list.h"
#include "store_rec.h"

struct history_snap {
	char name[STORE_SNAP_MAX];
	int64_t time_s;		/* as the name has it */
	bool recorded;		/* else what follows is 0 */
	bool partial;		/* files vanished while it was made */
	enum store_backend backend;
	uint64_t files, bytes, added, seconds;	/* as store_rec.h */
	char job[STORE_REC_WORD];	/* likewise */
	bool pinned, held;
	unsigned why;		/* RETAIN_*, by history_mark() */
};

struct history {
	struct history_snap *v;	/* owned; newest first */
	size_t n;
	size_t stray_n;		/* names in the folder that are none */
};

/* history_read(): 0 with *ret filled (history_clear()), or -1: ERR_SYS,
 * ERR_MEM. A record that can't be read is as if there were none. */
int history_read(const struct store_client *c, struct history *ret,
	struct err *e);
void history_clear(struct history *h);

/*
 * history_mark(): .why of each by the rules of p (retain.h), which go for each
 * job by itself. next: as if another snapshot, of the newest one's job, were
 * made at now_s, so what a prune after the next backup would find. Pure. 0, or
 * -1 ERR_MEM.
 */
int history_mark(struct history *h, const struct settings_policy *p,
	int64_t now_s, bool next, struct err *e);

/* history_retire(): .why of each when a job is given up: of its own none but
 * those that are pinned or held stay. How many it has. Pure. */
size_t history_retire(struct history *h, const char *job);

/* history_used(): what they take (store_space_used()). 0 with *ret set, or -1
 * ERR_MEM. */
int history_used(const struct history *h, uint64_t *ret, struct err *e);

/* history_flags(): "pinned, held, partial, no record", "" for none of them,
 * appended. 0, or -1: out's cap is reached. */
int history_flags(const struct history_snap *s, struct buf *out);

#endif
