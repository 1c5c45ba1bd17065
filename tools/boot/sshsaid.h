/* SPDX-License-Identifier: ISC */
/*
 * sshsaid: of what an ssh says on its standard error, why it came to nothing.
 */
#ifndef BOOT_SSHSAID_H
#define BOOT_SSHSAID_H

#include <stdbool.h>

#include "base/buf.h"
#include "bootpins.h"
#include "ssh/sshargv.h"

#define SSHSAID_WORDS 200

struct sshsaid {
	enum sshfail fail;		/* the worst */
	struct bootpins_seen seen;
	char words[SSHSAID_WORDS + 1];	/* the last, or worst; may be a peer's:
					 * escape it */
};

/* sshsaid_note(): a line. peer: it may be the far side's by now. */
void sshsaid_note(struct sshsaid *s, const char *line, bool peer);

/* sshsaid_keys(): the key of that line of the file, and the one that was
 * shown, appended: "is FP (FILE:LINE), it shows FP". file: NULL for the one
 * that ssh named. */
void sshsaid_keys(const struct sshsaid *s, const char *file, struct buf *out);

#endif
