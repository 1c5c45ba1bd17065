/* SPDX-License-Identifier: ISC */
/*
 * call: one ssh to one agent, for one of its commands, or for a session of them
 * (bootcmd.h). What comes back is a peer's: lines that are not bootline.h's end
 * the call.
 *
 *	call_start() → on_line … → on_end() → call_more() … or call_free()
 */
#ifndef BOOT_CALL_H
#define BOOT_CALL_H

#include <stdbool.h>

#include "base/err.h"
#include "base/strv.h"
#include "boot.h"
#include "bootcmd.h"
#include "bootline.h"
#include "bootpins.h"
#include "proc/loop.h"
#include "secret/secret.h"
#include "ssh/sshargv.h"

struct call;

struct call_end {
	bool whole;		/* the agent said "end", and no nonsense */
	bool again;		/* the same call may succeed later */
	bool host_key;		/* it shows another key than is pinned */
	bool unheard;		/* call_more()'s came too late: the session is
				 * over, and nothing was done */
	char why[1024];		/* when it isn't whole; a peer's words may be
				 * in it: escape it */
};

struct call_spec {
	const struct boot_opts *o;	/* borrowed for the call's life */
	const struct boot_host *host;	/* the same */
	const char *known_hosts;	/* the same */
	uint64_t timeout_ms;		/* from the agent's first line on; 0:
					 * those of o */
	const struct bootcmd *cmd;	/* borrowed for call_start() and
					 * call_more() alone */
	void (*on_line)(void *arg, const struct bootline *l);
	void (*on_end)(void *arg, const struct call_end *end);
	/* Whether there will be a call_more() after this command: asked at its
	 * end, and where a passphrase is sent. NULL: never. */
	bool (*keep)(void *arg);
	void *arg;
};

/* call_argv(): what is run, appended. 0, or -1: ERR_CONFIG, ERR_MEM. */
int call_argv(const struct call_spec *s, struct strv *out, struct err *e);

/* call_start(): returns owned, or NULL as child_start() and call_argv(). on_end
 * is called once, unless call_free() comes before it; the caller frees the call
 * in any case, also from within on_end. */
struct call *call_start(struct loop *l, const struct call_spec *s,
	struct err *e);
void call_free(struct call *c);		/* NULL is legal */

/*
 * call_more(): s->cmd to the same agent, after on_end, which is called once for
 * this, too. Without an answer in --connect-timeout it is unheard. 0, or -1:
 * ERR_PEER the session is over, or there is none; ERR_MEM.
 */
int call_more(struct call *c, const struct call_spec *s, struct err *e);
/* call_stands(): whether call_more() may be called, as far as is known. */
bool call_stands(const struct call *c);

/* call_secret(): s, borrowed until call_free(), to the agent; the end of its
 * input, too, unless the session is kept. 0, or -1 as child_send_secret(). */
int call_secret(struct call *c, const struct secret *s, struct err *e);

#endif
