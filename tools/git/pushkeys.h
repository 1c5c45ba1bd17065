/* SPDX-License-Identifier: ISC */
/*
 * pushkeys: `postern git push-keys`, on the git server: all keys of gitolite's
 * keydir to the gateway. Also gitolite's trigger push-authkeys, which says
 * nothing when all is well and never fails (gitolite would leave out the
 * triggers that follow, its own authorized_keys among them).
 *
 * Files in the state folder, which belongs to the git user:
 *	sequence	keyserial.h
 *	pushed		how the last push ended: pushnote.h
 *	push.lock	while a sequence is taken and the keydir is read, so
 *			that a higher sequence never has older keys, and while
 *			these files are written; not while the gateway is
 *			waited for
 *	admins, admins.lock	gitadmins.h
 */
#ifndef GIT_PUSHKEYS_H
#define GIT_PUSHKEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "keyreply.h"
#include "keysend.h"

/* All borrowed. */
struct pushkeys_conf {
	const char *server;		/* this server's name */
	const char *keydir;
	const char *state;		/* folder; must be there */
	struct keysend send;
	unsigned timeout_ms;		/* for all of it */
	unsigned tries;			/* at most; 0: as many as fit in */
	bool force;
	bool dry_run;			/* nothing is taken, sent or noted: the
					 * gateway is asked what it has */
	const char *check;		/* "TYPE BASE64": GITID_CHECK's key,
					 * beside those of keydir; NULL: none */
};

struct pushkeys_result {
	uint64_t sequence;
	size_t keys;		/* sent */
	size_t bad;		/* files left out */
	size_t twice;		/* keys that are another file's, too */
	bool again;		/* failed, and may not the next time: nobody
				 * was reached, or the gateway is busy */
	unsigned tries;
	struct keyreply reply;
};

/* what: a file ("keydir/a.pub", escaped) and why it is left out. */
typedef void pushkeys_bad_fn(void *arg, const char *file, const char *why);

/*
 * pushkeys_run(): one push; or in a dry run the keys that it would have, and
 * the gateway's KEYREPLY_NOW.
 * Returns 0: the keys are in force (reply is ok or same), or newer ones that
 * were pushed meanwhile (stale). -1: ERR_REFUSED (the gateway's rule),
 * ERR_BUSY, ERR_TIMEOUT, ERR_PEER, ERR_SYS, ERR_CONFIG, ERR_MEM; *ret is
 * filled as far as it came.
 */
int pushkeys_run(const struct pushkeys_conf *c, pushkeys_bad_fn *on_bad,
	void *arg, struct pushkeys_result *ret, struct err *e);

/* How a push is talked about. */
enum pushkeys_voice { PUSHKEYS_TEXT, PUSHKEYS_JSON, PUSHKEYS_TRIGGER };

/* pushkeys_main(): runs it and says what came of it; to syslog as well.
 * Returns the exit status: 0, 2 (some files were left out), or err_exit()'s;
 * as a trigger 0 always. */
int pushkeys_main(const struct pushkeys_conf *c, enum pushkeys_voice voice,
	bool quiet);

#endif
