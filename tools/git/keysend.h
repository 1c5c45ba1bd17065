/* SPDX-License-Identifier: ISC */
/*
 * keysend: a text of keys, signed and on its way to the gateway: ssh-keygen
 * -Y sign, then ssh, whose stdin is the signature and the text (keysig.h) and
 * whose answer is one line (keyreply.h).
 */
#ifndef GIT_KEYSEND_H
#define GIT_KEYSEND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"
#include "gitreach.h"
#include "keyreply.h"

/* All borrowed. */
struct keysend {
	const char *gateway;		/* git@gw: host_check()ed */
	const char *key;		/* the push key's file, no passphrase */
	const char *known_hosts;	/* the gateway's host key, pinned */
	const char *ssh_config;		/* -F; NULL: none is read */
	unsigned connect_s;		/* ConnectTimeout */
	const char *set_env;		/* SetEnv, NAME=VALUE; NULL: none */
};

/* keysend_sign(): the signature of text, in front of it, into out (empty).
 * 0, or -1: ERR_PEER (ssh-keygen says no), ERR_TIMEOUT, ERR_SYS, ERR_MEM. */
int keysend_sign(const char *key, const struct buf *text, unsigned timeout_ms,
	struct buf *out, struct err *e);

/* keysend_argv(): the ssh that asks the gateway for command, appended to argv.
 * 0, or -1: ERR_CONFIG (gateway), ERR_MEM. */
int keysend_argv(const struct keysend *s, const char *command,
	struct strv *argv, struct err *e);

/*
 * keysend_once(): one try.
 * stream     of keysend_sign().
 * ret_again  whether another try may end better, since nobody was reached or
 *            the connection was lost; only set on failure.
 * Returns 0 with *ret, whatever it says, or -1: ERR_PEER (ssh's words, or what
 * came is no answer), ERR_TIMEOUT, ERR_CONFIG (gateway), ERR_SYS, ERR_MEM.
 */
int keysend_once(const struct keysend *s, const struct buf *stream,
	bool force, unsigned timeout_ms, struct keyreply *ret,
	bool *ret_again, struct err *e);

/* keysend_ask(): what keys are in force there: *ret is KEYREPLY_NOW's.
 * reach  how far it came, also when it fails; in as soon as there is an answer.
 * 0, or -1 as keysend_once(); ERR_PEER also for any other answer, such as an
 * older gateway's, which knows no question. */
int keysend_ask(const struct keysend *s, unsigned timeout_ms,
	struct keyreply *ret, struct gitreach *reach, struct err *e);

#endif
