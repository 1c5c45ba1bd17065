/* SPDX-License-Identifier: ISC */
#include "ssh/oneshot.h"

#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proc/child.h"
#include "proc/listen.h"
#include "secret/memfile.h"
#include "ssh/edkey.h"
#include "ssh/oneshot_conf.h"
#include "ssh/oneshot_net.h"

#define SSHD "/usr/sbin/sshd"
/* Connections that have not logged in. The oldest makes way for a new one:
 * whoever holds them all has to go on opening new ones to keep others out. */
#define STRANGERS_MAX 16
#define CONF_MAX 16384
#define LINE_ROOM 1024

struct guest {			/* an sshd, before or after the login */
	struct guest *next;
	struct oneshot *o;
	struct child *sshd;
};

struct oneshot {
	struct loop *loop;
	struct oneshot_calls calls;
	struct strv peers;
	struct oneshot_net net;
	struct loop_fd *watch[ONESHOT_NET_MAX];
	struct secret *key;
	char *login_key, *host_key, *user;
	struct memfile host_file, conf;
	struct listen *meet;
	struct loop_timer *deadline;
	uint64_t timeout_ms;
	struct guest *guests;	/* the oldest first */
	struct guest *session;	/* one of them: the one that counts */
	int leash;		/* to its program; -1: none */
	struct loop_fd *leash_watch;
};

/* --- the end --- */

static void
drop(struct oneshot *o, struct guest *g)
{
	struct guest **p;

	for (p = &o->guests; *p != NULL && *p != g; p = &(*p)->next)
		continue;
	if (*p != NULL)
		*p = g->next;
	if (o->session == g)
		o->session = NULL;
	child_free(g->sshd);
	free(g);
}

static void
close_port(struct oneshot *o)
{
	size_t i;

	for (i = 0; i < ONESHOT_NET_MAX; i++) {
		loop_fd_free(o->watch[i]);
		o->watch[i] = NULL;
	}
	oneshot_net_close(&o->net);
}

static void
close_leash(struct oneshot *o)
{
	loop_fd_free(o->leash_watch);
	o->leash_watch = NULL;
	if (o->leash != -1)
		close(o->leash);
	o->leash = -1;
}

/* All that runs or can be reached. */
static void
shut(struct oneshot *o)
{
	close_port(o);
	close_leash(o);
	while (o->guests != NULL)
		drop(o, o->guests);
	listen_free(o->meet);
	o->meet = NULL;
	if (o->deadline != NULL)
		loop_timer_stop(o->deadline);
	memfile_clear(&o->host_file);
	memfile_clear(&o->conf);
}

static void
on_deadline(void *arg)
{
	struct oneshot *o = arg;
	struct err e = ERR_INIT;

	shut(o);
	err_set(&e, ERR_TIMEOUT, "nobody came to port %u within %g s",
	    o->net.port, (double)o->timeout_ms / 1000);
	o->calls.on_end(o->calls.arg, &e);
}

static void
on_guest_end(void *arg, const struct child_end *end)
{
	struct guest *g = arg;
	struct oneshot *o = g->o;
	bool session = g == o->session;

	drop(o, g);
	if (!session)
		return;
	shut(o);
	o->calls.on_end(o->calls.arg, NULL);
}

/* --- whoever connects --- */

static void
on_guest_line(void *arg, enum child_stream s, const char *line, size_t len,
    bool cut)
{
}

static void
admit(struct oneshot *o, int fd)
{
	char *argv[] = { (char []){ SSHD }, (char []){ "-i" },
		(char []){ "-e" }, (char []){ "-f" }, o->conf.path, NULL };
	static char path[] = "PATH=/usr/local/bin:/usr/bin:/bin";
	char *envp[] = { path, NULL };
	struct child_spec spec = { .argv = argv, .envp = envp,
		.io = { CHILD_FD, CHILD_FD, CHILD_PIPE }, .fd = { fd, fd },
		.own_group = true, .on_line = on_guest_line,
		.on_end = on_guest_end };
	struct guest *g = calloc(1, sizeof(*g)), **p;
	size_t n = 0;

	if (g == NULL)
		return;
	for (p = &o->guests; *p != NULL; p = &(*p)->next)
		n++;
	g->o = o;
	spec.arg = g;
	g->sshd = child_start(o->loop, &spec, NULL);
	if (g->sshd == NULL) {
		free(g);
		return;
	}
	*p = g;
	if (n >= STRANGERS_MAX)
		drop(o, o->guests);
}

