/* SPDX-License-Identifier: ISC */
#include "keyupdate.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "authgen.h"
#include "authindex.h"
#include "base/esc.h"
#include "keybase.h"
#include "keyend.h"
#include "keyread.h"
#include "keyrules.h"
#include "keystate.h"
#include "keyupdate_priv.h"

#define TOLD_MAX	100	/* skipped lines that are logged, each */

/* Skipped: told to syslog, the first ones each. */
__attribute__((format(printf, 2, 3)))
static void
skip(struct update *u, const char *fmt, ...)
{
	char msg[ERR_MSG_MAX + 64];
	va_list ap;

	if (++u->skipped > TOLD_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	syslog(LOG_WARNING, "push of keys: skipped %s", msg);
}

static void
on_bad(void *arg, size_t line, const struct err *why)
{
	skip(arg, "line %zu: %s", line, why->msg);
}

/* Root's slip, and nothing that the git server could mend. */
static void
on_base(void *arg, const struct err *why)
{
	(void)arg;
	syslog(LOG_ERR, "push of keys: root's own line is passed over, as by "
	    "sshd: %s", why->msg);
}

static void
on_dup(void *arg, const struct keylist_key *key,
    const struct keylist_key *first)
{
	skip(arg, "%s of %s: its key is that of %s%s%s", key->where, key->id,
	    first->where, first->id[0] != '\0' ? ", " : "", first->id);
}

/* 0, or -1 ERR_REFUSED: no command of ours. */
static int
asked(struct update *u, const char *command, struct err *e)
{
	struct buf shown;

	if (command == NULL || command[0] == '\0' ||
	    strcmp(command, KEYUPDATE_COMMAND) == 0)
		return 0;
	u->force = strcmp(command, KEYUPDATE_FORCE) == 0;
	if (u->force)
		return 0;
	buf_init(&shown, 400);
	if (esc_text(&shown, command, strnlen(command, 64)) == -1)
		buf_clear(&shown);
	err_set(e, ERR_REFUSED, "this key is for '" KEYUPDATE_COMMAND "' "
	    "alone, not for '%s'", shown.data);
	buf_clear(&shown);
	return -1;
}

/* The push, and the files that it makes; nothing is locked. */
static int
receive(struct update *u, int fd, struct err *e)
{
	struct keyread r = {
		.fd = fd,
		.allowed_signers = u->conf->allowed_signers,
		.server = u->conf->server,
		.limits = u->conf->limits,
		.timeout_ms = u->conf->read_ms,
		.on_bad = on_bad,
		.arg = u,
	};

	if (keyread_run(&r, &u->head, &u->keys, e) == -1 ||
	    keybase_read(u->conf->base, &u->base, on_base, u, e) == -1 ||
	    keyrules_unique(&u->keys, &u->base, on_dup, u, e) == -1)
		return -1;
	if (authgen_text(u->conf->proxy, "", 0, u->head.server,
	    u->head.sequence, &u->keys, &u->text, e) == -1 ||
	    authgen_principals(u->conf->proxy, &u->keys, &u->principals,
	    e) == -1)
		return -1;
	return authindex_emit(u->conf->proxy, u->head.sequence, &u->keys,
	    &u->index, e);
}

/* Sessions of keys that went, and what dead ones left. Too late to fail: the
 * keys are in force. */
static void
end_sessions(struct update *u)
{
	struct err e = ERR_INIT;
	struct authindex x;
	size_t n;

	if (authindex_parse(u->index.data, u->index.len, &x, &e) == -1 ||
	    keyend_run(u->conf->sessions, u->conf->revoke_end ? &x : NULL,
	    &u->base, &n, &e) == -1)
		syslog(LOG_ERR, "sessions of keys that went may go on: %s",
		    e.msg);
}

/* What follows once the keys are in force. */
static void
finish(struct update *u, enum keyreply_what what)
{
	struct keystore_note note = {
		.sequence = u->head.sequence,
		.time_s = (uint64_t)time(NULL),
		.keys = u->keys.n,
		.skipped = u->skipped,
	};
	struct err e = ERR_INIT;

	end_sessions(u);
	if (keystore_note(&u->store, &note, &e) == -1 ||
	    keyupdate_tidy(u, &e) == -1)
		syslog(LOG_ERR, "the keys are in force, but: %s", e.msg);
	u->reply.what = what;
	u->reply.sequence = u->head.sequence;
	u->reply.keys = u->keys.n;
	u->reply.skipped = u->skipped;
	syslog(LOG_NOTICE, "push of keys: %s, sequence %" PRIu64 ", %zu keys, "
	    "%zu skipped", what == KEYREPLY_OK ? "taken" : "nothing new",
	    u->head.sequence, u->keys.n, u->skipped);
}

/* Whether the push was stored before and never in force: the update was killed
 * before it switched, or the disk failed. */
static bool
never_in_force(struct update *u, uint64_t now)
{
	struct keystore_note note;

	keystore_noted(&u->store, &note);
	return u->head.sequence == u->highest && u->highest > now &&
	    u->highest > note.sequence;
}

/* From here on one at a time. */
static int
store(struct update *u, struct err *e)
{
	struct keyrules rules = {
		.min_count = u->conf->min_keys,
		.max_drop_pct = u->conf->max_drop_pct,
		.force = u->force,
	};
	bool same;

	if (keystore_open(u->conf->keys, &u->store, e) == -1 ||
	    keystore_lock(&u->store, u->conf->lock_ms, e) == -1 ||
	    keystore_current(&u->store, &u->before, e) == -1 ||
	    keystore_highest(&u->store, &u->highest, e) == -1)
		return -1;
	same = keyupdate_has(u, &rules.last_count);
	/* Whose answer was lost asks again: what is in force is what it
	 * brought. */
	if (same && u->head.sequence == u->highest) {
		finish(u, KEYREPLY_SAME);
		return 0;
	}
	if (never_in_force(u, u->before)) {
		if (keystore_drop(&u->store, u->highest, e) == -1)
			return -1;
		u->highest--;
	}
	rules.last_sequence = u->highest;
	if (keyrules_check(&rules, u->head.sequence, u->keys.n - u->check,
	    e) == -1)
		return -1;
	if ((!same || keyupdate_rolled_back(u)) && keyupdate_put(u, e) == -1)
		return -1;
	finish(u, same ? KEYREPLY_SAME : KEYREPLY_OK);
	return 0;
}

/* The answer to what failed. */
static void
refuse(struct update *u, const struct err *e)
{
	struct keyreply *r = &u->reply;

	r->sequence = u->highest;
	r->what = KEYREPLY_REFUSED;
	if (e->code == ERR_BUSY || e->code == ERR_TIMEOUT)
		r->what = KEYREPLY_BUSY;
	else if (e->code == ERR_REFUSED && u->highest > 0 &&
	    u->head.sequence <= u->highest)
		r->what = KEYREPLY_STALE;
	else if (e->code != ERR_REFUSED && e->code != ERR_PEER)
		r->what = KEYREPLY_FAILED;
	snprintf(r->why, sizeof(r->why), "%s", e->msg);
	syslog(r->what == KEYREPLY_FAILED ? LOG_ERR : LOG_WARNING, "push of "
	    "keys: %s: %s", keyreply_word(r->what), e->msg);
}

int
keyupdate_run(const struct keyupdate_conf *c, int fd, const char *command,
    struct keyreply *ret)
{
	struct update u = { .conf = c, .store = KEYSTORE_INIT };
	struct err e = ERR_INIT;

	buf_init(&u.text, AUTHGEN_TEXT_MAX);
	buf_init(&u.index, AUTHGEN_TEXT_MAX);
	buf_init(&u.principals, AUTHGEN_TEXT_MAX);
	if (asked(&u, command, &e) == -1 || receive(&u, fd, &e) == -1 ||
	    store(&u, &e) == -1)
		refuse(&u, &e);
	*ret = u.reply;
	keystore_close(&u.store);
	keylist_clear(&u.keys);
	keylist_clear(&u.base);
	buf_clear(&u.text);
	buf_clear(&u.index);
	buf_clear(&u.principals);
	if (ret->what == KEYREPLY_OK || ret->what == KEYREPLY_SAME)
		return 0;
	return err_exit(ret->what == KEYREPLY_BUSY ? ERR_BUSY : ERR_REFUSED);
}

/* The answer to stdout; status, or 1 when it can't be said. */
static int
answer(const struct keyreply *reply, int status)
{
	struct buf line;

	buf_init(&line, 2 * KEYREPLY_MAX);
	if (keyreply_emit(reply, &line, NULL) == -1 ||
	    buf_addc(&line, '\n') == -1 ||
	    write(STDOUT_FILENO, line.data, line.len) != (ssize_t)line.len)
		status = status == 0 ? 1 : status;
	buf_clear(&line);
	return status;
}

int
keyupdate_main(const struct keyupdate_conf *c)
{
	const char *command = getenv("SSH_ORIGINAL_COMMAND");
	struct keyreply reply = { 0 };
	struct err e = ERR_INIT;
	int status = 0;

	openlog("postern-git", LOG_PID, LOG_AUTHPRIV);
	if (command == NULL || strcmp(command, KEYUPDATE_STATUS) != 0)
		status = keyupdate_run(c, STDIN_FILENO, command, &reply);
	else if (keystate_run(c->keys, &reply, &e) == -1)
		return keyupdate_fail(&e);
	return answer(&reply, status);
}

int
keyupdate_fail(const struct err *e)
{
	struct keyreply reply = { .what = KEYREPLY_FAILED };

	openlog("postern-git", LOG_PID, LOG_AUTHPRIV);
	syslog(LOG_ERR, "push of keys: %s", e->msg);
	snprintf(reply.why, sizeof(reply.why), "%s", e->msg);
	return answer(&reply, 1);
}
