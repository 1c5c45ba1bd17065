/* SPDX-License-Identifier: ISC */
/* oneshot_net: the addresses and sockets of oneshot.c. */
#ifndef POSTERN_ONESHOT_NET_H
#define POSTERN_ONESHOT_NET_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/strv.h"

#define ONESHOT_NET_MAX 8

union oneshot_addr {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_storage ss;
};

struct oneshot_net {
	union oneshot_addr peer[ONESHOT_NET_MAX];
	size_t npeers;
	int fd[ONESHOT_NET_MAX];	/* bound, one for each address here */
	size_t nfds;
	uint16_t port;
};

/* oneshot_net_bind(): as oneshot_new(). *n: zeroed; for oneshot_net_close(),
 * also on failure. */
int oneshot_net_bind(struct oneshot_net *n, const struct strv *peers,
	uint16_t port, struct err *e);
void oneshot_net_close(struct oneshot_net *n);
/* oneshot_net_known(): whether the other end of fd is one of the peers. */
bool oneshot_net_known(const struct oneshot_net *n, int fd);

#endif
