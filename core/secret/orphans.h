/* SPDX-License-Identifier: ISC */
/*
 * orphans: the processes that a command of a shell's started, to end all of
 * them: a pipeline outlives the shell that is killed. They are those in our
 * process group that are our children once the shell is gone, since we take its
 * orphans on meanwhile; a daemon in a session of its own is none of them.
 * What runs as another user (sudo) only root may kill: it is given half a
 * second, and then left to itself.
 * Only for source.c: no other child may be started between begin and end.
 * Source: prctl(2) (PR_SET_CHILD_SUBREAPER), proc_tid_children(5); where the
 * kernel has no such file, nothing is found.
 */
#ifndef POSTERN_ORPHANS_H
#define POSTERN_ORPHANS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define ORPHANS_BEFORE 64	/* children whom another program left us */

struct orphans {
	/* Ours already, or another user's: left alone. */
	pid_t known[2 * ORPHANS_BEFORE];
	size_t n;
	int reaper;			/* what we were */
};

/* orphans_begin(): before the shell is forked. */
void orphans_begin(struct orphans *k);
/* orphans_kill_one(): kills and reaps our child pid. false: it lives on, being
 * another user's; otherwise *status is as waitpid(2) has it, or -1. */
bool orphans_kill_one(struct orphans *k, pid_t pid, int *status);
/* orphans_kill(): all of them, once the shell is gone. */
void orphans_kill(struct orphans *k);
/* orphans_end(): in the end. Whom we have taken on is nobody's then. */
void orphans_end(const struct orphans *k);

#endif
