/* SPDX-License-Identifier: ISC */
#include "status_gateway.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gitprobe.h"
#include "gwask.h"
#include "keyroll.h"
#include "keystale.h"
#include "keystate.h"
#include "muxstat.h"
#include "status_mirror.h"
#include "sys/file.h"
#include "ui/emit.h"

#define ASK_MS	10000

struct gateway {
	const struct gitconf_gateway *conf;
	struct keystore_note note;
	uint64_t gen, oldest;	/* 0: none */
	size_t keys, kept;
	struct buf mux;		/* the pool's own lines */
	bool stale;
	int64_t now;
	struct gitprobe_keys there;
	struct keyreply here;	/* as the git server would hear it */
	struct err why;		/* of a server that was not asked */
	bool asked, agree;
	struct status_mirror *mirrors;
	size_t mirror_n;
};

/* Root's last deed is to read what the pool says: then it is the user. */
static int
look(struct gateway *g, struct err *e)
{
	const struct gitconf_gateway *c = g->conf;
	struct keyroll_gen *v = NULL;
	size_t n = 0, i;

	(void)file_read_below(c->run_dir, "mux/status", &g->mux, NULL);
	if (keyroll_list(c->keys_dir, &v, &n, &g->note, e) == -1)
		return -1;
	for (i = 0; i < n; i++) {
		if (!v[i].in_force)
			continue;
		g->gen = v[i].gen;
		g->keys = v[i].keys;
	}
	g->kept = n;
	g->oldest = n > 0 ? v[0].gen : 0;
	g->now = (int64_t)time(NULL);
	g->stale = keystale_is(&g->note, c->stale_ms, g->now);
	free(v);
	return 0;
}

static bool
same(struct gateway *g)
{
	return keystate_run(g->conf->keys_dir, &g->here, NULL) == 0 &&
	    g->there.pushed != 0 &&
	    g->here.sequence >= g->there.sequence &&
	    g->here.sequence <= g->there.taken;
}

/* A push may arrive before the question does, or before its answer: either is
 * no drift. */
static void
ask(struct gateway *g, uint64_t timeout_ms)
{
	const struct gwask a = { .conf = g->conf,
		.command = GITPROBE_C_STATUS,
		.timeout_ms = timeout_ms > 0 ? timeout_ms : ASK_MS };
	struct keyreply before = { 0 };
	struct gitreach reach;
	struct buf said;

	(void)keystate_run(g->conf->keys_dir, &before, NULL);
	buf_init(&said, 65536);
	g->asked = gwask_run(&a, &said, &reach, &g->why) == 0 &&
	    gitprobe_keys(said.data, &g->there, &g->why) == 0;
	buf_clear(&said);
	if (!g->asked)
		return;
	g->agree = same(g) || (g->there.pushed != 0 &&
	    before.sequence >= g->there.sequence &&
	    before.sequence <= g->there.taken);
}

static void
masters_json(const struct gateway *g, struct emit *j)
{
	const char *at = g->mux.data;
	struct muxstat m;
	int n;

	emit_arr(j, "connections");
	while (muxstat_next(&at, &m)) {
		n = muxstat_sessions(g->conf->run_dir, m.number);
		emit_obj(j, NULL);
		emit_num(j, "number", m.number);
		emit_str(j, "state", m.state);
		emit_num(j, "since", m.since);
		emit_num(j, "starts", m.starts);
		if (n == -1)
			emit_str(j, "sessions", NULL);
		else
			emit_num(j, "sessions", n);
		emit_num(j, "failed", m.failed);
		emit_str(j, "why", m.why[0] != '\0' ? m.why : NULL);
		emit_close(j);
	}
	emit_close(j);
}

static void
server_json(const struct gateway *g, struct emit *j)
{
	if (g->asked) {
		emit_num(j, "server-sequence", (int64_t)g->there.sequence);
		emit_num(j, "server-keys", (int64_t)g->there.keys);
		emit_bool(j, "server-ok", g->there.ok);
		emit_bool(j, "agree", g->agree);
	} else {
		emit_str(j, "server-sequence", NULL);
		emit_str(j, "server-keys", NULL);
		emit_str(j, "server-ok", NULL);
		emit_str(j, "agree", NULL);
	}
	emit_str(j, "not-asked", g->asked ? NULL : g->why.msg);
	status_mirror_json(g->mirrors, g->mirror_n, g->conf->exec != 0, j);
}

static int
say_json(const struct gateway *g)
{
	struct emit j;

	emit_begin(&j);
	emit_str(&j, "side", "gateway");
	emit_str(&j, "server", g->conf->server);
	emit_num(&j, "generation", (int64_t)g->gen);
	emit_num(&j, "oldest-generation", (int64_t)g->oldest);
	emit_num(&j, "keys", (int64_t)g->keys);
	emit_num(&j, "sequence", (int64_t)g->note.sequence);
	emit_num(&j, "pushed", (int64_t)g->note.time_s);
	emit_num(&j, "left-out", (int64_t)g->note.skipped);
	emit_bool(&j, "stale", g->stale);
	emit_num(&j, "masters", g->conf->exec != 0 ? 0 : g->conf->mux);
	emit_num(&j, "masters-up", muxstat_up(g->mux.data));
	masters_json(g, &j);
	server_json(g, &j);
	return emit_end(&j, stdout);
}

