/* SPDX-License-Identifier: ISC */
/*
 * gitprobe: what may be asked of the git server as GITID_CHECK, who is no user
 * of gitolite's: whether all of the way works, and two questions about the
 * keys. By `postern git check` of either side, through sshd and the forced
 * commands like anybody; and by the gateway itself, for its set-up and its
 * status.
 *
 *	info				gitolite's greeting, its first line
 *	git-upload-pack 'postern-check'	whether git speaks version 2
 *	key-status			how the last push of keys ended
 *	key-push			a push of keys now, as the timer's
 *
 * A gateway may ask at any time, since it could say any id anyway; so nothing
 * here is worth having. These four words and nothing else are known, nothing
 * that comes on stdin is read, and what goes back are lines of ours, of which
 * the longest word is gitolite's greeting; and why it failed, with the last
 * line that gitolite or git said on standard error then, escaped. That one is
 * meant for whoever asks: in a session of anybody's, and a gateway can ask for
 * one, all such lines come as they are. It can't be made to tell of what is in
 * a repository: whoever asks has no word in what gitolite is given. The lines:
 *
 *	postern-check ip=IP fp=FP gitproto=PROTO serves=gitolite|another
 *	hello postern-check, ...
 *	postern-check git=2
 *	postern-check sequence=N keys=N pushed=N taken=N ok=yes|no
 *	postern-check pushed=N keys=N left-out=N
 *
 * Pure.
 */
#ifndef GIT_GITPROBE_H
#define GIT_GITPROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "gitid.h"
#include "gitwire.h"

enum gitprobe {
	GITPROBE_NONE,		/* no probe: somebody's session */
	GITPROBE_INFO,
	GITPROBE_GIT,
	GITPROBE_STATUS,
	GITPROBE_PUSH,
};

#define GITPROBE_C_INFO		"info"
#define GITPROBE_C_GIT		"git-upload-pack '" GITID_CHECK "'"
#define GITPROBE_C_STATUS	"key-status"
#define GITPROBE_C_PUSH		"key-push"

/* What gitolite gets for GITPROBE_GIT: a repository that each has. */
#define GITPROBE_REPO		"git-upload-pack 'gitolite-admin'"

/* Each line of ours begins so. */
#define GITPROBE_WORD		GITID_CHECK " "
#define GITPROBE_GREETS		"hello " GITID_CHECK ","
#define GITPROBE_V2		GITPROBE_WORD "git=2"

/* gitprobe_parse(): w's command, whose id is GITID_CHECK. 0, or -1:
 * ERR_REFUSED (none of the four; the second without version 2 of git's
 * protocol, whose answer would tell of the repository). */
int gitprobe_parse(const struct gitwire *w, enum gitprobe *ret,
	struct err *e);

/* gitprobe_verb(): for the log. Static. */
const char *gitprobe_verb(enum gitprobe p);

/* What came of the way there, of the first line. */
struct gitprobe_way {
	bool version2;		/* asked for, and so it arrived */
	bool ip;		/* the server knows an address */
	bool gitolite;		/* and not another program serves there */
	char shown[120];	/* the line's own words, escaped */
};

/* gitprobe_way(): whether text has that line. */
bool gitprobe_way(const char *text, struct gitprobe_way *ret);

/* Of the git server's keys. */
struct gitprobe_keys {
	uint64_t sequence, keys;	/* of its last push */
	uint64_t pushed;		/* when that was; 0: none yet */
	uint64_t taken;			/* its last sequence, also of a push
					 * that never arrived */
	bool ok;			/* the last push arrived */
};

/* gitprobe_keys(): the answer to GITPROBE_STATUS in text. 0, or -1
 * ERR_PEER: there is none. */
int gitprobe_keys(const char *text, struct gitprobe_keys *ret, struct err *e);

/* gitprobe_pushed(): the same of GITPROBE_PUSH: sequence and keys. */
int gitprobe_pushed(const char *text, struct gitprobe_keys *ret,
	struct err *e);

#endif
