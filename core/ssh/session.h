/* SPDX-License-Identifier: ISC */
/*
 * session: one POSIX sh script running on a host, over ssh or on this
 * machine, where nothing of ours is installed.
 *
 * The command is a fixed one-line bootstrap that any login shell passes on
 * unharmed (sh, csh, fish): it reads the script from its stdin up to a line
 * "#END" and evaluates it; what follows on stdin is the script's own input.
 * So no script text and no secret is ever in an argv, and a key whose forced
 * command is a fixed script (which skips up to "#END") works unchanged.
 *
 * The script answers in lines "postern EVENT [TEXT]" on stdout or stderr,
 * handed to on_event; other lines go to on_noise (ssh's own messages, a
 * login shell's greeting). Anything that arrives is a peer's text: bounded
 * here (a line of more than 16 KiB, or with a NUL, is noise), escaped by
 * whoever shows it. After session_raw(), called from within
 * on_event, stdout is raw. The first event ends the connect deadline.
 *
 * With beat_ms the client sends a line "beat" that often: the watchdog
 * beside the script ends everything when they stop.
 */
#ifndef POSTERN_SESSION_H
#define POSTERN_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strv.h"
#include "proc/child.h"
#include "proc/loop.h"
#include "ssh/sshargv.h"

struct session;

struct session_end {
	int status;		/* waitpid(2) status of ssh or sh; exit
				 * status 1 for a 0 with words that could
				 * not be read */
	bool timed_out;		/* connect or run deadline passed */
	bool had_event;		/* the script said something before */
	enum sshfail fail;	/* what ssh said, when it failed (255) or
				 * timed out; after an event only
				 * SSHFAIL_LOST is believed */
	char why[256];		/* one line for a person, escaped: ssh's last
				 * meaningful words or the exit status */
};

struct session_spec {
	/* NULL: on this machine, without ssh; the script then has here=1. */
	const char *dest;
	const char *become;	/* NULL, or a prefix such as "sudo -n" */
	const struct sshargv_opts *ssh;
	const char *script;	/* borrowed until session_start returns */
	const struct strv *vars;	/* "name=value" pairs, set before the
				 * script runs; values are quoted here */
	uint64_t connect_ms;	/* until the first event; 0: no deadline */
	uint64_t run_ms;	/* after the first event; 0: none */
	unsigned beat_ms;	/* 0: no beats */
	/* ev: the word after "postern "; text: the rest, "" if none. */
	void (*on_event)(void *arg, const char *ev, const char *text);
	void (*on_noise)(void *arg, enum child_stream s, const char *line);
	void (*on_raw)(void *arg, const void *data, size_t len);
	void (*on_raw_eof)(void *arg);
	void (*on_drain)(void *arg);
	void (*on_end)(void *arg, const struct session_end *end);
	void *arg;
};

/* session_start(): returns owned, or NULL as child_start(), and ERR_CONFIG:
 * dest; a script or value with a line "#END"; a variable's name that is not
 * [a-z_][a-z0-9_]*; a become with more than plain words. session_free() may
 * be called from any callback. */
struct session *session_start(struct loop *l, const struct session_spec *s,
	struct err *e);
/* session_free(): kills ssh. A script on this machine only finds its pipes
 * closed, as one behind sshd does: it cleans up after itself. NULL is legal. */
void session_free(struct session *s);

/* The session's child, for child_send(), child_pause(), … */
struct child *session_child(struct session *s);
/* session_raw(): see above. Stops the beats. */
void session_raw(struct session *s);
/* session_run_ms(): a new run deadline from now; 0: none. */
void session_run_ms(struct session *s, uint64_t ms);

/* session_argv(): what session_start() would execute, for --dry-run. */
int session_argv(const struct session_spec *s, struct strv *out,
	struct err *e);

#endif
