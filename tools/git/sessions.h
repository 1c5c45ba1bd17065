/* SPDX-License-Identifier: ISC */
/*
 * sessions: which commands of which keys are under way on the gateway, so that
 * a revocation can end them. A file a session in a folder of the git user's
 * (below /run: a restart empties it), PID.START, which says
 *
 *	v1 FP ID SID			FP, ID, SID: as in gitwire.h
 *
 * START is when the process was started, in clock ticks since boot (field 22
 * of proc(5)'s stat): no other process ever has both numbers, so a file that
 * was left behind means nobody, and goes with the next sweep.
 *
 * No session slips through a revocation: a new list of keys is in force before
 * the sweep begins, and a session enters here before it looks whether its key
 * still is (keystore's current). Whichever comes second sees the other.
 *
 *	gateway's forced command:
 *	sessions_enter → [is my key still in force?] → ssh … → sessions_leave
 *
 * Source: pidfd_open(2), pidfd_send_signal(2), proc(5).
 */
#ifndef GIT_SESSIONS_H
#define GIT_SESSIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "gitid.h"
#include "gitwire.h"
#include "keyline.h"

struct session {
	pid_t pid;
	uint64_t start;
	char fp[GITWIRE_FP];		/* "-": unknown */
	char id[GITID_MAX + 1];
	char sid[GITWIRE_SID];
};

/* sessions_enter(): notes this process. dir is made (0700) where it is
 * missing, but not its parents. 0, or -1: ERR_SYS, ERR_UNSAFE (dir is a
 * symbolic link or not ours), ERR_CONFIG (fp, id or sid is none). */
int sessions_enter(const char *dir, const char *id, const char *fp,
	const char *sid, struct err *e);

/* sessions_leave(): this process's file goes. Never fails for good: what is
 * left is found to be stale. */
void sessions_leave(const char *dir);

/* Whether a session goes on. */
typedef bool sessions_keep_fn(void *arg, const struct session *s);

/* A session was sent SIGTERM. */
typedef void sessions_ended_fn(void *arg, const struct session *s);

/*
 * sessions_sweep(): SIGTERM to each session that keep says false of, but for
 * this process; files of processes that are gone, or that are no sessions, are
 * removed. A missing dir: there are none.
 * ended  told of each that got the signal; may be NULL.
 * Returns 0 with *ret_n, how many got it, or -1 ERR_SYS, ERR_UNSAFE: some may
 * not have been looked at.
 */
int sessions_sweep(const char *dir, sessions_keep_fn *keep,
	sessions_ended_fn *ended, void *arg, size_t *ret_n, struct err *e);

/* sessions_parse(): a file's name and the len bytes in it. Pure. 0, or -1
 * ERR_CONFIG. */
int sessions_parse(const char *name, const char *text, size_t len,
	struct session *ret, struct err *e);

#endif
