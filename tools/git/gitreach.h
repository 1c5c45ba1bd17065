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
 * ends with.
 */
#ifndef GIT_GITREACH_H
#define GIT_GITREACH_H

#include <stdbool.h>

#include "keyproc.h"
#include "ssh/sshargv.h"

struct gitreach {
	enum sshfail fail;	/* why no session came about, as far as ssh
				 * said so; SSHFAIL_OTHER when one did */
	bool in;		/* a session came about, and ended in time */
	int status;		/* then: how, as a shell has it */
};

/* gitreach_said(): a keyproc's on_said; arg is a struct gitreach. */
void gitreach_said(void *arg, const char *line);

/* gitreach_end(): after the last line. */
void gitreach_end(struct gitreach *r, const struct keyproc_end *end);

#endif
