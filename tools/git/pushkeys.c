/* SPDX-License-Identifier: ISC */
#include "pushkeys.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "gitid.h"
#include "keydir.h"
#include "keypush.h"
#include "keyrules.h"
#include "keyserial.h"
#include "keysig.h"
#include "pushnote.h"
#include "pushstate.h"
#include "sys/clock.h"
#include "sys/lock.h"

#define PAUSE_MS	250		/* after the first try; doubled each */
#define PAUSE_MAX_MS	4000
#define NOTE_MS		1000		/* for a lock that is held shortly */
#define PATH		4096

struct push {
	const struct pushkeys_conf *conf;
	pushkeys_bad_fn *on_bad;
	void *arg;
	uint64_t end_ms;		/* on clock_ms() */
	struct keylist keys;
	struct buf stream;
	struct pushkeys_result *ret;
};

static unsigned
left_ms(const struct push *p)
{
	uint64_t now = clock_ms();

	return now < p->end_ms ? (unsigned)(p->end_ms - now) : 0;
}

static int
in_state(const struct pushkeys_conf *c, const char *name, char path[PATH],
    struct err *e)
{
	int n = snprintf(path, PATH, "%s/%s", c->state, name);

	return n > 0 && n < PATH ? 0 :
	    err_set(e, ERR_CONFIG, "%s: too long", c->state);
}

static void
on_bad(void *arg, const char *file, const struct err *why)
{
	struct push *p = arg;

	/* Left out on purpose: the same at each push, and nobody's mistake. */
	if (why->code == ERR_REFUSED)
		return;
	p->ret->bad++;
	if (p->on_bad != NULL)
		p->on_bad(p->arg, file, why->msg);
}

static void
on_dup(void *arg, const struct keylist_key *key,
    const struct keylist_key *first)
{
	struct push *p = arg;
	char why[ERR_MSG_MAX];

	p->ret->twice++;
	snprintf(why, sizeof(why), "the same key as %s, which counts",
	    first->where);
	if (p->on_bad != NULL)
		p->on_bad(p->arg, key->where, why);
}

static int
add_check(struct push *p, struct err *e)
{
	const char *line = p->conf->check;
	struct keyline k;

	if (keyline_parse(line, strlen(line), &k, e) == -1)
		return -1;
	return keylist_add(&p->keys, GITID_CHECK, &k, "the check's key", e);
}

/* The next sequence and the keys that go with it. */
static int
collect(struct push *p, struct err *e)
{
	char lock[PATH], serial[PATH];
	int fd = -1, rc = -1;
	bool dry = p->conf->dry_run;

	if (in_state(p->conf, PUSHSTATE_LOCK, lock, e) == -1 ||
	    in_state(p->conf, "sequence", serial, e) == -1 ||
	    (!dry && lock_take(lock, left_ms(p), &fd, e) == -1))
		return -1;
	if (!dry)
		pushstate_sweep(p->conf->state);
	if ((dry || keyserial_next(serial, (uint64_t)time(NULL),
	    &p->ret->sequence, e) == 0) && keydir_read(p->conf->keydir, NULL,
	    &p->keys, on_bad, p, e) == 0)
		rc = 0;
	if (fd != -1)
		close(fd);
	if (rc == 0)
		rc = keyrules_unique(&p->keys, NULL, on_dup, p, e);
	if (rc == 0 && p->conf->check != NULL)
		rc = add_check(p, e);
	p->ret->keys = p->keys.n;
	return rc;
}

static int
make(struct push *p, struct err *e)
{
	struct buf text;
	int rc = -1;

	buf_init(&text, KEYPUSH_BYTES);
	if (keypush_emit(p->conf->server, p->ret->sequence, &p->keys, &text,
	    e) == 0)
		rc = keysend_sign(p->conf->send.key, &text, left_ms(p),
		    &p->stream, e);
	buf_clear(&text);
	return rc;
}

