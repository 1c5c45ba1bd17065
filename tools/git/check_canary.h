/* SPDX-License-Identifier: ISC */
/*
 * canary: a key that a check makes, to see what becomes of it. On the git
 * server: unknown, then pushed to the gateway among all others, then gone. On
 * the gateway: in a file of root's that sshd reads (gitcheck.h), then gone.
 * Its private half is in locked memory and nowhere else, so that nobody has it
 * when the check has ended, however that came about.
 *
 *	canary_begin, or canary_begin_here → canary_login, … → canary_end
 */
#ifndef GIT_CHECK_CANARY_H
#define GIT_CHECK_CANARY_H

#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "gitcheck.h"
#include "gitconf.h"
#include "keyline.h"
#include "keysend.h"
#include "pushkeys.h"
#include "secret/memfile.h"

struct canary {
	const struct gitconf_server *conf;	/* borrowed; NULL: here */
	const struct passwd *user;		/* borrowed: gitolite's */
	struct memfile key, known;
	struct keysend way;	/* to the gateway's sshd */
	uint64_t login_ms;	/* for one; 0: CANARY_LOGIN_MS */
	struct buf public;
	char fp[KEYLINE_FP_TEXT];
	int status;		/* of the last login that was let in, as a
				 * shell has it */
	struct gitcheck held;
	bool begun, out;	/* out: maybe in force on the gateway */
	sigset_t old;
};

#define CANARY_INIT { .held = GITCHECK_NONE }

/* For all of a login, its way included. No setting of either side's changes it:
 * the gateway waits for the git server as long as answer-timeout says, 20 s by
 * itself, and that one for gitolite 20 s; a login that would take longer, also
 * since one of these is set longer, ends with ERR_TIMEOUT. */
#define CANARY_LOGIN_MS	30000

/* canary_begin(): the key. Signals that would end us wait until canary_end().
 * 0, or -1: ERR_BUSY (another check runs), ERR_SYS, ERR_MEM. */
int canary_begin(struct canary *c, const struct gitconf_server *conf,
	const struct passwd *user, struct err *e);

/* canary_begin_here(): the key, which sshd on this gateway takes from now on.
 * proxy  the forced command's program.
 * dest   borrowed: how sshd is reached from here; known: its host keys, as a
 *        known_hosts has them.
 * As canary_begin(). */
int canary_begin_here(struct canary *c, const struct passwd *user,
	const char *proxy, const char *dest, const struct buf *known,
	struct err *e);

/* canary_gone(): sshd here takes it no more; it may still try. */
void canary_gone(struct canary *c);

/* canary_end(): pushes once more if the key may still be on the gateway.
 * Legal on CANARY_INIT, and twice. */
void canary_end(struct canary *c);

/* canary_push(): all keys to the gateway, with it or without it. As
 * pushkeys_run(). */
int canary_push(struct canary *c, bool with, struct pushkeys_result *ret,
	struct err *e);

/*
 * canary_login(): in at the gateway with it, for command and in version 2 of
 * git's protocol; what comes back is appended to out. CANARY_*; or -1:
 * ERR_PEER (no session came about, for another reason), ERR_TIMEOUT, ERR_SYS,
 * ERR_MEM.
 */
enum {
	CANARY_REFUSED,		/* by sshd */
	CANARY_IN,		/* and ended well */
	CANARY_IN_FAILED,	/* and did not: *e says why */
};
int canary_login(struct canary *c, const char *command, struct buf *out,
	struct err *e);

#endif
