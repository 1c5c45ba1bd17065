/* SPDX-License-Identifier: ISC */
/*
 * audit: the snapshots of a client of the store against its catalogue, for
 * whoever asks: the owner, or that client. Blocking: in a worker; its
 * callbacks come in that thread.
 *
 * The client's lock is not taken: a verify may read for hours, and a backup
 * need not wait for it. What it needs instead: the snapshot that is read is
 * held (store_hold.h), the manifests that are missing are made under the
 * catalogue's own lock (index.h), and its dates are written in the blink of an
 * eye (verify.h). One of a client at a time, by verify.lock.
 *
 * What came of it is noted in the client's runs (store_runs.h), op verify:
 * ok; warn: something was found, or is known to be wrong from before; failed.
 */
#ifndef BACKUP_AUDIT_H
#define BACKUP_AUDIT_H

#include <stdatomic.h>

#include "base/strv.h"
#include "hits.h"
#include "reply.h"
#include "store.h"

struct audit_opts {
	const struct strv *snapshots;	/* these; NULL or none: all */
	int64_t max_age_s;	/* only what was not verified for so long; 0 */
	unsigned sample;	/* per cent of that; 0: all */
	const atomic_bool *stop;	/* once true, it ends soon */
	/* found: something is wrong. 0, or -1 with *e filled: it ends. */
	int (*found)(void *arg, const struct hits_found *f, struct err *e);
	/* progress: phase (verify, manifest), snapshot, files, bytes, total,
	 * read, found; of the snapshot at hand. */
	void (*progress)(void *arg, const struct reply *now);
	void *arg;
};

/*
 * audit_client(): 0 with *ret the result: status 0, or 2 and why: something
 * was found, the catalogue had to be made again, a snapshot has no manifest
 * yet. Or -1: ERR_BUSY (another verify of this client; a snapshot's manifest is
 * being made), ERR_REFUSED (*stop: what was verified by then is kept; no such
 * snapshot), ERR_CONFIG (not one of this client's), ERR_SYS, ERR_MEM; or
 * what found() set.
 */
int audit_client(const struct store_client *c, const struct audit_opts *o,
	struct reply *ret, struct err *e);

#endif
