/* SPDX-License-Identifier: ISC */
#include "keyroll.h"

#include <inttypes.h>
#include <stdio.h>
#include <syslog.h>

#include "authgen.h"
#include "keybase.h"
#include "keyend.h"
#include "ui/emit.h"
#include "ui/log.h"

#define TOLD_MAX	20	/* keys that a dry run names each */

/* Whether generation gen is whole, and how many keys it has. */
static int
whole(const struct keystore *ks, uint64_t gen, size_t *ret_keys,
    struct err *e)
{
	struct keystore_map text = { 0 }, ix = { 0 };
	struct keylist keys = { 0 };
	struct authindex x;
	int rc = -1;

	if (keystore_map(ks, gen, "authorized_keys", &text, e) == 0 &&
	    keystore_map(ks, gen, "index", &ix, e) == 0 &&
	    authgen_base("authorized_keys", text.p, text.len, &keys, e) == 0 &&
	    authindex_parse(ix.p, ix.len, &x, e) == 0 &&
	    authindex_verify(&x, e) == 0)
		rc = keys.n == x.count ? 0 : err_set(e, ERR_CONFIG, "its two "
		    "files have not as many keys");
	if (rc == 0)
		*ret_keys = keys.n;
	keylist_clear(&keys);
	keystore_unmap(&text);
	keystore_unmap(&ix);
	return rc == 0 ? 0 : err_wrap(e, "generation %" PRIu64, gen);
}

/* "1, 2 and 3" is too much for many: the newest ones. */
static int
no_such(const uint64_t *v, size_t n, uint64_t gen, struct err *e)
{
	struct buf names;
	size_t i;

	buf_init(&names, 256);
	for (i = n > 8 ? n - 8 : 0; i < n; i++)
		(void)buf_addf(&names, " %" PRIu64, v[i]);
	if (gen == 0)
		err_set(e, ERR_REFUSED, "there is no generation before that in "
		    "force; those that are kept:%s",
		    n > 0 ? names.data : " none");
	else
		err_set(e, ERR_REFUSED, "there is no generation %" PRIu64
		    "; those that are kept:%s", gen,
		    n > 0 ? names.data : " none");
	buf_clear(&names);
	return -1;
}

static int
choose(const struct keystore *ks, uint64_t now, uint64_t wanted,
    uint64_t *ret, struct err *e)
{
	uint64_t *v, found = 0;
	size_t i, n;
	int rc = 0;

	if (keystore_list(ks, &v, &n, e) == -1)
		return -1;
	for (i = 0; i < n; i++)
		if (wanted != 0 ? v[i] == wanted : v[i] < now)
			found = v[i];
	if (found == 0)
		rc = no_such(v, n, wanted, e);
	free(v);
	*ret = found;
	return rc;
}

/* That generation from was in force is known once another one is: its push is
 * not to be taken again. */
static int
was_taken(const struct keystore *ks, uint64_t from, struct err *e)
{
	struct keystore_note note;

	keystore_noted(ks, &note);
	if (note.sequence >= from)
		return 0;
	note.sequence = from;
	return keystore_note(ks, &note, e);
}

/* The link is switched already: what fails here is told, no more. */
static size_t
end_sessions(const struct keyroll_conf *c, const struct keystore *ks,
    uint64_t gen)
{
	struct keystore_map ix = { 0 };
	struct keylist base = { 0 };
	struct err e = ERR_INIT;
	struct authindex x;
	size_t n = 0;

	if (keystore_map(ks, gen, "index", &ix, &e) == -1 ||
	    authindex_parse(ix.p, ix.len, &x, &e) == -1 ||
	    keybase_read(c->base, &base, NULL, NULL, &e) == -1 ||
	    keyend_run(c->sessions, c->revoke_end ? &x : NULL, &base, &n,
	    &e) == -1)
		syslog(LOG_ERR, "sessions of keys that went may go on: %s",
		    e.msg);
	keylist_clear(&base);
	keystore_unmap(&ix);
	return n;
}

/* The generation in force, and the one that is to be. */
static int
find(const struct keyroll_conf *c, struct keystore *ks, uint64_t gen,
    struct keyroll *r, struct err *e)
{
	return keystore_become(c->keys, e) == -1 ||
	    keystore_open(c->keys, ks, e) == -1 ||
	    (!c->dry_run && keystore_lock(ks, c->lock_ms, e) == -1) ||
	    keystore_current(ks, &r->from, e) == -1 ||
	    choose(ks, r->from, gen, &r->to, e) == -1 ||
	    whole(ks, r->to, &r->keys, e) == -1 ? -1 : 0;
}

