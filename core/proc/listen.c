/* SPDX-License-Identifier: ISC */
#include "proc/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "proc/nettcp.h"

#define BACKLOG 128
#define RETRY_MS 100
#define TCP_STATE_ESTABLISHED 1

struct listen {
	int fd;
	struct loop_fd *watch;
	struct loop_timer *retry;
	char *path;		/* of a socket that we made, else NULL */
	dev_t dev;
	ino_t ino;
	listen_fn *fn;
	void *arg;
};

static void
on_retry(void *arg)
{
	struct listen *s = arg;

	loop_fd_pause(s->watch, 0);
}

static void
on_connection(void *arg, int fd, short revents)
{
	struct listen *s = arg;
	int conn = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (conn != -1) {
		s->fn(s->arg, conn);
		return;
	}
	/* The connection still waits, so poll would come back at once. */
	if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
	    errno == ENOBUFS) {
		loop_fd_pause(s->watch, 1);
		loop_timer_set(s->retry, RETRY_MS, 0);
	}
}

/* Which file it is that bind(2) has just made, for listen_free(). */
static int
own_path(struct listen *s, const char *path)
{
	struct stat st;

	s->path = strdup(path);
	if (s->path == NULL || lstat(path, &st) == -1) {
		unlink(path);
		return -1;
	}
	s->dev = st.st_dev;
	s->ino = st.st_ino;
	return 0;
}

static struct listen *
start(struct loop *l, int family, const struct sockaddr *sa, socklen_t len,
    const char *name, listen_fn *fn, void *arg, struct err *e)
{
	struct listen *s = calloc(1, sizeof(*s));
	int one = 1;

	if (s == NULL) {
		err_set(e, ERR_MEM, "out of memory");
		return NULL;
	}
	s->fn = fn;
	s->arg = arg;
	s->fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->fd == -1)
		goto fail;
	/* The mode of the file that bind(2) makes, less the umask: no moment
	 * in which others could connect. */
	if (family == AF_UNIX && fchmod(s->fd, 0600) == -1)
		goto fail;
	if (family == AF_INET && setsockopt(s->fd, SOL_SOCKET, SO_REUSEADDR,
	    &one, sizeof(one)) == -1)
		goto fail;
	if (bind(s->fd, sa, len) == -1)
		goto fail;
	if (family == AF_UNIX && own_path(s, name) == -1)
		goto fail;
	if (listen(s->fd, BACKLOG) == -1)
		goto fail;
	s->retry = loop_timer_new(l, 0, 0, on_retry, s, e);
	if (s->retry == NULL)
		goto out;
	loop_timer_stop(s->retry);
	s->watch = loop_fd_new(l, s->fd, POLLIN, on_connection, s, e);
	if (s->watch == NULL)
		goto out;
	return s;
fail:
	err_sys(e, "listening on %s", name);
out:
	listen_free(s);
	return NULL;
}

struct listen *
listen_tcp(struct loop *l, const char *addr, uint16_t port, listen_fn *fn,
    void *arg, struct err *e)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons(port) };

	if (inet_pton(AF_INET, addr, &sin.sin_addr) != 1 ||
	    ntohl(sin.sin_addr.s_addr) >> 24 != 127) {
		err_set(e, ERR_UNSAFE, "%s is not a loopback address", addr);
		return NULL;
	}
	return start(l, AF_INET, (struct sockaddr *)&sin, sizeof(sin), addr,
	    fn, arg, e);
}

struct listen *
listen_unix(struct loop *l, const char *path, listen_fn *fn, void *arg,
    struct err *e)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	size_t len = strlen(path);

	if (len == 0 || len >= sizeof(sun.sun_path)) {
		err_set(e, ERR_UNSAFE, "a socket's path has 1 to %zu bytes, "
		    "not %zu", sizeof(sun.sun_path) - 1, len);
		return NULL;
	}
	memcpy(sun.sun_path, path, len + 1);
	return start(l, AF_UNIX, (struct sockaddr *)&sun, sizeof(sun), path,
	    fn, arg, e);
}

void
listen_free(struct listen *s)
{
	struct stat st;

	if (s == NULL)
		return;
	loop_fd_free(s->watch);
	loop_timer_free(s->retry);
	if (s->path != NULL && lstat(s->path, &st) == 0 &&
	    st.st_dev == s->dev && st.st_ino == s->ino)
		unlink(s->path);
	if (s->fd != -1)
		close(s->fd);
	free(s->path);
	free(s);
}

uint16_t
listen_port(const struct listen *s)
{
	struct sockaddr_in sin = { 0 };
	socklen_t len = sizeof(sin);

	if (getsockname(s->fd, (struct sockaddr *)&sin, &len) == -1)
		return 0;
	return ntohs(sin.sin_port);
}

static int
ends(int fd, struct sockaddr_in *ours, struct sockaddr_in *theirs,
    struct err *e)
{
	socklen_t a = sizeof(*ours), b = sizeof(*theirs);

	*ours = *theirs = (struct sockaddr_in){ 0 };
	if (getsockname(fd, (struct sockaddr *)ours, &a) == -1 ||
	    getpeername(fd, (struct sockaddr *)theirs, &b) == -1)
		return err_sys(e, "who is connected");
	if (ours->sin_family != AF_INET || theirs->sin_family != AF_INET)
		return err_set(e, ERR_PEER, "not an IPv4 connection");
	return 0;
}

int
listen_peer_uid(int fd, uid_t *ret, struct err *e)
{
	struct sockaddr_in ours, theirs;
	struct nettcp t;
	char line[512];
	bool found = false;
	FILE *f;

	if (ends(fd, &ours, &theirs, e) == -1)
		return -1;
	f = fopen("/proc/thread-self/net/tcp", "re");
	if (f == NULL)
		return err_sys(e, "/proc/net/tcp");
	while (!found && fgets(line, sizeof(line), f) != NULL)
		found = nettcp_parse(line, &t) == 0 &&
		    t.state == TCP_STATE_ESTABLISHED && t.inode != 0 &&
		    t.local_addr.s_addr == theirs.sin_addr.s_addr &&
		    t.local_port == ntohs(theirs.sin_port) &&
		    t.remote_addr.s_addr == ours.sin_addr.s_addr &&
		    t.remote_port == ntohs(ours.sin_port);
	fclose(f);
	if (!found)
		return err_set(e, ERR_PEER,
		    "no process here holds the other end of the connection");
	*ret = t.uid;
	return 0;
}
