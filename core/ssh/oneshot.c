/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ssh/oneshot_priv.h"

#define LINE_ROOM 1024

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

void
oneshot_on_deadline(void *arg)
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
	char *argv[] = { (char []){ ONESHOT_SSHD }, (char []){ "-i" },
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
	if (n >= ONESHOT_STRANGERS)
		drop(o, o->guests);
}

void
oneshot_on_connection(void *arg, int fd, short revents)
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

void
oneshot_on_meet(void *arg, int fd)
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
