/* SPDX-License-Identifier: ISC */
/*
 * gitssh: the argv of an ssh from the gateway to the git server, and what its
 * own words (-E, away from the standard error that is the session's) say of
 * how far it came. No configuration of a user's is read. Pure.
 */
#ifndef GIT_GITSSH_H
#define GIT_GITSSH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"
#include "gitconf.h"
#include "ssh/sshargv.h"

#define GITSSH_LOG_MAX	65536	/* bytes of its words that are looked at */

/* What a master of the pool is called, below the folder run-dir. */
#define GITSSH_SOCKET	"mux/%u"

struct gitssh {
	const struct gitconf_gateway *conf;	/* all borrowed */
	const char *dest;
	const char *socket;		/* of a master; NULL: none */
	const char *log;		/* -E; NULL: standard error */
	const char *command;		/* NULL: none, this is a master */
};

/* gitssh_path(): NAME="PATH" appended, as an option's value with one path in
 * it: ssh splits at blanks, and expands what follows a '%'. 0, or -1: out of
 * memory, or PATH has a quote in it. */
int gitssh_path(struct strv *out, const char *name, const char *path);

/* gitssh_argv(): appended to out (zeroed or empty). 0, or -1: ERR_CONFIG,
 * ERR_MEM. */
int gitssh_argv(const struct gitssh *s, struct strv *out, struct err *e);

/* gitssh_check_argv(): that of an ssh -O check of a master. As above. */
int gitssh_check_argv(const struct gitssh *s, struct strv *out,
	struct err *e);

struct gitssh_said {
	bool stood;		/* a session was there: standard input may
				 * have been read */
	enum sshfail fail;	/* the worst that was said */
};

/*
 * gitssh_said(): reads len bytes of an ssh's words (LogLevel DEBUG1).
 * why  the line that says the most, appended, escaped; nothing when none says
 *      anything. What it only says for debugging does not count. May be NULL.
 */
struct gitssh_said gitssh_said(const char *text, size_t len,
	struct buf *why);

#endif
