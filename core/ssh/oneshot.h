/* SPDX-License-Identifier: ISC */
/*
 * oneshot: an sshd that lets one peer in once, for one program, run by a plain
 * user. It has a host key and a login key of its own, made for this and gone
 * with it; neither is ever in a file, an argument or the environment.
 *
 * We hold the port ourselves, and start `sshd -i` on each connection that
 * comes from one of the peers' addresses; whoever comes from elsewhere is
 * hung up on. Such a connection uses nothing up: the one that counts is the
 * first whose user logged in with our key and whose program has come to us
 * (oneshot_join()). Then the port is closed, and every other connection, and
 * no second program gets in. When it is over, when nobody came in time, and
 * by oneshot_free(), all of it ends: the sshd's, and by a leash the program.
 *
 *	oneshot_new()		the keys; a port, on which nobody listens yet
 *	 … tell the peer oneshot_port(), oneshot_host_key(), oneshot_user()
 *	oneshot_open()		from now on, for so long
 *	 … give the peer oneshot_key(), then oneshot_forget()
 *	on_begin, on_end → oneshot_free()
 *
 * sshd runs without PAM and without root: it can let in nobody but our own
 * user, whose login shell must be one that runs commands. The key is
 * restricted to the peers' addresses a second time by sshd; forwarding,
 * terminals, rc files and more than one session are off.
 * The program is `exec`ed by the login shell, so its parent is sshd.
 * Source: sshd(8), sshd_config(5), unix(7).
 */
#ifndef POSTERN_ONESHOT_H
#define POSTERN_ONESHOT_H

#include <stdint.h>

#include "base/err.h"
#include "base/strv.h"
#include "proc/loop.h"
#include "secret/secret.h"

struct oneshot;

struct oneshot_calls {
	/* The peer is in: nobody else will be. */
	void (*on_begin)(void *arg);
	/* A line that the program said on its leash, not escaped. */
	void (*on_line)(void *arg, const char *line);
	/* All is over, once. e NULL: there was a session. ERR_TIMEOUT: nobody
	 * came in time. */
	void (*on_end)(void *arg, const struct err *e);
	void *arg;
};

/*
 * oneshot_new(): peers: numeric addresses, borrowed for the call. port 0: any.
 * We listen on those addresses of this machine alone that lead to the peers.
 * Returns owned, or NULL: ERR_CONFIG (no address of a peer that there is a
 * way to), ERR_SYS (port in use), ERR_MEM.
 */
struct oneshot *oneshot_new(struct loop *l, const struct strv *peers,
	uint16_t port, const struct oneshot_calls *calls, struct err *e);
void oneshot_free(struct oneshot *o);	/* NULL is legal; from callbacks */

uint16_t oneshot_port(const struct oneshot *o);
const char *oneshot_host_key(const struct oneshot *o);	/* "ssh-ed25519 …" */
const char *oneshot_user(const struct oneshot *o);

/*
 * oneshot_open(): listen, for so long.
 * command   what the session runs, for the login shell
 * meet      a path in a folder of ours, where it is to call oneshot_join()
 * 0, or -1: ERR_SYS, ERR_MEM.
 */
int oneshot_open(struct oneshot *o, const char *command, const char *meet,
	uint64_t timeout_ms, struct err *e);

/* oneshot_key(): the seed of the login key (ssh/edkey.h); borrowed until
 * oneshot_forget(), which wipes it. */
const struct secret *oneshot_key(const struct oneshot *o);
void oneshot_forget(struct oneshot *o);

/*
 * oneshot_join(): the program's first step. Returns the leash, a descriptor
 * owned by the caller: lines may be written to it, and its end of file means
 * that everything is to end now; or -1: ERR_REFUSED (there was a session, or
 * there is none any more), ERR_SYS.
 */
int oneshot_join(const char *meet, struct err *e);

#endif
