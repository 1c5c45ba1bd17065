/* SPDX-License-Identifier: ISC */
/*
 * gitwire: the one line by which the gateway asks the git server for a
 * command. It is the command of an ssh, so that it arrives there as
 * SSH_ORIGINAL_COMMAND, and needs no AcceptEnv:
 *
 *	v1 id=ID ip=IP fp=FP sid=SID [gitproto=version=N] -- COMMAND
 *
 *	ID	gitid.h: whose key it was
 *	IP	the client's address: IPv4, IPv6, with a %zone; "-": unknown
 *	FP	SHA256: and 43 digits of base64, as ssh-keygen -l shows it;
 *		"-": unknown
 *	SID	16 digits of lower case hex, the session in both sides' logs
 *	COMMAND	what gitcmd_emit() wrote; gitcmd_parse() reads it anew
 *
 * One space between, this order, each field once, gitproto alone may be
 * missing. At most GITWIRE_MAX bytes of 20..7e: COMMAND is ASCII (gitword.h),
 * and so is all else. Pure.
 */
#ifndef GIT_GITWIRE_H
#define GIT_GITWIRE_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "gitid.h"
#include "gitproto.h"

#define GITWIRE_MAX	4096	/* bytes of a line */
#define GITWIRE_IP	64	/* bytes, each with the NUL */
#define GITWIRE_FP	51
#define GITWIRE_SID	17

struct gitwire {
	char id[GITID_MAX + 1];
	char ip[GITWIRE_IP];
	char fp[GITWIRE_FP];
	char sid[GITWIRE_SID];
	char gitproto[GITPROTO_MAX];	/* "": none */
	const char *command;		/* borrowed; not terminated */
	size_t command_len;
};

/* gitwire_emit(): the line, appended to out. 0, or -1: ERR_CONFIG (a field
 * that is not as above, by name), ERR_MEM (out's cap is reached); then nothing
 * was appended. */
int gitwire_emit(const struct gitwire *w, struct buf *out, struct err *e);

/* gitwire_client(): ip out of an SSH_CONNECTION (borrowed; NULL: none), which
 * begins with the client's address; "-" when that is none (sshd says UNKNOWN
 * where it is not called over IP). */
void gitwire_client(struct gitwire *w, const char *ssh_connection);

/* gitwire_parse(): len bytes at line. ret->command points into line.
 * 0, or -1 ERR_PEER: what is wrong with it; *ret is untouched then. */
int gitwire_parse(const char *line, size_t len, struct gitwire *ret,
	struct err *e);

#endif
