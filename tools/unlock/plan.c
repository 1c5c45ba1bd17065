/* SPDX-License-Identifier: ISC */
#include "plan.h"

#include <search.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "ssh/host.h"

static int
no_mem(struct err *e)
{
	return err_set(e, ERR_MEM, "out of memory");
}

static bool
named(const struct strv *names, const struct cfg_host *h)
{
	size_t i;

	for (i = 0; i < names->n; i++)
		if (strcasecmp(names->v[i], h->self) == 0 ||
		    strcasecmp(names->v[i], h->peer) == 0)
			return true;
	return false;
}

/* The name of who pushes: --from is looked up like any host's name. */
static bool
is_pusher(const struct unlock_opts *o, const struct cfg_host *h)
{
	if (o->from == NULL)
		return strcmp(h->self, o->self) == 0;
	return strcasecmp(o->from, h->self) == 0 ||
	    strcasecmp(o->from, h->peer) == 0;
}

static const char *
destination(const struct unlock_opts *o, const struct cfg_host *h)
{
	size_t i;

	for (i = 0; i < o->nmap; i++)
		if (strcasecmp(o->map[i].name, h->self) == 0)
			return o->map[i].dest;
	for (i = 0; i < o->nmap; i++)
		if (strcasecmp(o->map[i].name, h->peer) == 0)
			return o->map[i].dest;
	return h->peer;
}

/* What is only needed while the plan is made. */
struct maker {
	struct plan *p;
	const struct unlock_opts *o;
	const struct cfg *c;
	struct hsearch_data index;	/* name → index + 1 in p->hosts */
};

/* The index of h in p->hosts, which grows when h is new. -1: *e. */
static int
host_of(struct maker *m, const struct cfg_host *h, size_t *ret, struct err *e)
{
	struct plan *p = m->p;
	const struct unlock_opts *o = m->o;
	struct plan_host *ph;
	ENTRY item = { .key = h->self, .data = NULL }, *found;

	if (hsearch_r(item, FIND, &found, &m->index) != 0) {
		*ret = (size_t)(uintptr_t)found->data - 1;
		return 0;
	}
	ph = reallocarray(p->hosts, p->nhosts + 1, sizeof(*ph));
	if (ph == NULL)
		return no_mem(e);
	p->hosts = ph;
	ph += p->nhosts;
	*ph = (struct plan_host){ .name = h->self, .peer = h->peer,
	    .here = strcmp(h->self, o->self) == 0,
	    .pushes = is_pusher(o, h) };
	ph->dest = strdup(ph->here ? "" : destination(o, h));
	*ret = p->nhosts++;
	item.data = (void *)(uintptr_t)p->nhosts;
	if (ph->dest == NULL || hsearch_r(item, ENTER, &found,
	    &m->index) == 0)
		return no_mem(e);
	if (!ph->here && host_check(ph->dest, e) == -1) {
		err_wrap(e, "%s:%u: host %s (name another with --map %s=…)",
		    h->at.file, h->at.line, h->self, h->self);
		return -1;
	}
	return 0;
}

static int
add_row(struct maker *m, const struct cfg_group *g, const struct cfg_host *h,
    struct err *e)
{
	struct plan *p = m->p;
	struct plan_host *ph;
	struct plan_row *r;
	struct buf key;
	size_t at = 0;
	int rc = -1;

	buf_init(&key, 4096);
	if (host_of(m, h, &at, e) == -1)
		return -1;
	ph = &p->hosts[at];
	/* csync2 uses the first entry of a host that is named twice. */
	if (ph->last != 0 && p->rows[ph->last - 1].group == g)
		return 0;
	if (cfg_key_path(g, m->o->sysdir, &key, e) == -1)
		goto out;
	r = reallocarray(p->rows, p->nrows + 1, sizeof(*r));
	if (r == NULL) {
		no_mem(e);
		goto out;
	}
	p->rows = r;
	r += p->nrows++;
	*r = (struct plan_row){ .group = g, .host = h, .at = at,
	    .pushes = ph->pushes };
	if (ph->last == 0)
		ph->first = p->nrows;
	else
		p->rows[ph->last - 1].next = p->nrows;
	ph->last = p->nrows;
	r->key = buf_steal(&key);
	rc = r->key != NULL ? 0 : no_mem(e);
out:
	buf_clear(&key);
	return rc;
}

