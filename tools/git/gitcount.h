/* SPDX-License-Identifier: ISC */
/*
 * gitcount: counts the bytes of a session, for audit-bytes = yes. Otherwise a
 * child has our standard input and output themselves, and nothing of ours
 * lies in between. Here it gets two pipes, and what goes through them is
 * spliced: it passes through us without a copy of ours, which is why this is
 * not core/proc/relay, whose socket and buffers are for other ways.
 *
 * The pipes are there as long as this is, so that several children may have
 * them one after another: what one did not read the next one reads, and an
 * ssh that failed before a session stood has read nothing.
 *
 *	gitcount_new → [gitcount_io → child_start → ... on_end →
 *	gitcount_finish → done] → gitcount_bytes → gitcount_free
 *
 * Limits: O_NONBLOCK is set on what our standard input and output are open
 * on, so for everybody who has the same, and it stays set. Who outlives the
 * child and has its output writes to nobody after gitcount_free(): EPIPE,
 * SIGPIPE.
 *
 * Source: splice(2), pipe(7), fcntl(2) (the flag is the open file
 * description's).
 */
#ifndef GIT_GITCOUNT_H
#define GIT_GITCOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "proc/child.h"
#include "proc/loop.h"

struct gitcount;

/* gitcount_new(): *ret owned; NULL where standard input or output is neither
 * a pipe nor a socket: nothing is counted then, and all below is legal on
 * NULL. 0, or -1 with *ret untouched: ERR_SYS, ERR_MEM. */
int gitcount_new(struct loop *l, struct gitcount **ret, struct err *e);
void gitcount_free(struct gitcount *c);

/* gitcount_io(): s's standard input and output are the pipes. */
void gitcount_io(const struct gitcount *c, struct child_spec *s);

/* gitcount_fds(): the same for who gets descriptors: fd[0] and fd[1] become
 * the pipes', borrowed until gitcount_free(). */
void gitcount_fds(const struct gitcount *c, int fd[3]);

/* late: the time was over before all had gone out. */
typedef void gitcount_fn(void *arg, bool late);

/*
 * gitcount_finish(): the child is over. What it has said still goes out, for
 * at most timeout_ms (0: no limit), or until nobody reads it any more; then
 * done(arg) is called, once, maybe at once.
 */
void gitcount_finish(struct gitcount *c, uint64_t timeout_ms,
	gitcount_fn *done, void *arg);

/* gitcount_bytes(): so far, from whoever is at our standard input, and to
 * whoever reads our standard output. -1 on NULL. */
void gitcount_bytes(const struct gitcount *c, int64_t *ret_in,
	int64_t *ret_out);

#endif
