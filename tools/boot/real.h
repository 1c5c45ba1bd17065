/* SPDX-License-Identifier: ISC */
/*
 * real: whether a host's own sshd answers, with its own host key, without a
 * login. ssh turns to its agent once keys were exchanged, the host key was
 * found among the known ones and has signed the exchange, and the host takes public
 * keys: so the agent that we name to it is a socket of ours, and who connects
 * there says that. Nothing that a peer says passes for it, as words on ssh's
 * standard error would. Nobody answers there, and ssh is ended. The known ones
 * may have the initramfs' key, too: then it is not up, whatever else is said.
 * Source: OpenSSH's sshconnect2.c, userauth_pubkey().
 */
#ifndef BOOT_REAL_H
#define BOOT_REAL_H

#include <stddef.h>

#include "base/buf.h"
#include "boot.h"
#include "proc/loop.h"

struct real;

enum real_word {
	REAL_UP,
	REAL_AGAIN,		/* not now: nobody answers there */
	REAL_BOOT,		/* the initramfs' sshd does */
	REAL_KEY,		/* somebody does, with another key */
	REAL_UNKNOWN,		/* its key is not known at all */
};

struct real_end {
	enum real_word word;
	char why[1024];		/* may have a peer's words: escape it */
};

struct real_spec {
	const struct boot_opts *o;	/* borrowed, as all here */
	const struct boot_host *host;
	const char *pins;		/* the file with boot host keys */
	const char *dir;		/* real_enter()'s */
	size_t index;			/* among those that are under way */
	void (*on_end)(void *arg, const struct real_end *end);
	void *arg;
};

/* real_enter(): a folder for sockets, of ours alone; its path, appended.
 * real_leave() removes it; legal on an empty one. 0, or -1: ERR_SYS,
 * ERR_MEM. */
int real_enter(struct buf *dir, struct err *e);
void real_leave(struct buf *dir);

/* real_start(): returns owned, or NULL as child_start(), and ERR_CONFIG (the
 * host), ERR_SYS. on_end is called once, unless real_free() comes before it,
 * which is called in any case, also from within on_end. */
struct real *real_start(struct loop *l, const struct real_spec *s,
	struct err *e);
void real_free(struct real *r);		/* NULL is legal */

#endif
