/* SPDX-License-Identifier: ISC */
/*
 * gwask: a question of the gateway's own to the git server (gitprobe.h), or to
 * a mirror, over an ssh with the gateway's key, as its git user: not through
 * the pool, which may not be there yet.
 *
 * Whoever asks waits at most timeout_ms for the whole ssh, and knows no limit
 * of the other side's. That one gives gitolite 20 s for a question, and a push
 * of keys the push-timeout of its own git.conf, by itself 10 s. Where that is
 * set longer than it is waited for here, the push goes on, and what becomes of
 * it only a status tells.
 */
#ifndef GIT_GWASK_H
#define GIT_GWASK_H

#include "base/buf.h"
#include "base/err.h"
#include "gitconf.h"
#include "gitprobe.h"
#include "gitreach.h"

#define GWASK_MS 30000	/* above both, the way there included */

struct gwask {
	const struct gitconf_gateway *conf;	/* all borrowed */
	const char *dest;	/* who is asked; NULL: the git server */
	const char *user;	/* root asks as this user; NULL: as we are */
	const char *command;	/* of GITPROBE_C_* */
	uint64_t timeout_ms;	/* 0: GWASK_MS */
};

/*
 * gwask_run(): what the other side says, appended to out, also when it fails.
 * reach  how far it came, also when it fails: in as well when it hung after
 *        postern-git-serve's first line.
 * Returns 0: the session ended with 0; or -1: ERR_PEER, ERR_TIMEOUT,
 * ERR_CONFIG; ERR_SYS, ERR_MEM (of this host's own: nobody was asked).
 */
int gwask_run(const struct gwask *a, struct buf *out, struct gitreach *reach,
	struct err *e);

/*
 * gwask_way(): whether the gateway's key is let in there and held to
 * postern-git-serve, whose first line says so; that our id is in some answer
 * says nothing, since git-shell and gitolite repeat a command that they do not
 * know. What gitolite makes of the question does not count, nor a->command.
 * Returns 0 with *ret, or -1: ERR_PEER also for a session that ended well
 * without that line, and else as gwask_run().
 */
int gwask_way(const struct gwask *a, struct gitprobe_way *ret,
	struct gitreach *reach, struct err *e);

/*
 * gwask_serves(): as gwask_way(), and the session ended well, with gitolite's
 * greeting: whether a mirror would serve. Where another program than gitolite
 * serves, that has no answer, and the way there is all that can be asked.
 * Returns 0, or -1 as gwask_way().
 */
int gwask_serves(const struct gwask *a, struct gitreach *reach, struct err *e);

#endif
