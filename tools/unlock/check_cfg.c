/* SPDX-License-Identifier: ISC */
/* What is unsafe in the configurations themselves. */
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "check_rule.h"
#include "danger.h"

/* A risk to --fifo and shared windows that the pipe push does not have. */
static enum check_level
window_risk(const struct check_ctx *x)
{
	return x->in->mode == CHECK_PIPE ? CHECK_WARN : CHECK_RISK;
}

/* A daemon that is known not to run, or to be caged, serves nobody's root;
 * one beside the caged one does. */
static bool
harmless(const struct check_ctx *x, const char *host)
{
	const struct check_host *h = check_rule_host(x, host);

	return check_rule_is(h, "daemon", "none") ||
	    (check_rule_is(h, "cage", "in-force") &&
	    check_rule_uncaged(h, 0) == NULL);
}

static int
ordinary_on(struct check_ctx *x, size_t c, const struct cfg_group *g)
{
	const char *host;
	size_t i;

	for (i = 0; i < g->nhosts; i++) {
		host = g->hosts[i].self;
		if (!check_rule_ordinary(x, c, g, host) ||
		    !check_rule_in_chosen(x, host) || harmless(x, host))
			continue;
		if (check_rule_found(x, "ordinary-group", CHECK_RISK,
		    (struct check_rule_at){ host, &g->at },
		    "Put the daemon of each host into its cage "
		    "(--cage), the pushing host first.",
		    "the always-on daemon serves group %s, whose key lies in "
		    "a file: whoever has that key is root on this host, "
		    "csync2 confines nobody to a group", g->name) == -1)
			return -1;
	}
	return 0;
}

static int
rule_ordinary(struct check_ctx *x)
{
	return check_rule_each(x, ordinary_on);
}

/* Whether something below a root of g and one of o can be the same file. */
static int
overlap(struct check_ctx *x, const struct cfg_group *g, size_t oc,
	const struct cfg_group *o, const char *host)
{
	const struct cfg *ocfg = x->in->cfgs[oc];
	struct strv a = { 0 }, b = { 0 };
	const char *deep;
	int rc = -1;
	size_t i, j;

	if (cfg_roots(x->in->cfgs[0], g, host, &a, x->e) == -1 ||
	    cfg_roots(ocfg, o, host, &b, x->e) == -1)
		goto out;
	for (i = 0; i < a.n; i++)
	for (j = 0; j < b.n; j++) {
		if (danger_inside(a.v[i], b.v[j]))
			deep = a.v[i];
		else if (danger_inside(b.v[j], a.v[i]))
			deep = b.v[j];
		else
			continue;
		if (!check_covers_path(ocfg, o, host, deep) ||
		    !check_covers_path(x->in->cfgs[0], g, host, deep))
			continue;	/* excluded there */
		if (check_rule_found(x, "overlap", CHECK_RISK,
		    (struct check_rule_at){ NULL, &o->at },
		    "Keep what the privileged group carries out of every "
		    "ordinary one.", "group %s, whose key lies in a file, "
		    "reaches %s, which the privileged group %s carries: its "
		    "members write there at any time", o->name, deep,
		    g->name) == -1)
			goto out;
	}
	rc = 0;
out:
	strv_clear(&a);
	strv_clear(&b);
	return rc;
}

static int
overlap_of(struct check_ctx *x, size_t oc, const struct cfg_group *o)
{
	const struct cfg *cfg = x->in->cfgs[0];
	const struct cfg_group *g;
	size_t i, j;

	for (i = 0; i < cfg->ngroups; i++) {
		g = &cfg->groups[i];
		if (!check_rule_chosen(x, 0, g))
			continue;
		for (j = 0; j < o->nhosts; j++)
			if (cfg_self(g, o->hosts[j].self) != NULL &&
			    check_rule_ordinary(x, oc, o, o->hosts[j].self) &&
			    overlap(x, g, oc, o, o->hosts[j].self) == -1)
				return -1;
	}
	return 0;
}

static int
rule_overlap(struct check_ctx *x)
{
	return check_rule_each(x, overlap_of);
}

