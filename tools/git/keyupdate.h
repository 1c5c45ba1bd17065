/* SPDX-License-Identifier: ISC */
/*
 * keyupdate: the gateway's end of a key push, the forced command of the git
 * server's push key. Reads one push (keyread.h), holds it against the rules
 * (keyrules.h), puts it into the store (keystore.h), ends sessions of keys
 * that went if that is asked for, and answers with one line (keyreply.h).
 *
 * The key of a server's check (GITID_CHECK) is in force like any other, and
 * leaves nothing behind: the push after it, if it has what stood before it, is
 * a way back to that generation, and the one with the key is removed. It
 * counts as no key where rules count.
 *
 * Nothing is locked before all of the push has come and its signature is
 * good. Whatever fails, the keys in force stay in force. What is refused or
 * skipped is written to syslog (LOG_AUTHPRIV).
 */
#ifndef GIT_KEYUPDATE_H
#define GIT_KEYUPDATE_H

#include <stdbool.h>
#include <stddef.h>

#include "keypush.h"
#include "keyreply.h"

/* All borrowed. */
struct keyupdate_conf {
	const char *keys;		/* the store */
	const char *proxy;		/* absolute path of the forced command
					 * that each line gets */
	const char *server;		/* name of the git server; principal in
					 * allowed_signers */
	const char *allowed_signers;
	const char *base;		/* root's own authorized_keys: no id
					 * gets one of its keys; missing or
					 * NULL: none */
	const char *sessions;		/* their folder */
	bool revoke_end;		/* false: those of keys that went go on
					 * (revoke = keep) */
	const struct keypush_limits *limits;	/* NULL: keypush's own */
	size_t min_keys;
	unsigned max_drop_pct;
	size_t generations;		/* to keep */
	unsigned read_ms;		/* until all has to have come */
	unsigned lock_ms;		/* to wait for another update */
};

/* What the git server's ssh asks for. */
#define KEYUPDATE_COMMAND	"auth-update"
#define KEYUPDATE_FORCE		"auth-update --force"
#define KEYUPDATE_STATUS	"auth-status"	/* keystate.h */

/*
 * keyupdate_run(): one push on fd.
 * command  SSH_ORIGINAL_COMMAND: one of the first two above; NULL or "": the
 *          first.
 * ret      always filled.
 * Returns the exit status: 0 (ok, same), 75 (busy), or 1.
 */
int keyupdate_run(const struct keyupdate_conf *c, int fd,
	const char *command, struct keyreply *ret);

/* keyupdate_main(): the same from stdin, with the answer on stdout; or the
 * answer to KEYUPDATE_STATUS, for which nothing is read. Opens syslog. Its
 * result is main()'s. */
int keyupdate_main(const struct keyupdate_conf *c);

/* keyupdate_fail(): the answer of a gateway that can't even begin. */
int keyupdate_fail(const struct err *e);

#endif
