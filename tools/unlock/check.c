/* SPDX-License-Identifier: ISC */
#include "check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_rule.h"

#define FACTS_MAX 1000
#define FACT_LEN_MAX 4096

static int
nomem(struct err *e)
{
	return err_set(e, ERR_MEM, "out of memory");
}

int
check_fact_add(struct check_host *h, const char *line, struct err *e)
{
	const unsigned char *p;

	if (strlen(line) > FACT_LEN_MAX || h->facts.n >= FACTS_MAX)
		return err_set(e, ERR_PEER, "%s says too much about itself",
		    h->name);
	for (p = (const unsigned char *)line; *p != '\0'; p++)
		if (*p < ' ' || *p == 0x7f)
			return err_set(e, ERR_PEER,
			    "%s says something unreadable about itself",
			    h->name);
	return strv_add(&h->facts, line) == 0 ? 0 : nomem(e);
}

void
check_host_clear(struct check_host *h)
{
	free(h->name);
	strv_clear(&h->facts);
	*h = (struct check_host){ 0 };
}

const char *
check_fact(const struct check_host *h, const char *key, size_t n)
{
	size_t i, len = strlen(key);
	const char *s;

	for (i = 0; i < h->facts.n; i++) {
		s = h->facts.v[i];
		if (strncmp(s, key, len) != 0)
			continue;
		if (s[len] == '\0')
			s += len;
		else if (s[len] == ' ')
			s += len + 1;
		else
			continue;
		if (n-- == 0)
			return s;
	}
	return NULL;
}

void
check_list_clear(struct check_list *l)
{
	size_t i;

	for (i = 0; i < l->n; i++) {
		free(l->v[i].host);
		free(l->v[i].text);
		free(l->v[i].cure);
	}
	free(l->v);
	*l = (struct check_list){ 0 };
}

enum check_level
check_worst(const struct check_list *l)
{
	enum check_level worst = CHECK_NOTE;
	size_t i;

	for (i = 0; i < l->n; i++)
		if (l->v[i].level > worst)
			worst = l->v[i].level;
	return worst;
}

