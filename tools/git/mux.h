/* SPDX-License-Identifier: ISC */
/*
 * mux: the pool of ssh masters from the gateway to the git server, so that a
 * session needs no handshake of its own. Each is `ssh -N -M`, watched here:
 * started again when it ends (with pauses that grow), ended when it does not
 * answer. A session that finds none goes by itself, so the pool may fail and
 * nothing is lost but time.
 *
 * A folder of run-dir, mux/: lock (held by the one pool), K (the socket of
 * master K), K.used (muxuse.h), status:
 *
 *	K STATE SINCE STARTS FAILED [WHY]
 *
 * a line for each. STATE: up, starting, waiting, leaving (for its sessions);
 * SINCE: seconds since 1970, and so FAILED: when it last ended by itself, and
 * what ssh said then; 0: never. muxstat.h reads it.
 */
#ifndef GIT_MUX_H
#define GIT_MUX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "gitconf.h"

struct mux_opts {
	const struct gitconf_gateway *conf;	/* borrowed */
	bool demand;		/* ends when it was not wanted for mux-idle
				 * and no session is left */
};

/* mux_run(): until SIGTERM, SIGINT, or it is not wanted any more. After the
 * signal no session begins at it, and those that there are have half a minute;
 * a second signal ends it at once. 0, or -1:
 * ERR_BUSY (there is a pool), ERR_CONFIG, ERR_SYS, ERR_UNSAFE, ERR_MEM. */
int mux_run(const struct mux_opts *o, struct err *e);

/* mux_pause_ms(): pure: the pause before start n + 1 of a master, of which n
 * came to nothing: half a second, doubled each time, at most 30. */
uint64_t mux_pause_ms(unsigned n);

#endif
