/* SPDX-License-Identifier: ISC */
#include "ssh/oneshot_net.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

#define TRIES 5

static int
parse(const char *text, union oneshot_addr *ret, struct err *e)
{
	const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST,
		.ai_socktype = SOCK_STREAM };
	struct addrinfo *ai;
	int rc = getaddrinfo(text, NULL, &hints, &ai);

	if (rc != 0)
		return err_set(e, ERR_CONFIG, "%s: no numeric address: %s",
		    text, gai_strerror(rc));
	memset(ret, 0, sizeof(*ret));
	memcpy(ret, ai->ai_addr, ai->ai_addrlen);
	freeaddrinfo(ai);
	return 0;
}

static socklen_t
size(const union oneshot_addr *a)
{
	return a->sa.sa_family == AF_INET6 ? sizeof(a->in6) : sizeof(a->in);
}

static void
set_port(union oneshot_addr *a, uint16_t port)
{
	if (a->sa.sa_family == AF_INET6)
		a->in6.sin6_port = htons(port);
	else
		a->in.sin_port = htons(port);
}

static bool
same(const union oneshot_addr *a, const union oneshot_addr *b)
{
	if (a->sa.sa_family != b->sa.sa_family)
		return false;
	if (a->sa.sa_family == AF_INET6)
		return memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr,
		    sizeof(a->in6.sin6_addr)) == 0;
	return a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
}

/* Our address on the way to peer; nothing is sent. false: there is no way. */
static bool
local(const union oneshot_addr *peer, union oneshot_addr *ret)
{
	union oneshot_addr to = *peer;
	socklen_t len = sizeof(*ret);
	bool ok;
	int fd;

	fd = socket(to.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return false;
	set_port(&to, 9);
	memset(ret, 0, sizeof(*ret));
	ok = connect(fd, &to.sa, size(&to)) == 0 &&
	    getsockname(fd, &ret->sa, &len) == 0;
	close(fd);
	return ok;
}

static void
close_all(struct oneshot_net *n)
{
	while (n->nfds > 0)
		close(n->fd[--n->nfds]);
}

/* All of at, on one port. 0, or -1 with errno. */
static int
bind_all(struct oneshot_net *n, union oneshot_addr *at, size_t count,
    uint16_t port)
{
	union oneshot_addr got;
	const int on = 1;
	socklen_t len;
	size_t i;
	int fd;

	for (i = 0; i < count; i++) {
		fd = socket(at[i].sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC |
		    SOCK_NONBLOCK, 0);
		if (fd == -1)
			return -1;
		n->fd[n->nfds++] = fd;
		set_port(&at[i], port);
		/* A given port may still be in TIME_WAIT from the last run. */
		if (port != 0)
			setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on,
			    sizeof(on));
		if (at[i].sa.sa_family == AF_INET6)
			setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on,
			    sizeof(on));
		if (bind(fd, &at[i].sa, size(&at[i])) == -1)
			return -1;
		len = sizeof(got);
		if (getsockname(fd, &got.sa, &len) == -1)
			return -1;
		port = ntohs(got.sa.sa_family == AF_INET6 ?
		    got.in6.sin6_port : got.in.sin_port);
	}
	n->port = port;
	return 0;
}

int
oneshot_net_bind(struct oneshot_net *n, const struct strv *peers,
    uint16_t port, struct err *e)
{
	union oneshot_addr at[ONESHOT_NET_MAX], a;
	size_t i, j, count = 0;
	int tries;

	for (i = 0; i < peers->n && n->npeers < ONESHOT_NET_MAX; i++) {
		if (parse(peers->v[i], &n->peer[n->npeers], e) == -1)
			return -1;
		if (!local(&n->peer[n->npeers++], &a))
			continue;
		for (j = 0; j < count && !same(&at[j], &a); j++)
			continue;
		if (j == count)
			at[count++] = a;
	}
	if (count == 0)
		return err_set(e, ERR_CONFIG, "there is no way from here to "
		    "any address of the store%s%s", peers->n > 0 ? ": " : "",
		    peers->n > 0 ? peers->v[0] : "");
	for (tries = 0; tries < TRIES; tries++) {
		if (bind_all(n, at, count, port) == 0)
			return 0;
		close_all(n);
		/* A port that is free on one address and not on the next. */
		if (errno != EADDRINUSE || port != 0)
			break;
	}
	return err_sys(e, "port %u for the store", port);
}

void
oneshot_net_close(struct oneshot_net *n)
{
	close_all(n);
}

bool
oneshot_net_known(const struct oneshot_net *n, int fd)
{
	union oneshot_addr a;
	socklen_t len = sizeof(a);
	size_t i;

	if (getpeername(fd, &a.sa, &len) == -1)
		return false;
	for (i = 0; i < n->npeers; i++)
		if (same(&a, &n->peer[i]))
			return true;
	return false;
}