static bool
same(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* FNV-1a. Ten thousand hosts may have a finding each. */
static uint32_t
hash(uint32_t h, const char *s)
{
	for (; s != NULL && *s != '\0'; s++)
		h = (h ^ (unsigned char)*s) * 16777619U;
	return h;
}

static bool
known(const struct check_list *l, const struct check_finding *f)
{
	const struct check_finding *k;
	size_t i;

	for (i = 0; i < l->n; i++) {
		k = &l->v[i];
		if (k->hash == f->hash && same(k->id, f->id) &&
		    same(k->host, f->host) && same(k->text, f->text) &&
		    k->at.line == f->at.line && same(k->at.file, f->at.file))
			return true;
	}
	return false;
}

int
check_rule_found(struct check_ctx *x, const char *id, enum check_level level,
	struct check_rule_at where, const char *cure, const char *fmt, ...)
{
	struct check_finding f = { .id = id, .level = level }, *v;
	struct check_list *l = x->list;
	bool keep = false;
	int rc = 0, n;
	va_list ap;
	size_t cap;

	va_start(ap, fmt);
	n = vasprintf(&f.text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return nomem(x->e);
	f.cure = strdup(cure);
	if (where.host != NULL)
		f.host = strdup(where.host);
	if (where.at != NULL)
		f.at = *where.at;
	if (f.cure == NULL || (where.host != NULL && f.host == NULL)) {
		rc = nomem(x->e);
		goto out;
	}
	f.hash = hash(hash(2166136261U, f.host), f.text);
	if (known(l, &f))
		goto out;
	if (l->n == l->cap) {
		cap = l->cap > 0 ? l->cap * 2 : 16;
		v = realloc(l->v, cap * sizeof(*v));
		if (v == NULL) {
			rc = nomem(x->e);
			goto out;
		}
		l->v = v;
		l->cap = cap;
	}
	l->v[l->n++] = f;
	keep = true;
out:
	if (!keep) {
		free(f.text);
		free(f.cure);
		free(f.host);
	}
	return rc;
}

bool
check_rule_chosen(const struct check_ctx *x, size_t c,
	const struct cfg_group *g)
{
	return c == 0 && strv_has(x->in->chosen, g->name);
}

int
check_rule_each(struct check_ctx *x, check_rule_group *f)
{
	const struct cfg *cfg;
	size_t c, i;

	for (c = 0; c < x->in->ncfgs; c++) {
		cfg = x->in->cfgs[c];
		for (i = 0; i < cfg->ngroups; i++)
			if (f(x, c, &cfg->groups[i]) == -1)
				return -1;
	}
	return 0;
}

bool
check_rule_in_chosen(const struct check_ctx *x, const char *host)
{
	const struct cfg *cfg = x->in->cfgs[0];
	size_t i;

	for (i = 0; i < cfg->ngroups; i++)
		if (check_rule_chosen(x, 0, &cfg->groups[i]) &&
		    cfg_self(&cfg->groups[i], host) != NULL)
			return true;
	return false;
}

/* Whether h calls path a FIFO: "key fifo PATH", or of a group that was chosen
 * "fifo STATE BLOCKSIZE PATH". */
static bool
is_fifo(const struct check_host *h, const char *path)
{
	const char *f, *p;
	size_t i;

	for (i = 0; (f = check_fact(h, "key", i)) != NULL; i++)
		if (strncmp(f, "fifo ", 5) == 0 && strcmp(f + 5, path) == 0)
			return true;
	for (i = 0; (f = check_fact(h, "fifo", i)) != NULL; i++) {
		if (strncmp(f, "not-fifo ", 9) == 0 ||
		    strncmp(f, "missing ", 8) == 0 ||
		    (p = strchr(f, ' ')) == NULL ||
		    (p = strchr(p + 1, ' ')) == NULL)
			continue;
		if (strcmp(p + 1, path) == 0)
			return true;
	}
	return false;
}

bool
check_rule_ordinary(const struct check_ctx *x, size_t c,
	const struct cfg_group *g, const char *host)
{
	const struct check_host *h = check_rule_host(x, host);
	bool fifo = false;
	struct buf path;
	struct err e;

	if (check_rule_chosen(x, c, g))
		return false;
	/* A host that was not asked is taken to be as the pusher is. What one
	 * receiver says about its own key is nothing to go by for another. */
	if (h == NULL || h->facts.n == 0)
		h = check_rule_host(x, x->in->pusher);
	buf_init(&path, 8192);
	if (h != NULL && cfg_key_path(g, x->sysdir, &path, &e) == 0)
		fifo = is_fifo(h, path.data);
	buf_clear(&path);
	return !fifo;
}

static int
by_name(const void *pa, const void *pb)
{
	const struct check_host *a = *(const struct check_host *const *)pa;
	const struct check_host *b = *(const struct check_host *const *)pb;

	return strcmp(a->name, b->name);
}

static int
is_named(const void *name, const void *at)
{
	return strcmp(name, (*(const struct check_host *const *)at)->name);
}

const struct check_host *
check_rule_host(const struct check_ctx *x, const char *name)
{
	const struct check_host **at;

	if (x->in->nhosts == 0)
		return NULL;
	at = bsearch(name, x->by_name, x->in->nhosts,
	    sizeof(struct check_host *), is_named);
	return at != NULL ? *at : NULL;
}

bool
check_rule_is(const struct check_host *h, const char *key, const char *value)
{
	const char *f = h != NULL ? check_fact(h, key, 0) : NULL;

	return f != NULL && strcmp(f, value) == 0;
}

const char *
check_rule_uncaged(const struct check_host *h, size_t n)
{
	const char *d;
	size_t i;

	for (i = 0; (d = check_fact(h, "daemon", i)) != NULL; i++)
		if (strcmp(d, "none") != 0 &&
		    strncmp(d, "socket csync2.socket ", 21) != 0 && n-- == 0)
			return d;
	return NULL;
}

/* The worst first; otherwise by place, so that a file reads downwards. */
static int
order(const void *pa, const void *pb)
{
	const struct check_finding *a = pa, *b = pb;
	int rc;

	if (a->level != b->level)
		return a->level > b->level ? -1 : 1;
	rc = strcmp(a->at.file != NULL ? a->at.file : "",
	    b->at.file != NULL ? b->at.file : "");
	if (rc == 0 && a->at.line != b->at.line)
		rc = a->at.line < b->at.line ? -1 : 1;
	if (rc == 0)
		rc = strcmp(a->host != NULL ? a->host : "",
		    b->host != NULL ? b->host : "");
	return rc != 0 ? rc : strcmp(a->text, b->text);
}

int
check_run(const struct check_input *in, struct check_list *ret,
	struct err *e)
{
	struct check_ctx x = { .in = in, .list = ret, .e = e,
		.sysdir = in->sysdir != NULL ? in->sysdir : "/etc" };
	check_rule *const *r;
	int rc = 0;
	size_t i;

	x.by_name = calloc(in->nhosts + 1, sizeof(struct check_host *));
	if (x.by_name == NULL)
		return nomem(e);
	for (i = 0; i < in->nhosts; i++)
		x.by_name[i] = &in->hosts[i];
	qsort(x.by_name, in->nhosts, sizeof(struct check_host *), by_name);
	for (r = check_rules_cfg; rc == 0 && *r != NULL; r++)
		rc = (*r)(&x);
	for (r = check_rules_facts; rc == 0 && *r != NULL; r++)
		rc = (*r)(&x);
	if (rc == 0 && ret->n > 1)
		qsort(ret->v, ret->n, sizeof(*ret->v), order);
	free(x.by_name);
	return rc;
}
