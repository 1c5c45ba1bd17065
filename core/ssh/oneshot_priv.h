/* SPDX-License-Identifier: ISC */
/* oneshot_priv: what oneshot.c (its life) and oneshot_start.c (its birth)
 * share. */
#ifndef POSTERN_ONESHOT_PRIV_H
#define POSTERN_ONESHOT_PRIV_H

#include "proc/child.h"
#include "proc/listen.h"
#include "secret/memfile.h"
#include "ssh/oneshot.h"
#include "ssh/oneshot_net.h"

#define ONESHOT_SSHD "/usr/sbin/sshd"
/* Connections that have not logged in. The oldest makes way for a new one:
 * whoever holds them all has to go on opening new ones to keep others out. */
#define ONESHOT_STRANGERS 16

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

/* What the loop calls. */
void oneshot_on_deadline(void *arg);
void oneshot_on_connection(void *arg, int fd, short revents);
void oneshot_on_meet(void *arg, int fd);

#endif