static void
on_connection(void *arg, int fd, short revents)
{
	struct oneshot *o = arg;
	int conn = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

	if (conn == -1)
		return;
	if (oneshot_net_known(&o->net, conn))
		admit(o, conn);
	close(conn);
}

/* --- the program of a session --- */

static pid_t
parent_of(pid_t pid)
{
	char path[32], line[512], *p;
	long parent = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
	f = fopen(path, "re");
	if (f == NULL)
		return 0;
	if (fgets(line, sizeof(line), f) != NULL &&
	    (p = strrchr(line, ')')) != NULL &&
	    sscanf(p, ") %*c %ld", &parent) != 1)
		parent = 0;
	fclose(f);
	return (pid_t)parent;
}

/* Of which of our sshd's it is a child's child. */
static struct guest *
guest_of(const struct oneshot *o, int fd)
{
	struct ucred c;
	socklen_t len = sizeof(c);
	struct guest *g;
	int depth;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &len) == -1 ||
	    c.uid != geteuid())
		return NULL;
	for (depth = 0; depth < 8 && c.pid > 1; depth++) {
		for (g = o->guests; g != NULL; g = g->next)
			if (child_pid(g->sshd) == c.pid)
				return g;
		c.pid = parent_of(c.pid);
	}
	return NULL;
}

static void
on_leash(void *arg, int fd, short revents)
{
	struct oneshot *o = arg;
	char line[LINE_ROOM];
	ssize_t n = recv(fd, line, sizeof(line) - 1, MSG_DONTWAIT);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		close_leash(o);
		return;
	}
	line[n] = '\0';
	line[strcspn(line, "\n")] = '\0';
	if (o->calls.on_line != NULL)
		o->calls.on_line(o->calls.arg, line);
}

static void
on_meet(void *arg, int fd)
{
	struct oneshot *o = arg;
	struct guest *g = guest_of(o, fd), *next;

	/* sshd does as it was told, or it is none of ours. */
	if (g == NULL || o->session != NULL || o->leash != -1) {
		close(fd);
		return;
	}
	o->session = g;
	o->leash = fd;
	o->leash_watch = loop_fd_new(o->loop, fd, POLLIN, on_leash, o, NULL);
	close_port(o);
	loop_timer_stop(o->deadline);
	for (g = o->guests; g != NULL; g = next) {
		next = g->next;
		if (g != o->session)
			drop(o, g);
	}
	if (o->leash_watch == NULL || send(fd, "G", 1, MSG_NOSIGNAL |
	    MSG_DONTWAIT) != 1) {
		close_leash(o);
		return;
	}
	if (o->calls.on_begin != NULL)
		o->calls.on_begin(o->calls.arg);
}

/* --- the beginning --- */

static int
make_keys(struct oneshot *o, struct err *e)
{
	struct secret *seed = edkey_new(e), *file = NULL;
	struct buf b;
	int rc = -1;

	buf_init(&b, 256);
	o->key = edkey_new(e);
	if (seed == NULL || o->key == NULL ||
	    edkey_public(o->key, &b, e) == -1)
		goto out;
	o->login_key = buf_steal(&b);
	if (edkey_public(seed, &b, e) == -1)
		goto out;
	o->host_key = buf_steal(&b);
	if (o->login_key == NULL || o->host_key == NULL) {
		err_set(e, ERR_MEM, "out of memory");
		goto out;
	}
	file = edkey_private(seed, e);
	if (file != NULL)
		rc = memfile_init(&o->host_file, secret_data(file),
		    secret_len(file), e);
out:
	secret_free(file);
	secret_free(seed);
	buf_clear(&b);
	return rc;
}