int
keyroll_run(const struct keyroll_conf *c, uint64_t gen, keyroll_fn *on_key,
    void *arg, struct keyroll *ret, struct err *e)
{
	struct keystore ks = KEYSTORE_INIT;
	struct keyroll r = { 0 };
	int rc = -1;

	if (find(c, &ks, gen, &r, e) == -1)
		goto out;
	if (c->dry_run) {
		if (on_key != NULL && keyroll_differ(&ks, r.from, r.to, on_key,
		    arg, e) == -1)
			goto out;
	} else {
		if (was_taken(&ks, r.from, e) == -1 ||
		    keystore_switch(&ks, r.to, e) == -1)
			goto out;
		r.ended = end_sessions(c, &ks, r.to);
	}
	*ret = r;
	rc = 0;
out:
	keystore_close(&ks);
	return rc;
}

/* Of a dry run: the first ones each. */
struct voice {
	bool json;
	size_t come, go;
};

static void
on_key(void *arg, bool comes, const struct keylist_key *k)
{
	char fp[KEYLINE_FP_TEXT];
	struct voice *v = arg;
	struct emit j;

	v->come += comes;
	v->go += !comes;
	keyline_fp_text(k->fp, fp);
	if (v->json) {
		emit_begin(&j);
		emit_str(&j, "event", comes ? "would-come" : "would-go");
		emit_str(&j, "id", k->id);
		emit_str(&j, "fingerprint", fp);
		(void)emit_end(&j, stdout);
	} else if (v->come + v->go <= TOLD_MAX) {
		printf("would %s: %s %s\n", comes ? "come" : "go", k->id, fp);
	}
}

static int
say_json(const struct keyroll *r, const struct voice *v, bool dry_run)
{
	struct emit j;

	emit_begin(&j);
	emit_str(&j, "event", "rollback");
	emit_bool(&j, "dry_run", dry_run);
	emit_num(&j, "from", (int64_t)r->from);
	emit_num(&j, "to", (int64_t)r->to);
	emit_num(&j, "keys", (int64_t)r->keys);
	if (dry_run) {
		emit_num(&j, "come", (int64_t)v->come);
		emit_num(&j, "go", (int64_t)v->go);
	} else {
		emit_num(&j, "sessions_ended", (int64_t)r->ended);
	}
	return emit_end(&j, stdout) == 0 ? 0 : 1;
}

static int
say_dry(const struct keyroll *r, const struct voice *v)
{
	if (v->come + v->go > TOLD_MAX)
		printf("and %zu more\n", v->come + v->go - TOLD_MAX);
	printf("generation %" PRIu64 " would be in force in place of %" PRIu64
	    ", %zu keys: %zu would come, %zu would go\n", r->to, r->from,
	    r->keys, v->come, v->go);
	return fflush(stdout) == 0 ? 0 : 1;
}

int
keyroll_main(const struct keyroll_conf *c, uint64_t gen, bool json)
{
	struct voice v = { .json = json };
	struct err e = ERR_INIT;
	struct keyroll r;

	openlog("postern-git", LOG_PID, LOG_AUTHPRIV);
	if (keyroll_run(c, gen, on_key, &v, &r, &e) == -1) {
		if (!c->dry_run)
			syslog(LOG_ERR, "rollback: %s", e.msg);
		return log_err(&e);
	}
	if (!c->dry_run)
		syslog(LOG_NOTICE, "rollback: generation %" PRIu64 " in place "
		    "of %" PRIu64 ", %zu keys", r.to, r.from, r.keys);
	if (json)
		return say_json(&r, &v, c->dry_run);
	if (c->dry_run)
		return say_dry(&r, &v);
	printf("generation %" PRIu64 " is in force in place of %" PRIu64
	    ", %zu keys\nthe git server's next push replaces it, which its "
	    "timer makes within minutes:\n\tsystemctl stop "
	    "postern-git-push.timer\nthere, until its keydir is right\n",
	    r.to, r.from, r.keys);
	if (r.ended > 0)
		printf("%zu sessions of keys that went were ended\n",
		    r.ended);
	return fflush(stdout) == 0 ? 0 : 1;
}

int
keyroll_list(const char *keys, struct keyroll_gen **ret, size_t *ret_n,
    struct keystore_note *ret_note, struct err *e)
{
	struct keystore ks = KEYSTORE_INIT;
	struct keyroll_gen *v = NULL;
	uint64_t *gens = NULL, now;
	size_t i, n = 0;
	int rc = -1;

	if (keystore_become(keys, e) == -1 ||
	    keystore_open(keys, &ks, e) == -1 ||
	    keystore_current(&ks, &now, e) == -1 ||
	    keystore_list(&ks, &gens, &n, e) == -1)
		goto out;
	v = calloc(n > 0 ? n : 1, sizeof(*v));
	if (v == NULL) {
		err_set(e, ERR_MEM, "out of memory");
		goto out;
	}
	for (i = 0; i < n; i++) {
		v[i].gen = gens[i];
		v[i].in_force = gens[i] == now;
		v[i].damaged = whole(&ks, gens[i], &v[i].keys, NULL) == -1;
	}
	keystore_noted(&ks, ret_note);
	*ret = v;
	*ret_n = n;
	rc = 0;
out:
	free(gens);
	keystore_close(&ks);
	return rc;
}
