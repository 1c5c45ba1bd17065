/* SPDX-License-Identifier: ISC */
/*
 * listen: a listening socket on the loop, on a loopback address or a path,
 * that hands over what it accepts; and who is at the other end of an
 * accepted loopback connection.
 *
 * Anyone on this machine can connect to a loopback port: callers ask
 * listen_peer_uid() before they believe a connection.
 */
#ifndef POSTERN_LISTEN_H
#define POSTERN_LISTEN_H

#include <netinet/in.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "proc/loop.h"

struct listen;

/* fd: taken; non-blocking, close-on-exec. */
typedef void listen_fn(void *arg, int fd);

/* listen_tcp(): on addr ("127.0.0.1"; must lie in 127.0.0.0/8) and port, 0:
 * any. Returns owned, or NULL: ERR_UNSAFE, ERR_SYS, ERR_MEM. */
struct listen *listen_tcp(struct loop *l, const char *addr, uint16_t port,
	listen_fn *fn, void *arg, struct err *e);
/* listen_unix(): on a new socket at path, mode 0600 (for ssh -R port:path).
 * Never replaces what is there. As listen_tcp(). */
struct listen *listen_unix(struct loop *l, const char *path, listen_fn *fn,
	void *arg, struct err *e);
/* listen_free(): closes, and removes the socket it made at path. From within
 * fn, too. NULL is legal. */
void listen_free(struct listen *s);
/* listen_port(): of a TCP listener. */
uint16_t listen_port(const struct listen *s);

/*
 * listen_peer_uid(): the uid that owns the other end of fd, an accepted TCP
 * connection over IPv4 loopback. 0 with *ret, or -1: ERR_SYS, ERR_PEER (that
 * end is not an established socket on this machine, or is closed again: a
 * closed one is listed as root's, so it is never believed).
 * Source: proc_pid_net(5), /proc/net/tcp.
 */
int listen_peer_uid(int fd, uid_t *ret, struct err *e);

#endif