/* -H and --exclude narrow the receivers; who pushes is there all the same. */
static bool
wanted(const struct unlock_opts *o, const struct cfg_host *h)
{
	if (o->action != UNLOCK_HOLD && o->action != UNLOCK_COMMAND &&
	    is_pusher(o, h))
		return true;
	return (o->only.n == 0 || named(&o->only, h)) &&
	    !named(&o->except, h);
}

static int
add_group(struct maker *m, const char *name, struct err *e)
{
	const struct cfg *c = m->c;
	const struct cfg_group *g;
	size_t i = 0, k;
	bool found = false;

	while ((g = cfg_group(c, name, &i)) != NULL) {
		found = true;
		for (k = 0; k < g->nhosts; k++)
			if (wanted(m->o, &g->hosts[k]) &&
			    add_row(m, g, &g->hosts[k], e) == -1)
				return -1;
	}
	if (!found)
		return err_set(e, ERR_USAGE, "%s: no group '%s' (there: %s)",
		    c->files.n > 0 ? c->files.v[0] : "csync2.cfg", name,
		    c->ngroups > 0 ? c->groups[0].name : "none");
	return 0;
}

/* Every name given with -H and --exclude must be some host's. */
static int
check_names(const struct strv *names, const char *opt, const struct cfg *c,
    const struct unlock_opts *o, struct err *e)
{
	const struct cfg_group *g;
	struct strv one = { 0 };
	size_t i, j, k, it;
	bool found;

	for (i = 0; i < names->n; i++) {
		found = false;
		one = (struct strv){ .v = &names->v[i], .n = 1 };
		for (j = 0; j < o->groups.n; j++)
			for (it = 0; (g = cfg_group(c, o->groups.v[j],
			    &it)) != NULL;)
				for (k = 0; k < g->nhosts; k++)
					found = found ||
					    named(&one, &g->hosts[k]);
		if (!found)
			return err_set(e, ERR_USAGE, "%s %s: no such host in "
			    "the chosen groups", opt, names->v[i]);
	}
	return 0;
}

/* The groups in which host at receives, in the order of the rows. */
static int
groups_of(const struct plan *p, size_t at, struct plan_set *ret)
{
	const struct plan_row *r;

	ret->groups = calloc(plan_rows(p, at), sizeof(struct cfg_group *));
	ret->ngroups = 0;
	if (ret->groups == NULL)
		return -1;
	for (r = plan_first(p, at); r != NULL; r = plan_next(p, r))
		ret->groups[ret->ngroups++] = r->group;
	return 0;
}

static bool
same_set(const struct plan_set *a, const struct plan_set *b)
{
	return a->ngroups == b->ngroups && memcmp(a->groups, b->groups,
	    a->ngroups * sizeof(*a->groups)) == 0;
}

static int
make_sets(struct plan *p, struct err *e)
{
	struct plan_set s, *sets;
	size_t i, k;

	for (i = 0; i < p->nhosts; i++) {
		if (p->hosts[i].pushes)
			continue;
		if (groups_of(p, i, &s) == -1)
			return no_mem(e);
		for (k = 0; k < p->nsets; k++)
			if (same_set(&p->sets[k], &s))
				break;
		p->hosts[i].set = k;
		if (k < p->nsets) {
			free(s.groups);
			continue;
		}
		sets = reallocarray(p->sets, p->nsets + 1, sizeof(*sets));
		if (sets == NULL) {
			free(s.groups);
			return no_mem(e);
		}
		p->sets = sets;
		p->sets[p->nsets++] = s;
	}
	return 0;
}

/* What a push needs of the host that pushes, group by group. */
static int
judge_pusher(struct plan *p, const struct unlock_opts *o, const struct cfg *c)
{
	const char *who = o->from != NULL ? o->from : o->self;
	const struct plan_row *r;
	const struct cfg_group *g;
	size_t i, j, it;
	int rc = 0;

	for (i = 0; i < o->groups.n; i++)
		for (it = 0; (g = cfg_group(c, o->groups.v[i], &it)) != NULL;) {
			r = NULL;
			for (j = 0; j < p->nrows; j++)
				if (p->rows[j].group == g &&
				    p->rows[j].pushes)
					r = &p->rows[j];
			if (r == NULL)
				rc |= strv_addf(&p->stops, "%s:%u: the "
				    "pushing host %s is not in group %s: "
				    "add it there, or let another push "
				    "(--from)", g->at.file, g->at.line, who,
				    g->name);
			else if (r->host->slave)
				rc |= strv_addf(&p->stops, "%s:%u: the "
				    "pushing host %s is only a slave in "
				    "group %s", r->host->at.file,
				    r->host->at.line, who, g->name);
		}
	if (o->from != NULL && p->pusher != PLAN_NOBODY &&
	    !p->hosts[p->pusher].here)
		rc |= strv_addf(&p->notes, "%s sees the key of every "
		    "receiver while it pushes", who);
	if (p->nhosts == (p->pusher != PLAN_NOBODY ? 1U : 0U))
		rc |= strv_add(&p->stops, "no host is left to push to");
	return rc;
}

