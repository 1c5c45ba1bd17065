/* SPDX-License-Identifier: ISC */
/*
 * dial: a transfer whose other half is an rsync at the end of an ssh of ours
 * (mode = direct; pull from a host without postern). Our half is confined as
 * ever. The command that it asks for goes through the gate (gate.h), with the
 * roots that we know, and what ssh is given is printed anew; ssh then has the
 * jail's own two sockets as stdin and stdout, so that no byte is copied here.
 *
 *	dial_start() → on_line … → on_over once → dial_free()
 */
#ifndef BACKUP_DIAL_H
#define BACKUP_DIAL_H

#include "sink.h"
#include "ssh/sshargv.h"
#include "xfer.h"

struct dial;

struct dial_spec {
	struct sink_spec sink;	/* with .plain; borrowed for the dial's life */
	const char *dest;	/* likewise */
	const struct sshargv_opts *ssh;	/* likewise */
	bool judged;		/* a gate there tells 24 where it holds */
	/* As half_calls.on_line. May be NULL. */
	void (*on_line)(void *arg, enum child_stream s, const char *line,
		size_t len, bool cut);
	/* Both are over. Their exit statuses, of which 24 (unread.h) is told
	 * for a 23 of the other one that was for such files alone, judged
	 * there or else here; left: which
	 * (xfer.h); said: what explains them. */
	void (*on_over)(void *arg, int rc, int peer_rc,
		const struct reply *left, const char *said);
	void *arg;
};

/* dial_start(): returns owned, or NULL as sink_start(). */
struct dial *dial_start(struct loop *l, const struct dial_spec *s,
	struct err *e);
/* dial_lost(): it has to end. Our rsync sees the end of its stream; on_over
 * comes later. */
void dial_lost(struct dial *d);
void dial_free(struct dial *d);	/* NULL is legal; from on_over, too */

#endif
