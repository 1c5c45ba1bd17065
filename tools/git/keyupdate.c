/* SPDX-License-Identifier: ISC */
#include "keyupdate.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
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
#include "keystore.h"

/* The end of a forced command that a check's key has. */
#define CHECK		" " GITID_CHECK "\" "
#define INDEX_HEAD	64	/* bytes that name the sequence: authindex.h */
#define TOLD_MAX	100	/* skipped lines that are logged, each */

struct update {
	const struct keyupdate_conf *conf;
	struct keypush_head head;
	struct keylist keys, base;
	struct buf text, index, principals;
	size_t skipped;
	bool force;
	struct keystore store;
	uint64_t highest;		/* sequence that was taken before */
	uint64_t before;		/* the generation in force when we came */
	bool checked;			/* it has a check's key in it */
	bool check;			/* and this push has one */
	struct keyreply reply;
};

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

/* What follows the first line, which names the sequence. */
static bool
same_lines(const struct keystore_map *m, const struct buf *text)
{
	const char *a = memchr(m->p, '\n', m->len);
	const char *b = memchr(text->data, '\n', text->len);
	size_t n;

	if (a == NULL || b == NULL)
		return false;
	n = m->len - (size_t)(a - (const char *)m->p);
	return n == text->len - (size_t)(b - text->data) &&
	    memcmp(a, b, n) == 0;
}

/* Whether authgen's lines have a check's key among them. */
static bool
has_check(const char *text, size_t len)
{
	return memmem(text, len, CHECK, sizeof(CHECK) - 1) != NULL;
}

/* Whether generation gen has these keys; how many it has into *ret_count, a
 * check's one into *ret_checked. One that can't be read has none: the next
 * push is what mends it. */
static bool
has(const struct update *u, uint64_t gen, size_t *ret_count,
    bool *ret_checked)
{
	struct keystore_map text = { 0 }, ix = { 0 }, who = { 0 };
	struct authindex x;
	struct err why = ERR_INIT;
	bool same = false;

	*ret_count = 0;
	*ret_checked = false;
	if (gen == 0)
		return false;
	if (keystore_map(&u->store, gen, "authorized_keys", &text, &why) ==
	    0 && keystore_map(&u->store, gen, "index", &ix, &why) == 0 &&
	    authindex_parse(ix.p, ix.len, &x, &why) == 0) {
		*ret_checked = has_check(text.p, text.len);
		*ret_count = x.count - *ret_checked;
		same = same_lines(&text, &u->text) &&
		    ix.len == u->index.len &&
		    memcmp((const char *)ix.p + INDEX_HEAD, u->index.data +
		    INDEX_HEAD, ix.len - INDEX_HEAD) == 0 &&
		    keystore_map(&u->store, gen, "principals", &who, &why) ==
		    0 && who.len == u->principals.len &&
		    memcmp(who.p, u->principals.data, who.len) == 0;
	}
	if (why.code != ERR_NONE)
		syslog(LOG_ERR, "%s", why.msg);
	keystore_unmap(&text);
	keystore_unmap(&ix);
	keystore_unmap(&who);
	return same;
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

/* Generations to be rolled back to are those that people were in. Once the
 * sequence is noted: a generation's number is the other place where it is. */
static int
tidy(const struct update *u, struct err *e)
{
	uint64_t now;

	if (keystore_current(&u->store, &now, e) == -1)
		return -1;
	if (u->checked && u->before != now &&
	    keystore_drop(&u->store, u->before, e) == -1)
		return -1;
	/* A check's is one too many, for as long as it is there. */
	return u->check ? 0 : keystore_prune(&u->store, u->conf->generations,
	    e);
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
	if (keystore_note(&u->store, &note, &e) == -1 || tidy(u, &e) == -1)
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

/* The generation before that in force, if it has these keys: the one that a
 * check's key stands behind. 0: it hasn't. */
static int
way_back(const struct update *u, uint64_t *ret, struct err *e)
{
	uint64_t *v = NULL, older = 0;
	size_t i, n = 0, count;
	bool checked;

	*ret = 0;
	if (!u->checked || u->check)
		return 0;
	if (keystore_list(&u->store, &v, &n, e) == -1)
		return -1;
	for (i = 0; i < n && v[i] < u->before; i++)
		older = v[i];
	free(v);
	if (has(u, older, &count, &checked))
		*ret = older;
	return 0;
}

/* The keys of this push, in force. */
static int
put(const struct update *u, struct err *e)
{
	const struct keystore_files files = { &u->text, &u->index,
		&u->principals };
	uint64_t back;

	if (way_back(u, &back, e) == -1)
		return -1;
	if (back != 0)
		return keystore_switch(&u->store, back, e);
	if (keystore_put(&u->store, u->head.sequence, &files, &u->keys,
	    e) == -1)
		return -1;
	return keystore_switch(&u->store, u->head.sequence, e);
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
	u->check = has_check(u->text.data, u->text.len);
	same = has(u, u->before, &rules.last_count, &u->checked);
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
	if (!same && put(u, e) == -1)
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
	struct keyreply reply = { 0 };
	int status;

	openlog("postern-git", LOG_PID, LOG_AUTHPRIV);
	status = keyupdate_run(c, STDIN_FILENO,
	    getenv("SSH_ORIGINAL_COMMAND"), &reply);
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