/* Room for every host of every group, each name once or more. */
static size_t
count_hosts(const struct cfg *c)
{
	size_t i, n = 0;

	for (i = 0; i < c->ngroups; i++)
		n += c->groups[i].nhosts;
	return n;
}

static int
add_groups(struct maker *m, struct err *e)
{
	const struct strv *names = &m->o->groups;
	size_t i, k;

	for (i = 0; i < names->n; i++) {
		for (k = 0; k < i; k++)
			if (strcmp(names->v[i], names->v[k]) == 0)
				break;
		if (k == i && add_group(m, names->v[i], e) == -1)
			return -1;
	}
	return 0;
}

int
plan_make(const struct unlock_opts *o, const struct cfg *c, struct plan *ret,
    struct err *e)
{
	struct maker m = { .p = ret, .o = o, .c = c };
	size_t i;
	int rc;

	ret->pusher = PLAN_NOBODY;
	if (hcreate_r(count_hosts(c) * 2 + 16, &m.index) == 0)
		return no_mem(e);
	rc = add_groups(&m, e);
	hdestroy_r(&m.index);
	if (rc == -1 || check_names(&o->only, "-H", c, o, e) == -1 ||
	    check_names(&o->except, "--exclude", c, o, e) == -1 ||
	    make_sets(ret, e) == -1)
		return -1;
	for (i = 0; i < ret->nhosts; i++)
		if (ret->hosts[i].pushes)
			ret->pusher = i;
	if (o->action == UNLOCK_PUSH && judge_pusher(ret, o, c) != 0)
		return no_mem(e);
	if (o->action == UNLOCK_COMMAND && o->verify &&
	    ret->pusher == PLAN_NOBODY && strv_addf(&ret->stops, "--verify "
	    "compares with this host, and %s is in none of the groups",
	    o->self) == -1)
		return no_mem(e);
	if (o->way == UNLOCK_SHARED && strv_add(&ret->notes, "one key for "
	    "all: whoever is root on one member can push to the others "
	    "while the window is open") == -1)
		return no_mem(e);
	return 0;
}

void
plan_clear(struct plan *p)
{
	size_t i;

	for (i = 0; i < p->nrows; i++)
		free(p->rows[i].key);
	for (i = 0; i < p->nhosts; i++)
		free(p->hosts[i].dest);
	for (i = 0; i < p->nsets; i++)
		free(p->sets[i].groups);
	free(p->rows);
	free(p->hosts);
	free(p->sets);
	strv_clear(&p->stops);
	strv_clear(&p->notes);
	*p = (struct plan){ 0 };
}

const struct plan_row *
plan_first(const struct plan *p, size_t host)
{
	size_t i = p->hosts[host].first;

	return i > 0 ? &p->rows[i - 1] : NULL;
}

const struct plan_row *
plan_next(const struct plan *p, const struct plan_row *r)
{
	return r->next > 0 ? &p->rows[r->next - 1] : NULL;
}

size_t
plan_rows(const struct plan *p, size_t host)
{
	const struct plan_row *r;
	size_t n = 0;

	for (r = plan_first(p, host); r != NULL; r = plan_next(p, r))
		n++;
	return n;
}

static bool
has_key(const struct plan *p, size_t host, const char *path)
{
	const struct plan_row *r;

	for (r = plan_first(p, host); r != NULL; r = plan_next(p, r))
		if (strcmp(r->key, path) == 0)
			return true;
	return false;
}

int
plan_spare_keys(const struct unlock_opts *o, const struct cfg *c,
    const struct plan *p, size_t host, struct strv *out, struct err *e)
{
	struct buf path;
	size_t i;
	int rc = 0;

	for (i = 0; i < c->ngroups && rc == 0; i++) {
		buf_init(&path, 4096);
		rc = cfg_key_path(&c->groups[i], o->sysdir, &path, e);
		if (rc == 0 && !has_key(p, host, path.data) &&
		    !strv_has(out, path.data) &&
		    strv_add(out, path.data) == -1)
			rc = no_mem(e);
		buf_clear(&path);
	}
	return rc;
}
