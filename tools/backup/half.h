/* SPDX-License-Identifier: ISC */
/*
 * half: one rsync of a transfer, confined, on a loop, as a stream of bytes.
 * The half that reads is postern-backup-send, an rsync daemon on two pipes.
 * The half that writes is postern-backup-recv, whose rsync is the client: its
 * --rsh, postern-backup-relay, gives us the two sockets that rsync talks on.
 * Whoever starts a half moves bytes between it and the other end and judges
 * none of them.
 *
 *	half_send_start() or half_recv_start() → on_data … half_write() … →
 *	half_finish() when the other end is over → on_end once → half_free()
 *
 * Bytes to rsync: half_write() takes half_room() bytes at once, of which at
 * most HALF_QUEUE_MAX wait here; on_room says that nothing waits any more.
 * Bytes from rsync: on_data as they come, at most HALF_DATA_MAX in a call (a
 * frame's payload); none while half_pause() is on, but for what was read
 * before. The end waits for the pause to be lifted.
 *
 * The descriptors that come from the jail are not trusted: they must be two
 * unix stream sockets, come in one message, and are used with MSG_DONTWAIT
 * (relay.c says why).
 *
 * Nothing survives: each half is a process group which seccomp doesn't let
 * its members leave, killed as a whole when rsync's first process has ended,
 * and by half_free(). When we are killed, the kernel kills rsync's first
 * process; the others see the end of their streams and end.
 *
 * May be freed in any of its callbacks; before loop_free().
 */
#ifndef POSTERN_BACKUP_HALF_H
#define POSTERN_BACKUP_HALF_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "proc/child.h"
#include "proc/loop.h"

#define HALF_QUEUE_MAX ((size_t)262144)
#define HALF_DATA_MAX ((size_t)65536)
#define HALF_COMMAND_MAX ((size_t)4096)

struct half;

struct half_end {
	int rc;			/* rsync's exit status; 120: the jail could
				 * not be made; 128 + N: killed by signal N */
	const char *why;	/* "exit status 23", "killed by signal 9 …" */
	const char *said;	/* the last lines of stderr, escaped, one a
				 * line; "" when there are none */
	const struct err *err;	/* why we ended it; code ERR_NONE: we didn't */
};

/* All may be NULL but on_data (or on_given) and on_end. */
struct half_calls {
	/* Bytes for the other end; borrowed for the call. */
	void (*on_data)(void *arg, const void *data, size_t len);
	/* The half that reads: instead of on_data, as child.h's raw_take. May
	 * be NULL. */
	ssize_t (*take)(void *arg, int from, size_t max);
	/* Nothing waits any more to be written to rsync. */
	void (*on_room)(void *arg);
	/* A line that rsync printed, not escaped: on stdout (the half that
	 * writes only: --info, --out-format; a progress line ends in CR, and
	 * empty ones are left out) or on stderr. */
	void (*on_line)(void *arg, enum child_stream s, const char *line,
		size_t len, bool cut);
	/*
	 * The half that writes: instead of on_data, on_room, half_write() and
	 * half_pause(): rsync's stream as two descriptors, taken by the
	 * callee: what it sends is read from from, what it gets is written to
	 * to; and the command that it would run there, len bytes that are the
	 * jail's word (gate.h reads them). half_finish() is told its status.
	 */
	void (*on_given)(void *arg, int from, int to, const char *command,
		size_t len);
	/* No more calls. end: borrowed for the call. */
	void (*on_end)(void *arg, const struct half_end *end);
	void *arg;
};

/* Texts are borrowed for the call of half_*_start() only. */
struct half_send {
	const char *program;	/* postern-backup-send */
	const char *config;	/* absolute; rsyncd.conf(5) */
	const char *rules;	/* absolute, or NULL: its "exclude from" */
	const char *grants;	/* grants.h */
	const char *nice;	/* "0" … "19", or NULL */
	const char *ionice;	/* "idle", "best-effort:N", or NULL */
	const char *bwlimit;	/* KiB a second, or NULL */
	const char *list;	/* absolute: what rsync may read besides, the
				 * list of what it sends; or NULL */
};

struct half_recv {
	const char *program;	/* postern-backup-recv; the relay beside it */
	const char *dir;	/* all that it may write to */
	bool privileged;	/* owners, devices, file capabilities */
	uid_t uid;		/* that rsync runs as, if not 0: we are root */
	gid_t gid;
	char *const *argv;	/* as recvargs.h takes them, NULL-ended */
};

/* half_send_start(), half_recv_start(): what the jail itself refuses comes as
 * on_end with 120 or 64. Return owned, or NULL: ERR_SYS, ERR_MEM. */
struct half *half_send_start(struct loop *l, const struct half_send *what,
	const struct half_calls *calls, struct err *e);
struct half *half_recv_start(struct loop *l, const struct half_recv *what,
	const struct half_calls *calls, struct err *e);
/* half_free(): kills it when it is not over. NULL is legal. */
void half_free(struct half *h);

/* half_write(): queue bytes (copied) for rsync. 0, or -1: ERR_MEM more than
 * half_room(), ERR_PEER rsync reads no more (its end is near, and says why),
 * or half_finish() was called. */
int half_write(struct half *h, const void *data, size_t len, struct err *e);
/* half_room(): how much half_write() takes now. */
size_t half_room(const struct half *h);
/* half_pause(): stop or resume on_data. */
void half_pause(struct half *h, bool on);

/*
 * half_finish(): the other end is over with the exit status rc (0 to 255) and
 * sends no more; what waits is written first. The half that reads sees the
 * end of its stdin, the half that writes learns rc, too. Without it the half
 * that writes never ends. When rc is not 0, rsync is given 5 s to end by
 * itself, then SIGTERM, and SIGKILL 2 s later.
 */
void half_finish(struct half *h, int rc);
/* half_kill(): SIGKILL; on_end comes. */
void half_kill(struct half *h);
/* half_pid(): rsync's first process; 0 once it is over. */
pid_t half_pid(const struct half *h);

/* half_program(): the path of a program that lies beside this one, into out
 * (cap bytes). 0, or -1 ERR_SYS. */
int half_program(const char *name, char *out, size_t cap, struct err *e);

#endif
