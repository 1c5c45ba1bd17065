/* SPDX-License-Identifier: ISC */
/* mux_priv: what the pool (mux.c) and its masters (mux_master.c) share. */
#ifndef GIT_MUX_PRIV_H
#define GIT_MUX_PRIV_H

#include <time.h>

#include "mux.h"
#include "proc/child.h"
#include "proc/loop.h"

struct mux;

enum mux_state { MUX_WAITING, MUX_STARTING, MUX_UP, MUX_LEAVING };

struct mux_master {
	struct mux *mux;
	unsigned number;
	char *socket;			/* owned; its path */
	int used;			/* muxuse.h */
	enum mux_state state;
	time_t since;
	uint64_t until;			/* MUX_LEAVING: on the loop's clock */
	struct child *ssh, *check;
	struct loop_timer *start, *look;
	unsigned starts, failed;	/* failed: in a row */
	unsigned misses;
	char why[200];			/* what ssh said last */
	time_t failed_at;		/* when one last ended; 0: never */
	char failure[200];		/* what it said then */
};

struct mux {
	const struct mux_opts *o;
	struct loop *loop;
	int dir, lock;
	struct loop_timer *end;		/* looks whether it is time to */
	struct loop_timer *stale;	/* looks how old the keys are */
	uint64_t until;			/* asked to end: at the latest then;
					 * 0: not asked */
	struct mux_master *v;
	unsigned n;
};

/* mux_master_init(): master i, which starts when the loop runs. 0, or -1:
 * ERR_SYS, ERR_MEM. */
int mux_master_init(struct mux *m, unsigned i, struct err *e);

/* mux_master_leave(): no session begins at it any more; what goes through it
 * goes on. Without any it ends. */
void mux_master_leave(struct mux_master *s);

void mux_master_clear(struct mux_master *s);

#endif
