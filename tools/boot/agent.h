/* SPDX-License-Identifier: ISC */
/*
 * agent: the forced command of a key in the initramfs. What it says goes to
 * standard output, a line (bootline.h) one write(2), so that a session that is
 * cut off leaves whole lines.
 */
#ifndef BOOT_AGENT_H
#define BOOT_AGENT_H

#include "base/err.h"
#include "bootline.h"

struct agent_opts {
	unsigned wait_s;	/* for the disk to be open after a delivery */
	unsigned most;		/* passphrases a minute, of all sessions */
};

/* agent_say(): a line. Nobody reading any more is no failure: what was begun
 * is done to its end. */
void agent_say(const struct bootline *l);
void agent_state(const char *word);
void agent_verdict(const char *word, const char *why);

/* agent_unlock(): one passphrase from standard input to who waits for id. Says
 * its verdict itself. Returns an exit status: 0 for accepted alone. */
int agent_unlock(const struct agent_opts *o, const char *id);

#endif
