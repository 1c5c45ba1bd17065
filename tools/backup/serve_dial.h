/* SPDX-License-Identifier: ISC */
/*
 * serve_dial: a run whose sender the store connects to, by an ssh outside of
 * the jail: the client's one-time sshd (mode = direct), or a host without
 * postern (pull).
 *
 *	serve_dial_direct() or serve_dial_plain() → serve_dial_start() →
 *	on_over once, s->xfer has both exit statuses → serve_dial_free()
 */
#ifndef BACKUP_SERVE_DIAL_H
#define BACKUP_SERVE_DIAL_H

#include "serve.h"
#include "sink.h"

struct serve_dial;

/*
 * serve_dial_direct(): to where sshd says that the client is, with the port,
 * user and host key of its request, and seed, MSG_KEY_LEN bytes that are
 * copied into locked memory and nowhere else.
 * serve_dial_plain(): with the owner's own ssh, and s->pull.
 * Return owned, or NULL: ERR_CONFIG, ERR_SYS, ERR_MEM.
 */
struct serve_dial *serve_dial_direct(struct serve *s, const void *seed,
	struct err *e);
struct serve_dial *serve_dial_plain(struct serve *s, struct err *e);

/* serve_dial_start(): sink is copied; its plain is set here. on_line, on_over:
 * with s. 0, or -1 as sink_start(). */
int serve_dial_start(struct serve_dial *d, const struct sink_spec *sink,
	const struct xfer_calls *calls, struct err *e);
void serve_dial_lost(struct serve_dial *d);	/* as dial_lost() */
void serve_dial_free(struct serve_dial *d);	/* NULL is legal */

#endif