/* What the gateway's answer means here; *ret_again: ask once more. */
static int
judge(const struct push *p, bool *ret_again, struct err *e)
{
	const struct keyreply *r = &p->ret->reply;
	char serial[PATH];

	/* What failed there (a full disk) is the timer's to try again. */
	*ret_again = r->what == KEYREPLY_BUSY;
	switch (r->what) {
	case KEYREPLY_OK:
	case KEYREPLY_SAME:
		return 0;
	case KEYREPLY_STALE:
		if (in_state(p->conf, "sequence", serial, e) == -1)
			return -1;
		if (keyserial_last(serial) > p->ret->sequence)
			return 0;
		if (r->sequence == p->ret->sequence)
			return err_set(e, ERR_REFUSED, "%s had a push with "
			    "sequence %" PRIu64 " before, and its keys are not "
			    "in force: push again", p->conf->send.gateway,
			    r->sequence);
		return err_set(e, ERR_REFUSED, "%s has sequence %" PRIu64
		    ", later than this server's %" PRIu64 ": was a clock set "
		    "back? Write %" PRIu64 " into %s and push again",
		    p->conf->send.gateway, r->sequence, p->ret->sequence,
		    r->sequence, serial);
	case KEYREPLY_REFUSED:
		return err_set(e, ERR_REFUSED, "%s refused the keys: %s",
		    p->conf->send.gateway, r->why);
	case KEYREPLY_BUSY:
		return err_set(e, ERR_BUSY, "%s is busy: %s",
		    p->conf->send.gateway, r->why);
	case KEYREPLY_NOW:
		return err_set(e, ERR_PEER, "%s answered something else",
		    p->conf->send.gateway);
	case KEYREPLY_FAILED:
		break;
	}
	return err_set(e, ERR_PEER, "%s failed: %s", p->conf->send.gateway,
	    r->why);
}

static void
pause_for(const struct push *p, unsigned ms)
{
	unsigned left = left_ms(p);
	struct timespec t;

	if (ms > left)
		ms = left;
	t.tv_sec = ms / 1000;
	t.tv_nsec = (long)(ms % 1000) * 1000000;
	nanosleep(&t, NULL);
}

/* Tries as long as it may get better and there is time. */
static int
send_it(struct push *p, struct err *e)
{
	unsigned wait = PAUSE_MS;
	struct err before = ERR_INIT;
	bool again;
	int rc;

	for (;; wait = wait < PAUSE_MAX_MS ? 2 * wait : wait) {
		if (left_ms(p) == 0)
			return p->ret->tries > 0 ? -1 : err_set(e,
			    ERR_TIMEOUT, "no time was left to reach %s",
			    p->conf->send.gateway);
		p->ret->tries++;
		rc = keysend_once(&p->conf->send, &p->stream, p->conf->force,
		    left_ms(p), &p->ret->reply, &again, e);
		if (rc == 0)
			rc = judge(p, &again, e);
		/* That the last one was cut short says less. */
		if (rc == -1 && e->code == ERR_TIMEOUT &&
		    before.code != ERR_NONE)
			*e = before;
		p->ret->again = rc == -1 && again;
		if (rc == 0 || !again || p->ret->tries == p->conf->tries)
			return rc;
		before = *e;
		pause_for(p, wait);
	}
}

/* For status; that it can't be written changes nothing about the push. */
static void
note(const struct push *p, const struct err *e)
{
	struct pushnote n = { .time_s = (uint64_t)time(NULL),
		.sequence = p->ret->sequence, .keys = p->ret->keys,
		.ok = e == NULL };

	if (e != NULL)
		snprintf(n.why, sizeof(n.why), "%s", e->msg);
	(void)pushnote_put(p->conf->state, &n, NOTE_MS, NULL);
}

int
pushkeys_run(const struct pushkeys_conf *c, pushkeys_bad_fn *told, void *arg,
    struct pushkeys_result *ret, struct err *e)
{
	struct push p = { .conf = c, .on_bad = told, .arg = arg,
		.end_ms = clock_ms() + c->timeout_ms, .ret = ret };
	struct gitreach reach;
	int rc = -1;

	*ret = (struct pushkeys_result){ 0 };
	buf_init(&p.stream, KEYPUSH_BYTES + KEYSIG_MAX);
	rc = collect(&p, e);
	if (rc == 0 && c->dry_run)
		rc = keysend_ask(&c->send, left_ms(&p), &ret->reply, &reach,
		    e);
	else if (rc == 0)
		rc = make(&p, e) == -1 ? -1 : send_it(&p, e);
	if (!c->dry_run)
		note(&p, rc == 0 ? NULL : e);
	keylist_clear(&p.keys);
	buf_clear(&p.stream);
	return rc;
}
