/* SPDX-License-Identifier: ISC */
/*
 * link: an ssh of ours that runs one command on one host, on two descriptors
 * that somebody else speaks on, and what became of it. It keeps ssh's last
 * meaningful words, escaped, and says in the end which of the things that
 * went wrong was the cause.
 *
 *	link_start → on_end once → link_judge() → link_free
 */
#ifndef BACKUP_LINK_H
#define BACKUP_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "proc/loop.h"
#include "settings.h"
#include "ssh/sshargv.h"

#define LINK_NOT_FOUND 127	/* what a shell exits with: no such program */

struct link;

struct link_spec {
	const char *dest;	/* borrowed for the link's life */
	char *const *argv;	/* of ssh (ssh/sshargv.h), or of what stands in
				 * its place; borrowed for the call */
	int in, out;		/* borrowed: ssh's stdin and stdout */
	/* A line of its stderr, not escaped; cut: its end is missing. May be
	 * NULL. */
	void (*on_said)(void *arg, const char *line, bool cut);
	/* ssh has ended. */
	void (*on_end)(void *arg);
	void *arg;
};

/* link_start(): returns owned, or NULL: ERR_SYS, ERR_MEM. */
struct link *link_start(struct loop *l, const struct link_spec *s,
	struct err *e);
/* link_free(): kills it. NULL is legal; from its callback, too. */
void link_free(struct link *k);

/* link_deadline(): it is to end within ms. */
void link_deadline(struct link *k, uint64_t ms);
/* link_over(): whether it has ended; link_status() is its exit status then,
 * 128 + N for signal N. */
bool link_over(const struct link *k);
int link_status(const struct link *k);
/* link_said(): whether it said anything that explains its end. */
bool link_said(const struct link *k);

/*
 * link_judge(): what became of it, for a person, once it is over. other: what
 * else went wrong (with the frames on it); code ERR_NONE: nothing. *e is
 * ERR_TIMEOUT (unreachable, silent: try again), ERR_PEER (what ssh or the
 * other side said), or other's.
 */
void link_judge(const struct link *k, const struct err *other,
	struct err *e);

#endif
