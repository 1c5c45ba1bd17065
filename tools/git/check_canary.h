/* SPDX-License-Identifier: ISC */
/*
 * canary: a key that a check makes, to see what becomes of it: unknown, then
 * pushed to the gateway among all others, then gone. Its private half is in
 * locked memory and nowhere else, so that nobody has it when the check has
 * ended, however that came about; on the server nobody may use it then
 * (gitcheck.h), and on the gateway it goes with the next push.
 *
 *	canary_begin → canary_login, canary_push … → canary_end
 */
#ifndef GIT_CHECK_CANARY_H
#define GIT_CHECK_CANARY_H

#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "gitconf.h"
#include "keyline.h"
#include "pushkeys.h"
#include "secret/memfile.h"

struct canary {
	const struct gitconf_server *conf;	/* borrowed */
	const struct passwd *user;		/* borrowed: gitolite's */
	struct memfile key;
	struct buf public;
	char fp[KEYLINE_FP_TEXT];
	int held;		/* gitcheck_open()'s */
	bool begun, out;	/* out: maybe in force on the gateway */
	sigset_t old;
};

#define CANARY_INIT { .held = -1 }

/* canary_begin(): the key. Signals that would end us wait until canary_end().
 * 0, or -1: ERR_BUSY (another check runs), ERR_SYS, ERR_MEM. */
int canary_begin(struct canary *c, const struct gitconf_server *conf,
	const struct passwd *user, struct err *e);

/* canary_end(): pushes once more if the key may still be on the gateway.
 * Legal on CANARY_INIT, and twice. */
void canary_end(struct canary *c);

/* canary_push(): all keys to the gateway, with it or without it. As
 * pushkeys_run(). */
int canary_push(struct canary *c, bool with, struct pushkeys_result *ret,
	struct err *e);

/*
 * canary_login(): in at the gateway with it, for 'info'; what comes back is
 * appended to out. CANARY_*; or -1: ERR_PEER (no session came about, for
 * another reason), ERR_TIMEOUT, ERR_SYS, ERR_MEM.
 */
enum {
	CANARY_REFUSED,		/* by sshd */
	CANARY_IN,		/* and ended well */
	CANARY_IN_FAILED,	/* and did not: *e says why */
};
int canary_login(struct canary *c, struct buf *out, struct err *e);

#endif
