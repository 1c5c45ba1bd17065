/* SPDX-License-Identifier: ISC */
/*
 * gitproto: the value of GIT_PROTOCOL, by which a client asks for a version of
 * git's protocol. It comes from the client (AcceptEnv) and goes into another
 * process's environment. Pure.
 *
 *	value	1 to GITPROTO_IN_MAX bytes of A-Z a-z 0-9 . _ / = : - ; keys
 *		with ':' between
 *	key	version=0, version=1 or version=2; the highest counts
 *
 * Other keys are dropped: git wants unknown ones ignored, and today's git
 * knows none but version. Other bytes are an attack, no protocol.
 * Source: determine_protocol_version_server() in git's protocol.c; git(1).
 */
#ifndef GIT_GITPROTO_H
#define GIT_GITPROTO_H

#include <stddef.h>

#include "base/err.h"

#define GITPROTO_IN_MAX	256
#define GITPROTO_MAX	16	/* bytes of what is let through, with NUL */

/*
 * gitproto_filter(): value (borrowed; NULL or "": none) into ret: "version=N",
 * or "" when it asks for nothing known. Untouched on failure.
 * Returns 0, or -1 ERR_REFUSED: other bytes, or too many.
 */
int gitproto_filter(const char *value, char ret[GITPROTO_MAX],
	struct err *e);

#endif
