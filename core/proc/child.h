/* SPDX-License-Identifier: ISC */
/*
 * child: one child process with its stdin, stdout and stderr, on a loop.
 *
 * The child gets: the three fds and nothing else (everything of ours is
 * O_CLOEXEC), default signal dispositions and an empty mask, its own process
 * group when asked, SIGKILL when we die (PR_SET_PDEATHSIG), and the
 * environment as it stands or as given. exec failures are reported by
 * child_start() itself, not as an exit status.
 *
 * Output is handed over as it comes, by line or raw. The child is over when
 * the process has ended: what is still readable then is delivered, but we do
 * not wait for end of file, since a ControlMaster that ssh leaves behind
 * keeps the pipes open. While the owner pauses stdout the end waits for it,
 * unless the child was killed. A child that even SIGKILL does not end (it is
 * not ours to kill, or hangs in the kernel) is given up 2 s later and
 * reported as killed.
 *
 *	child_start() → on_line / on_raw … → on_end() once → child_free()
 *
 * child_free() before on_end() kills (SIGKILL, the group too when it has
 * one, but see keep_on_death); the loop reaps it, without a callback. It may
 * be called from any of the child's own callbacks, and must be called before
 * loop_free().
 * Source: vfork(2), prctl(2), ssh(1).
 */
#ifndef POSTERN_CHILD_H
#define POSTERN_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "proc/loop.h"

#define CHILD_RAW_MAX 65536

struct child;

enum child_io {
	CHILD_NULL,	/* /dev/null */
	CHILD_PIPE,	/* a pipe to or from us */
	CHILD_INHERIT,	/* ours */
	CHILD_FD,	/* the fd in spec->fd[i], borrowed */
};

enum child_stream { CHILD_STDOUT = 1, CHILD_STDERR = 2 };

struct child_end {
	int status;		/* as waitpid(2) gave it */
	bool timed_out;		/* we killed it at its deadline */
	int io_errno;		/* a read of its output failed with this, so
				 * that some is missing; we killed it if it
				 * still ran. 0: none did */
};

struct child_spec {
	char *const *argv;	/* borrowed; argv[0] searched in PATH */
	char *const *envp;	/* borrowed; NULL: ours */
	enum child_io io[3];
	int fd[3];		/* for CHILD_FD */
	bool own_group;		/* setpgid(0, 0) */
	bool keep_on_death;	/* no PR_SET_PDEATHSIG, and child_free() only
				 * closes its pipes: it ends by itself */
	size_t line_max;	/* longer lines are cut there; 0: 4096 */
	size_t out_max;		/* cap of bytes queued to stdin; 0: 1 MiB */
	uint64_t timeout_ms;	/* SIGTERM then, SIGKILL 2 s later; 0: none */
	/* One hook between fork and exec, async-signal-safe; not 0: exec is
	 * not tried and errno is reported. May be NULL. */
	int (*before_exec)(void *arg);
	/* May be NULL. line: NUL-terminated, no newline, borrowed for the
	 * call; len counts NUL bytes inside. cut: line_max was reached, the
	 * rest is dropped. */
	void (*on_line)(void *arg, enum child_stream s, const char *line,
		size_t len, bool cut);
	/* Raw stdout bytes after child_raw(); borrowed for the call, at most
	 * CHILD_RAW_MAX: all that a pipe holds. */
	void (*on_raw)(void *arg, const void *data, size_t len);
	/*
	 * Instead of on_raw, which still gets what came along with the line
	 * that began it, to move bytes on without reading them: takes at most
	 * max bytes of those that are ready in fd, which stays ours. As
	 * read(2): how many it took, 0 at the end, -1 with errno. It must take
	 * some, whatever the owner paused: they come when the child is over,
	 * too. May be NULL.
	 */
	ssize_t (*raw_take)(void *arg, int fd, size_t max);
	/* No more on_raw: the child closed its stdout in raw mode, or is
	 * over. Once. May be NULL. */
	void (*on_raw_eof)(void *arg);
	/* Nothing is queued any more: written, or dropped because the child
	 * closed its stdin (that alone is no failure). May be NULL. */
	void (*on_drain)(void *arg);
	void (*on_end)(void *arg, const struct child_end *end);
	void *arg;
};

/* child_start(): spec is copied; argv, envp and fds are needed for the call
 * only. Returns owned, or
 * NULL: ERR_SYS (pipe, fork; exec: the message names argv[0]), ERR_MEM. */
struct child *child_start(struct loop *l, const struct child_spec *spec,
	struct err *e);
void child_free(struct child *c);	/* NULL is legal */

pid_t child_pid(const struct child *c);

/* child_send(): queue bytes (copied) for its stdin. 0, or -1: ERR_MEM the
 * cap is reached, ERR_PEER its stdin is closed. */
int child_send(struct child *c, const void *data, size_t len, struct err *e);
/* child_send_secret(): the same for bytes that must not be copied into
 * ordinary memory: written from where they lie, after what is queued, before
 * what is queued later. data is borrowed until done(arg) is called (once:
 * written, or its stdin is closed, or the child is over or freed); done may
 * call anything of this child's. */
int child_send_secret(struct child *c, const void *data, size_t len,
	void (*done)(void *arg), void *arg, struct err *e);
/* child_queued(): bytes that wait to be written. */
size_t child_queued(const struct child *c);
/* child_close_stdin(): after what is queued. */
void child_close_stdin(struct child *c);
/* child_raw(): from within on_line for stdout: what follows that line is
 * delivered by on_raw. */
void child_raw(struct child *c);
/* child_pause(): stop or resume reading stdout (back pressure). Lines that
 * were read before are still delivered. */
void child_pause(struct child *c, bool on);
/* child_room(): its stdin and stdout, where they are pipes, hold so many bytes
 * (F_SETPIPE_SZ): who streams waits less often for the other end. A hint: what
 * the kernel refuses stays as it is. */
void child_room(struct child *c, int bytes);
/* child_kill(): signal the process, or its group when it has one. */
void child_kill(struct child *c, int signo);
/* child_deadline(): SIGTERM ms from now instead of timeout_ms; 0: never.
 * No-op once a deadline has passed. */
void child_deadline(struct child *c, uint64_t ms);

/* child_why(): "exit status 3", "killed by signal 9 (Killed)" into out. */
void child_why(int status, char *out, size_t cap);

#endif
