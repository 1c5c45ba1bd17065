/* SPDX-License-Identifier: ISC */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "pushkeys.h"
#include "ui/emit.h"
#include "ui/log.h"

#define TOLD_MAX	100	/* files that are logged, each */

struct voice {
	enum pushkeys_voice kind;
	bool quiet;
	size_t told;		/* to syslog, at most TOLD_MAX; in a dry run
				 * it starts there */
};

/* A file that was left out: whoever pushed it reads this, as a trigger too. */
static void
on_bad(void *arg, const char *file, const char *why)
{
	struct voice *v = arg;
	struct emit j;

	if (v->told < TOLD_MAX)
		syslog(LOG_WARNING, "push-keys: %s left out: %s", file, why);
	v->told++;
	if (v->kind == PUSHKEYS_JSON) {
		emit_begin(&j);
		emit_str(&j, "event", "skipped");
		emit_str(&j, "file", file);
		emit_str(&j, "why", why);
		(void)emit_end(&j, stdout);
	} else {
		log_warn("%s left out: %s", file, why);
	}
}

static void
say_json(const struct pushkeys_conf *c, const struct pushkeys_result *r,
    int rc, const struct err *e)
{
	struct emit j;

	emit_begin(&j);
	emit_str(&j, "event", "result");
	emit_bool(&j, "dry_run", c->dry_run);
	emit_bool(&j, "ok", rc == 0);
	emit_str(&j, "gateway", c->send.gateway);
	if (c->dry_run) {
		emit_num(&j, "gateway-sequence", (int64_t)r->reply.sequence);
		emit_num(&j, "gateway-keys", (int64_t)r->reply.keys);
	} else {
		emit_num(&j, "sequence", (int64_t)r->sequence);
	}
	emit_num(&j, "keys", (int64_t)r->keys);
	emit_num(&j, "skipped", (int64_t)(r->bad + r->twice));
	emit_num(&j, "tries", r->tries);
	emit_str(&j, "answer", r->reply.what != 0 ?
	    keyreply_word(r->reply.what) : NULL);
	emit_str(&j, "why", rc == 0 ? NULL : e->msg);
	(void)emit_end(&j, stdout);
}

static void
say(const struct pushkeys_conf *c, const struct pushkeys_result *r)
{
	const struct keyreply *reply = &r->reply;

	if (c->dry_run)
		printf("%zu keys would be pushed to %s, which has %" PRIu64
		    " now, sequence %" PRIu64 "\n", r->keys, c->send.gateway,
		    reply->keys, reply->sequence);
	else if (reply->what == KEYREPLY_STALE)
		printf("%s has the keys of a later push already\n",
		    c->send.gateway);
	else
		printf("%" PRIu64 " keys %s in force on %s, sequence %" PRIu64
		    "\n", reply->keys, reply->what == KEYREPLY_SAME ?
		    "were already" : "are", c->send.gateway, r->sequence);
	if (reply->skipped > 0 && !c->dry_run)
		printf("%" PRIu64 " more were left out there: its log says "
		    "why\n", reply->skipped);
	(void)fflush(stdout);
}

int
pushkeys_main(const struct pushkeys_conf *c, enum pushkeys_voice kind,
    bool quiet)
{
	struct voice v = { kind, quiet, c->dry_run ? TOLD_MAX : 0 };
	struct pushkeys_result r;
	struct err e = ERR_INIT;
	int rc;

	openlog("postern-git", LOG_PID, LOG_AUTHPRIV);
	rc = pushkeys_run(c, on_bad, &v, &r, &e);
	if (c->dry_run)
		;
	else if (rc == 0)
		syslog(LOG_NOTICE, "push-keys: %s: %s, sequence %" PRIu64
		    ", %zu keys, %zu left out", c->send.gateway,
		    keyreply_word(r.reply.what), r.sequence, r.keys,
		    r.bad + r.twice);
	else
		syslog(LOG_ERR, "push-keys: %s", e.msg);
	if (kind == PUSHKEYS_JSON)
		say_json(c, &r, rc, &e);
	else if (rc == 0 && kind == PUSHKEYS_TEXT && !quiet)
		say(c, &r);
	else if (rc == -1)
		log_error("the keys %s the gateway: %s", c->dry_run ?
		    "would not reach" : "did not reach", e.msg);
	if (kind == PUSHKEYS_TRIGGER)
		return 0;
	return rc == -1 ? err_exit(e.code) : r.bad > 0 ? 2 : 0;
}
