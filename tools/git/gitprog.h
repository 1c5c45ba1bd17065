/* SPDX-License-Identifier: ISC */
/*
 * gitprog: what our forced commands share as programs: where their siblings
 * are, and the wait for one child that has our three descriptors.
 */
#ifndef GIT_GITPROG_H
#define GIT_GITPROG_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "proc/child.h"

struct gitprog_watch {
	struct loop_fd *fd;
	void (*fn)(void *arg);
	void *arg;
};

/* gitprog_path(): the absolute path of name in the folder that this program
 * is in, appended to out. 0, or -1: ERR_SYS, ERR_MEM. */
int gitprog_path(const char *name, struct buf *out, struct err *e);

/* gitprog_harden(): no core dump, umask 077, SIGPIPE ignored (who has left
 * must not keep us from tidying up), and of the descriptors only the three
 * that are inherited. */
void gitprog_harden(void);

/* gitprog_sid(): 64 random bits as hex. 0, or -1 ERR_SYS. */
int gitprog_sid(char ret[17], struct err *e);

/*
 * gitprog_watch(): fn(arg) once whoever reads our standard output is gone:
 * sshd closes that pipe with the session. What is no pipe and no socket is
 * not watched. ret is borrowed until gitprog_unwatch(). 0, or -1: ERR_SYS,
 * ERR_MEM.
 */
int gitprog_watch(struct loop *l, void (*fn)(void *arg), void *arg,
	struct gitprog_watch *ret, struct err *e);
void gitprog_unwatch(struct gitprog_watch *w);

/* gitprog_status(): what a shell would show of a waitpid(2) status: the exit
 * status, 128 + the signal. */
int gitprog_status(int status);

#endif
