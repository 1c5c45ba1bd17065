/* SPDX-License-Identifier: ISC */
/* half_priv: what half.c (both halves' lives), half_start.c (their birth) and
 * half_wire.c (the sockets of the half that writes) share. */
#ifndef POSTERN_BACKUP_HALF_PRIV_H
#define POSTERN_BACKUP_HALF_PRIV_H

#include "base/buf.h"
#include "half.h"
#include "proc/lines.h"

/* The sockets of a receiving rsync, as its relay gave them. */
struct wire {
	struct half *half;
	struct loop *loop;
	int ctl;		/* our end of the relay's socket; -1: told */
	int theirs;		/* the relay's end, until it is started */
	int from, to;		/* rsync's stream; -1: not yet, or closed */
	int relay;		/* pidfd of the relay, while it waits */
	struct loop_fd *ctl_watch, *from_watch, *to_watch, *relay_watch;
	struct buf queue;	/* for rsync; the first .off bytes are gone */
	size_t off;
	bool paused;
	bool finish;		/* half_finish(): rc, once nothing waits */
	bool deaf;		/* rsync reads no more */
	unsigned char rc;
};

#define SAID_LINES 8

struct half {
	struct half_calls calls;
	struct child *child;
	bool recv;
	struct wire wire;	/* when recv */
	struct lines printed;	/* when recv */
	struct loop_timer *rest; /* when recv: its stdout is paused so long */
	pid_t pid;
	bool over;		/* rsync has ended, with status */
	int status;
	bool finished;
	bool orphan;		/* half_wire_orphaned() */
	struct err err;
	char *said[SAID_LINES];	/* the oldest is at said_at */
	unsigned said_at;
	unsigned busy;
	bool dead;
};

/* What the child calls. */
void half_on_line(void *arg, enum child_stream s, const char *line,
	size_t len, bool cut);
void half_on_raw(void *arg, const void *data, size_t len);
ssize_t half_take(void *arg, int from, size_t max);
void half_on_drain(void *arg);
void half_on_rested(void *arg);
void half_on_child_end(void *arg, const struct child_end *end);

/* wire_init(): makes the socket pair. 0, or -1 ERR_SYS, ERR_MEM. */
int wire_init(struct wire *w, struct half *h, struct loop *l, struct err *e);
void wire_clear(struct wire *w);
size_t wire_queued(const struct wire *w);
int wire_write(struct wire *w, const void *data, size_t len, struct err *e);
void wire_pause(struct wire *w, bool on);
void wire_finish(struct wire *w, int rc);
/* wire_drain(): what rsync sent before it ended, to half_wire_data(). false:
 * there may be more once the pause is over. */
bool wire_drain(struct wire *w);

/*
 * wire_fds(): the relay's one message: 'F' and a command of *len bytes (at
 * most its room before) into text. Returns how many descriptors came, all of
 * them in fds when there were no more than two; a third one makes the kernel
 * cut the message, and closes it. *ret_pid: who sent it, as the kernel says
 * (SO_PASSCRED).
 */
int wire_fds(int ctl, int fds[2], char *text, size_t *len, pid_t *ret_pid);
/* wire_is_stream(): whether fd is a unix stream socket. */
bool wire_is_stream(int fd);

/* What it calls back; each may free the half, which is kept until the wire's
 * own callback has returned (half_enter(), half_leave()). */
void half_enter(struct half *h);
/* false: h was freed by it or is gone. */
bool half_leave(struct half *h);
bool half_dead(const struct half *h);
/* The two sockets and the command: true when somebody else has taken them. */
bool half_wire_given(struct half *h, const int fds[2], const char *command,
	size_t len);
void half_wire_data(struct half *h, const void *data, size_t len);
void half_wire_room(struct half *h);
void half_wire_failed(struct half *h, const struct err *e);
/* The relay is gone, and had not been told anything. */
void half_wire_orphaned(struct half *h);
/* rsync's stream was read to its end after it was over. */
void half_wire_dry(struct half *h);

#endif