/* "compare A B;": csync2 makes A a plain include that stands right before. */
static int
compare_of(struct check_ctx *x, size_t c, const struct cfg_group *g)
{
	const struct cfg_pattern *p, *q;
	size_t i;

	for (i = 1; i < g->npatterns; i++) {
		p = &g->patterns[i - 1];
		q = &g->patterns[i];
		if (q->kind != CFG_COMPARE || p->kind != CFG_INCLUDE ||
		    p->at.line != q->at.line || p->at.file != q->at.file)
			continue;
		if (check_rule_found(x, "compare", CHECK_WARN,
		    (struct check_rule_at){ NULL, &q->at },
		    "Write one compare statement for each pattern, on a line "
		    "of its own.", "of a compare with several patterns csync2 "
		    "compares only the last: group %s pushes %s", g->name,
		    p->text) == -1)
			return -1;
	}
	return 0;
}

static int
rule_compare(struct check_ctx *x)
{
	return check_rule_each(x, compare_of);
}

static bool
nossl_hits(const struct cfg_nossl *n, const struct cfg_group *g)
{
	bool from = false, to = false;
	size_t i;

	for (i = 0; i < g->nhosts; i++) {
		from |= fnmatch(n->from, g->hosts[i].self, 0) == 0 ||
		    fnmatch(n->from, g->hosts[i].peer, 0) == 0;
		to |= fnmatch(n->to, g->hosts[i].self, 0) == 0 ||
		    fnmatch(n->to, g->hosts[i].peer, 0) == 0;
	}
	return from && to;
}

static int
rule_nossl(struct check_ctx *x)
{
	const struct cfg *cfg = x->in->cfgs[0];
	size_t i, j;

	for (i = 0; i < cfg->ngroups; i++)
	for (j = 0; j < cfg->nnossl; j++)
		if (check_rule_chosen(x, 0, &cfg->groups[i]) &&
		    nossl_hits(&cfg->nossl[j], &cfg->groups[i]) &&
		    check_rule_found(x, "nossl", window_risk(x),
		    (struct check_rule_at){ NULL, &cfg->nossl[j].at },
		    "Remove the rule and give each host a certificate.",
		    "nossl %s %s lets hosts of group %s talk without TLS: "
		    "whoever listens reads the key and takes the connection",
		    cfg->nossl[j].from, cfg->nossl[j].to,
		    cfg->groups[i].name) == -1)
			return -1;
	return 0;
}

static int
rule_names(struct check_ctx *x)
{
	const struct cfg *cfg = x->in->cfgs[0];
	size_t i, j;

	for (i = 0; i < cfg->ngroups; i++)
	for (j = 0; j < i; j++)
		if (strcmp(cfg->groups[i].name, cfg->groups[j].name) == 0 &&
		    check_rule_found(x, "duplicate-name",
		    check_rule_chosen(x, 0, &cfg->groups[i]) ? CHECK_WARN :
		    CHECK_NOTE, (struct check_rule_at){ NULL,
		    &cfg->groups[i].at }, "Give each group a name of its own.",
		    "group %s has the name of the one at line %u; a name "
		    "opens both", cfg->groups[i].name,
		    cfg->groups[j].at.line) == -1)
			return -1;
	return 0;
}

static int
rule_pusher(struct check_ctx *x)
{
	const struct cfg *cfg = x->in->cfgs[0];
	const char *pusher = x->in->pusher;
	const struct cfg_host *h;
	const struct cfg_group *g;
	size_t i, j;

	for (i = 0; i < cfg->ngroups; i++) {
		g = &cfg->groups[i];
		if (!check_rule_chosen(x, 0, g))
			continue;
		h = cfg_self(g, pusher);
		if ((h == NULL || h->slave) && check_rule_found(x, "pusher",
		    CHECK_RISK, (struct check_rule_at){ pusher, &g->at },
		    "Push from a host that is a full member (--from), or add "
		    "this one.", "the pushing host is %s in group %s, so "
		    "that the others refuse what it sends", h == NULL ?
		    "no member" : "only a slave", g->name) == -1)
			return -1;
		for (j = 0; x->in->mode != CHECK_PIPE && j < g->nhosts; j++)
			if (!g->hosts[j].slave && strcmp(g->hosts[j].self,
			    pusher) != 0 && check_rule_found(x, "not-slave",
			    CHECK_RISK, (struct check_rule_at){
			    g->hosts[j].self, &g->hosts[j].at },
			    "Write the receivers in parentheses: host admin "
			    "(h1 h2);", "a full member of group %s may push "
			    "too: with a key that it learns in a window it "
			    "writes on the others", g->name) == -1)
				return -1;
	}
	return 0;
}

check_rule *const check_rules_cfg[] = {
	rule_ordinary, check_covers, rule_overlap, rule_compare, rule_nossl,
	rule_names, rule_pusher, NULL,
};