static int
whoami(struct oneshot *o, struct err *e)
{
	const struct passwd *pw;

	errno = 0;
	pw = getpwuid(geteuid());
	if (pw == NULL)
		return err_set(e, ERR_CONFIG, "uid %lu has no name",
		    (unsigned long)geteuid());
	o->user = strdup(pw->pw_name);
	return o->user != NULL ? 0 : err_set(e, ERR_MEM, "out of memory");
}

struct oneshot *
oneshot_new(struct loop *l, const struct strv *peers, uint16_t port,
    const struct oneshot_calls *calls, struct err *e)
{
	struct oneshot *o = calloc(1, sizeof(*o));
	size_t i;
	int rc = 0;

	if (o == NULL) {
		err_set(e, ERR_MEM, "out of memory");
		return NULL;
	}
	o->loop = l;
	o->calls = *calls;
	o->leash = -1;
	for (i = 0; rc == 0 && i < peers->n && i < ONESHOT_NET_MAX; i++)
		if (strv_add(&o->peers, peers->v[i]) == -1)
			rc = err_set(e, ERR_MEM, "out of memory");
	if (rc == -1 || whoami(o, e) == -1 || make_keys(o, e) == -1 ||
	    oneshot_net_bind(&o->net, &o->peers, port, e) == -1) {
		oneshot_free(o);
		return NULL;
	}
	return o;
}

static int
write_conf(struct oneshot *o, const char *command, struct err *e)
{
	const struct oneshot_conf c = { .host_key = o->host_file.path,
		.user = o->user, .login_key = o->login_key,
		.peers = &o->peers, .command = command };
	struct buf b;
	int rc;

	buf_init(&b, CONF_MAX);
	rc = oneshot_conf_emit(&c, &b, e);
	if (rc == 0)
		rc = memfile_init(&o->conf, b.data, b.len, e);
	buf_clear(&b);
	return rc;
}

int
oneshot_open(struct oneshot *o, const char *command, const char *meet,
    uint64_t timeout_ms, struct err *e)
{
	size_t i;

	if (access(SSHD, X_OK) == -1)
		return err_sys(e, "%s (mode = direct needs it)", SSHD);
	if (write_conf(o, command, e) == -1)
		return -1;
	o->meet = listen_unix(o->loop, meet, on_meet, o, e);
	o->timeout_ms = timeout_ms;
	o->deadline = loop_timer_new(o->loop, timeout_ms, 0, on_deadline, o,
	    e);
	if (o->meet == NULL || o->deadline == NULL)
		return -1;
	for (i = 0; i < o->net.nfds; i++) {
		if (listen(o->net.fd[i], STRANGERS_MAX) == -1)
			return err_sys(e, "port %u", o->net.port);
		o->watch[i] = loop_fd_new(o->loop, o->net.fd[i], POLLIN,
		    on_connection, o, e);
		if (o->watch[i] == NULL)
			return -1;
	}
	return 0;
}

void
oneshot_free(struct oneshot *o)
{
	if (o == NULL)
		return;
	shut(o);
	oneshot_forget(o);
	loop_timer_free(o->deadline);
	strv_clear(&o->peers);
	free(o->login_key);
	free(o->host_key);
	free(o->user);
	free(o);
}

uint16_t
oneshot_port(const struct oneshot *o)
{
	return o->net.port;
}

const char *
oneshot_host_key(const struct oneshot *o)
{
	return o->host_key;
}

const char *
oneshot_user(const struct oneshot *o)
{
	return o->user;
}

const struct secret *
oneshot_key(const struct oneshot *o)
{
	return o->key;
}

void
oneshot_forget(struct oneshot *o)
{
	secret_free(o->key);
	o->key = NULL;
}
