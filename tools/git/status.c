/* SPDX-License-Identifier: ISC */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "check.h"
#include "keyroll.h"
#include "keystale.h"
#include "status_server.h"
#include "sys/file.h"
#include "ui/emit.h"

struct gateway {
	const struct gitconf_gateway *conf;
	struct keystore_note note;
	uint64_t gen, oldest;	/* 0: none */
	size_t keys, kept;
	struct buf mux;		/* the pool's own lines */
	bool stale;
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
	g->stale = keystale_is(&g->note, c->stale_ms, (int64_t)time(NULL));
	free(v);
	return 0;
}

static int
gateway_json(const struct gateway *g)
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
	emit_num(&j, "masters", g->conf->mux);
	emit_num(&j, "masters-up", check_mux_up(g->mux.data));
	/* There is no way to ask from here: status_server.c. */
	emit_str(&j, "agree", NULL);
	return emit_end(&j, stdout);
}

static int
gateway_text(const struct gateway *g)
{
	const struct keystore_note *n = &g->note;
	char ago[KEYSTALE_AGO];
	int rc;

	keystale_ago(n, (int64_t)time(NULL), ago);
	rc = printf("gateway to %s\n", g->conf->server);
	if (rc > 0 && g->gen == 0)
		rc = printf("  keys         none: no push was taken yet\n");
	else if (rc > 0)
		rc = printf("  keys         %zu, of generation %" PRIu64
		    " (%zu are kept, the oldest is %" PRIu64 ")\n"
		    "  last push    sequence %" PRIu64 ", %s%s; "
		    "%" PRIu64 " left out\n", g->keys, g->gen, g->kept,
		    g->oldest, n->sequence, ago,
		    g->stale ? ", TOO OLD" : "", n->skipped);
	if (rc > 0)
		rc = printf("  connections  %u of %u up%s\n",
		    check_mux_up(g->mux.data), (unsigned)g->conf->mux,
		    g->conf->mux_demand != 0 ? " (started on demand)" : "");
	if (rc > 0)
		rc = printf("  git server   not asked, there is no way to: "
		    "postern git status there compares\n");
	return rc > 0 ? 0 : -1;
}

/* 0, 1 (the alarm), or -1. */
static int
gateway(const struct gitconf_gateway *c, bool json, struct err *e)
{
	struct gateway g = { .conf = c };
	int rc;

	buf_init(&g.mux, 65536);
	rc = look(&g, e);
	if (rc == 0 && (json ? gateway_json(&g) : gateway_text(&g)) == -1)
		rc = err_sys(e, "standard output");
	if (rc == 0 && (g.stale || g.gen == 0))
		rc = 1;
	buf_clear(&g.mux);
	return rc;
}

int
status_run(const struct gitconf *c, bool json, struct err *e)
{
	int server = 0, rc = 0;

	if (c->server.gateway == NULL && c->gateway.server == NULL)
		return err_set(e, ERR_CONFIG, GITCONF_PATH ": neither "
		    "[gateway] has a server nor [server] a gateway");
	if (c->server.gateway != NULL)
		server = status_server(&c->server, json, e);
	if (server == -1)
		return -1;
	if (c->gateway.server != NULL)
		rc = gateway(&c->gateway, json, e);
	if (rc != -1 && fflush(stdout) != 0)
		rc = err_sys(e, "standard output");
	/* Of both sides the worse one. */
	return rc == 0 ? server : rc;
}
