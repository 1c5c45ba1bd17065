/* SPDX-License-Identifier: ISC */
/*
 * bootcmd: what a client asks an agent for. Pure; both link it. Its ssh command
 * is one of
 *
 *	list			which prompts wait
 *	unlock ID		a passphrase for one of them is on stdin, up to
 *				its end
 *	peek			what stands on the console's screen
 *	log			which passphrases were given, and by whom
 *
 * and bootline.h has what it is answered. After a list's end the session stays:
 * each line on stdin is a command again, answered in the same way, but for the
 * hello; of an unlock's the passphrase is the next line, once the agent says
 * ready. No line is sent before all of the last one's answer was read. The end
 * of stdin ends it, and so does a minute without a line.
 *
 * That is version 1, too: who knew of no session closes stdin at once, or ends
 * after a list, by which the other one knows. So a session that ends without an
 * answer has done nothing, and is another login's to do.
 */
#ifndef BOOT_BOOTCMD_H
#define BOOT_BOOTCMD_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "bootline.h"

enum bootcmd_verb { BOOTCMD_LIST, BOOTCMD_UNLOCK, BOOTCMD_PEEK,
	BOOTCMD_LOG };

struct bootcmd {
	enum bootcmd_verb verb;
	char id[BOOTLINE_ID];		/* BOOTCMD_UNLOCK */
};

/* bootcmd_parse(): 0, or -1 ERR_REFUSED: not one of the above, to the byte. */
int bootcmd_parse(const char *text, struct bootcmd *ret, struct err *e);
/* bootcmd_line(): the same of len bytes that are to be one line with its
 * newline, in place of which there is a NUL afterwards: they are nowhere else,
 * since they may be a passphrase by mistake. */
int bootcmd_line(char *line, size_t len, struct bootcmd *ret, struct err *e);
/* bootcmd_emit(): without a newline. 0, or -1: out's cap. */
int bootcmd_emit(const struct bootcmd *c, struct buf *out);

#endif
