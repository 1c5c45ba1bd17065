/* SPDX-License-Identifier: ISC */
/*
 * holders: the script holder.sh on one host, once for each FIFO that the
 * chosen groups have there, taken as one thing:
 *
 *	holders_connect → on_checked (every FIFO is as it should be, no
 *	key was made yet) → holders_feed → on_ready (csync2 can read)
 *	→ holders_close → on_closed
 *
 * A refusal or a lost connection ends the host (run_host_end) at any point;
 * on_closed follows when its last session is over, however that came about.
 */
#ifndef POSTERN_HOLDERS_H
#define POSTERN_HOLDERS_H

#include "run.h"

struct holders_ops {
	void (*on_checked)(struct run_host *h);
	void (*on_ready)(struct run_host *h);
	void (*on_closed)(struct run_host *h);
};

/* What csync2 has for files that stayed dirty it says with -vvv only, which
 * prints keys. */
#define HOLDERS_CONFLICT " (changed there as well, or not to be written there)"

struct holders;

/* holders_connect(): what the pool starts for h. limit_ms: the script's own
 * limit, 0: none. Returns owned; NULL when h has ended, which it has when
 * nothing could be started, too. */
struct holders *holders_connect(struct run_host *h, uint64_t limit_ms,
	const struct holders_ops *ops);
void holders_free(struct holders *hs);		/* NULL is legal; kills */

/* holders_feed(): make h's keys, whose turn it is, and feed them. Once. */
void holders_feed(struct holders *hs);
void holders_close(struct holders *hs);
/* holders_ended(): csync2 sessions that were ended at the close. */
unsigned holders_ended(const struct holders *hs);

#endif