static int
say_keys(const struct gateway *g)
{
	const struct keystore_note *n = &g->note;
	char ago[KEYSTALE_AGO];

	if (g->gen == 0)
		return printf("  keys         none: no push was taken yet\n");
	keystale_ago(n, g->now, ago);
	return printf("  keys         %zu, of generation %" PRIu64
	    " (%zu are kept, the oldest is %" PRIu64 ")\n"
	    "  last push    sequence %" PRIu64 ", %s%s; "
	    "%" PRIu64 " left out\n", g->keys, g->gen, g->kept,
	    g->oldest, n->sequence, ago,
	    g->stale ? ", TOO OLD" : "", n->skipped);
}

/* "    0  up for 3 h, 2 sessions, started once; failed 4 h ago: ..." */
static int
say_master(const struct gateway *g, const struct muxstat *m)
{
	char since[MUXSTAT_FOR], ago[MUXSTAT_FOR], sessions[48] = "";
	int n = muxstat_sessions(g->conf->run_dir, m->number), rc;

	muxstat_for(g->now - m->since, since);
	muxstat_for(g->now - m->failed, ago);
	if (n >= 0 && strcmp(m->state, "waiting") != 0)
		snprintf(sessions, sizeof(sessions), ", %d session%s", n,
		    n == 1 ? "" : "s");
	rc = printf("    %u  %s for %s%s, started %u time%s", m->number,
	    m->state, since, sessions, m->starts, m->starts == 1 ? "" : "s");
	if (rc > 0 && m->failed != 0)
		rc = printf("; last failed %s ago%s%s", ago,
		    m->why[0] != '\0' ? ": " : "", m->why);
	return rc > 0 ? printf("\n") : rc;
}

static int
say_masters(const struct gateway *g)
{
	const char *at = g->mux.data;
	struct muxstat m;
	int rc;

	if (g->conf->exec != 0)
		return printf("  connections  none are kept: each session "
		    "becomes its own ssh (exec)\n");
	if (g->conf->mux == 0)
		return printf("  connections  none are kept: each session "
		    "makes its own\n");
	rc = printf("  connections  %u of %u up%s%s\n",
	    muxstat_up(g->mux.data), (unsigned)g->conf->mux,
	    g->conf->mux_demand != 0 ? " (started on demand)" : "",
	    *at == '\0' && g->conf->mux_demand == 0 ?
	    ": nothing keeps them, see postern-git-mux.service" : "");
	while (rc > 0 && muxstat_next(&at, &m))
		rc = say_master(g, &m);
	return rc;
}

static int
say_server(const struct gateway *g)
{
	const struct gitprobe_keys *k = &g->there;
	char ago[MUXSTAT_FOR];

	if (!g->asked)
		return printf("  git server   could not be asked: %s\n",
		    g->why.msg);
	if (k->pushed == 0)
		return printf("  git server   has pushed nothing yet\n");
	muxstat_for(g->now - (int64_t)k->pushed, ago);
	return printf("  git server   sequence %" PRIu64 ", %" PRIu64
	    " keys, pushed %s ago: %s%s\n%s%s%s", k->sequence, k->keys, ago,
	    g->agree ? "the same" : "DRIFT, this gateway has others",
	    k->ok ? "" : "; its last push FAILED, postern git status there "
	    "says why", g->here.why[0] != '\0' ? "               " : "",
	    g->here.why, g->here.why[0] != '\0' ? "\n" : "");
}

static int
say_text(const struct gateway *g)
{
	return printf("gateway to %s\n", g->conf->server) > 0 &&
	    say_keys(g) > 0 && say_masters(g) > 0 && say_server(g) > 0 &&
	    status_mirror_text(g->mirrors, g->mirror_n,
	    g->conf->exec != 0) == 0 ? 0 : -1;
}

int
status_gateway(const struct gitconf_gateway *c, const struct check_opts *o,
    struct err *e)
{
	struct gateway g = { .conf = c, .why = ERR_INIT };
	int rc;

	buf_init(&g.mux, 65536);
	rc = look(&g, e);
	if (rc == 0)
		ask(&g, o->timeout_ms);
	if (rc == 0)
		rc = status_mirror_ask(c, o->timeout_ms > 0 ? o->timeout_ms :
		    ASK_MS, &g.mirrors, &g.mirror_n, e);
	if (rc == 0 && (o->json ? say_json(&g) : say_text(&g)) == -1)
		rc = err_sys(e, "standard output");
	if (rc == 0 && (g.stale || g.gen == 0 || (g.asked && (!g.agree ||
	    !g.there.ok))))
		rc = 1;
	else if (rc == 0)
		rc = g.asked && (c->exec != 0 || status_mirror_all(g.mirrors,
		    g.mirror_n)) ? 0 : 2;
	free(g.mirrors);
	buf_clear(&g.mux);
	return rc;
}
