/* SPDX-License-Identifier: ISC */
/*
 * spawn: one process from a path, an argv and three descriptors, as fast as
 * the kernel makes one: memory is shared with the child until it executes,
 * no helper process, exec's errno comes back through that memory. For
 * child.c; keeps nothing.
 *
 * A child copies the table of open files and closes all of it again in exec,
 * 5 ms at 30 000 descriptors. So long-lived descriptors belong above
 * SPAWN_LOW (spawn_high()), and a child whose own three lie below it copies
 * that part only.
 * Source: vfork(2), clone(2), close_range(2), prctl(2).
 */
#ifndef POSTERN_SPAWN_H
#define POSTERN_SPAWN_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

#define SPAWN_LOW 64

struct spawn {
	const char *path;	/* all borrowed */
	char *const *argv;
	char *const *envp;
	int fd[3];		/* borrowed; -1: /dev/null */
	bool own_group;
	bool keep_on_death;
	bool many;		/* the caller has hundreds of files open */
	const sigset_t *reset;	/* set to SIG_DFL there */
	int (*before_exec)(void *arg);
	void *arg;
};

/* spawn_path(): where execution of name would begin: itself with a slash in
 * it, else the first executable file in PATH; parts of PATH that are not
 * absolute are passed over. Returns owned, or NULL: ERR_SYS, ERR_MEM. */
char *spawn_path(const char *name, struct err *e);

/* spawn_run(): 0 with *ret_pid, or -1 ERR_SYS; then no process is left. */
int spawn_run(const struct spawn *s, pid_t *ret_pid, struct err *e);

/* spawn_pipe(): a pipe for one of the three; input: the child reads it. Both
 * ends owned by the caller; *ret_ours lies high and doesn't block when it is
 * written to. 0, or -1 ERR_SYS. */
int spawn_pipe(bool input, int *ret_ours, int *ret_theirs, struct err *e);

/* spawn_high(): move fd (taken) to a number above SPAWN_LOW, close-on-exec;
 * returns the new number, or fd itself when there is no room. */
int spawn_high(int fd);

#endif
