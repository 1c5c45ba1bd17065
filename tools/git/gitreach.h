/* SPDX-License-Identifier: ISC */
/*
 * gitreach: how far an ssh of ours came, by its exit status and by what it
 * said: whether somebody is not there, refuses us, or let us in and failed
 * then, which a check, a set-up and a push tell apart. Pure.
 *
 *	struct gitreach r = { 0 };
 *	struct keyproc p = { .on_said = gitreach_said, .arg = &r, … };
 *	keyproc_run(&p, …, &end, e), gitreach_end(&r, &end)
 *
 * Source: ssh(1), EXIT STATUS: 255 is ssh's own, which none of our programs
 * ends with. runuser(1), EXIT STATUS: 1, 126 and 127 may be its own as well as
 * a command's; 128 and more is a signal's.
 */
#ifndef GIT_GITREACH_H
#define GIT_GITREACH_H

#include <stdbool.h>

#include "keyproc.h"
#include "ssh/sshargv.h"

struct gitreach {
	enum sshfail fail;	/* why no session came about, as far as ssh
				 * said so; SSHFAIL_OTHER when one did */
	bool in;		/* a session came about */
	int status;		/* how it ended, as a shell has it; 0 also of
				 * one that was ended */
};

/* gitreach_said(): a keyproc's on_said; arg is a struct gitreach. */
void gitreach_said(void *arg, const char *line);

/* gitreach_end(): after the last line. */
void gitreach_end(struct gitreach *r, const struct keyproc_end *end);

/* gitreach_runuser(): then, where runuser ran the ssh and a session came about
 * by the status alone: whether that is runuser's own, since it could not become
 * the user or run ssh, or ssh was killed here; if so, it takes r->in back. */
bool gitreach_runuser(struct gitreach *r, const struct keyproc_end *end);

/* gitreach_came(): then, where words came that only the session itself has: it
 * came about, also when it hung and was ended; unless it was lost. */
void gitreach_came(struct gitreach *r);

#endif
