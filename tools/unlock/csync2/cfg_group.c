/* SPDX-License-Identifier: ISC */
/* What stands in a group. The stack is explained in cfg_parse.c. */
#include "cfg_parse.h"

#include "cfg_model.h"

/* One host, "self" or "self@peer"; also inside parentheses. */
static int
parse_host(struct cfg_parser *p, struct cfg_group *g, bool slave)
{
	struct cfg_host *h;

	h = cfg_model_grow(&g->hosts, &g->nhosts, sizeof(*h));
	if (h == NULL)
		return cfg_parse_no_memory(p);
	h->at = p->tok.at;
	h->slave = slave;
	if (cfg_parse_take(p, &h->self) == -1)
		return -1;
	if (cfg_parse_is_mark(p, '@')) {
		if (cfg_parse_next(p) == -1 ||
			cfg_parse_expect_word(p, &h->peer, "the name that "
				"others connect to, after @,") == -1)
			return -1;
	} else {
		h->peer = strdup(h->self);
		if (h->peer == NULL)
			return cfg_parse_no_memory(p);
	}
	cfg_model_lower(h->self);
	cfg_model_lower(h->peer);
	return 0;
}

static int
parse_hosts(struct cfg_parser *p, struct cfg_group *g)
{
	size_t list;
	bool slave = false;

	if (cfg_parse_push(p) == -1)
		return -1;
	for (list = p->stack;; p->stack = list) {
		if (p->tok.kind == CFG_TOK_WORD) {
			if (parse_host(p, g, slave) == -1)
				return -1;
		} else if (cfg_parse_is_mark(p, slave ? ')' : '(')) {
			/* The list goes on inside, and behind, a new one. */
			if (cfg_parse_next(p) == -1 || cfg_parse_push(p) == -1)
				return -1;
			list = p->stack;
			slave = !slave;
		} else if (slave) {
			return cfg_parse_unexpected(p, "a slave's name or )",
				CFG_WANT_WORD);
		} else {
			return 0;
		}
	}
}

static int
parse_patterns(struct cfg_parser *p, struct cfg_group *g,
	enum cfg_pattern_kind kind)
{
	struct cfg_pattern *t = NULL;
	size_t list;

	if (cfg_parse_push(p) == -1)
		return -1;
	for (list = p->stack; p->tok.kind == CFG_TOK_WORD; p->stack = list) {
		t = cfg_model_grow(&g->patterns, &g->npatterns, sizeof(*t));
		if (t == NULL)
			return cfg_parse_no_memory(p);
		/* csync2 compares only the last word of "compare A B;". */
		t->kind = kind == CFG_COMPARE ? CFG_INCLUDE : kind;
		t->at = p->tok.at;
		if (cfg_parse_take(p, &t->text) == -1)
			return -1;
		cfg_model_strip(t->text);
	}
	if (t != NULL)
		t->kind = kind;
	return 0;
}

static int
parse_words(struct cfg_parser *p, struct strv *out)
{
	char *word = NULL;
	size_t list;
	int rc = -1;

	if (cfg_parse_push(p) == -1)
		return -1;
	for (list = p->stack; p->tok.kind == CFG_TOK_WORD; p->stack = list) {
		if (cfg_parse_take(p, &word) == -1)
			goto out;
		if (strv_add(out, word) == -1) {
			cfg_parse_no_memory(p);
			goto out;
		}
	}
	rc = 0;
out:
	free(word);
	return rc;
}

static int
parse_action_stmt(struct cfg_parser *p, struct cfg_action *a)
{
	if (p->tok.kind == CFG_TOK_RESERVED) {
		enum cfg_word w = p->tok.word;

		switch (w) {
		case CFG_W_PATTERN:
			return cfg_parse_next(p) == -1 ? -1 :
				parse_words(p, &a->patterns);
		case CFG_W_EXEC:
			return cfg_parse_next(p) == -1 ? -1 :
				parse_words(p, &a->execs);
		case CFG_W_LOGFILE:
			return cfg_parse_next(p) == -1 ? -1 :
				cfg_parse_expect_word(p, &a->logfile,
					"a log file");
		case CFG_W_DO_LOCAL:
		case CFG_W_DO_LOCAL_ONLY:
			a->do_local = true;
			a->do_local_only |= w == CFG_W_DO_LOCAL_ONLY;
			return cfg_parse_next(p);
		default:
			break;
		}
	}
	return cfg_parse_unexpected(p, "pattern, exec, logfile, do-local, "
		"do-local-only or }", CFG_WANT_STATEMENT);
}

static int
parse_action(struct cfg_parser *p, struct cfg_group *g)
{
	struct cfg_action *a;
	const struct cfg_at *open = p->open;
	const char *what = p->what;
	size_t list, base;

	a = cfg_model_grow(&g->actions, &g->nactions, sizeof(*a));
	if (a == NULL)
		return cfg_parse_no_memory(p);
	a->at = p->tok.at;
	p->open = &a->at;
	p->what = "action";
	if (cfg_parse_next(p) == -1 || cfg_parse_push(p) == -1 ||
		cfg_parse_expect(p, '{', "{ after action") == -1)
		return -1;
	list = p->stack;
	while (!cfg_parse_is_mark(p, '}')) {
		base = p->stack;
		if (parse_action_stmt(p, a) == -1)
			return -1;
		p->stack = base + 1;
		if (cfg_parse_expect(p, ';', "; or one more word") == -1)
			return -1;
	}
	p->open = open;
	p->what = what;
	if (cfg_parse_push(p) == -1)
		return -1;
	p->stack = list + 1;
	return cfg_parse_next(p);
}

static int
parse_key(struct cfg_parser *p, struct cfg_group *g)
{
	struct cfg_at at = p->tok.at;

	if (g->key != NULL)
		return err_set(p->e, ERR_CONFIG, "%s:%u: a second key for "
			"group '%s'; the first one is at %s:%u", at.file,
			at.line, g->name, g->key_at.file, g->key_at.line);
	if (cfg_parse_next(p) == -1 ||
		cfg_parse_expect_word(p, &g->key, "a key file") == -1)
		return -1;
	g->key_at = at;
	return 0;
}

static int
parse_auto(struct cfg_parser *p, struct cfg_group *g)
{
	static const char *const methods[] = { "none", "first", "younger",
		"older", "bigger", "smaller", "left", "right" };
	struct cfg_at at = p->tok.at;

	if (g->autom != NULL)
		return err_set(p->e, ERR_CONFIG, "%s:%u: a second auto for "
			"group '%s'; csync2 takes one", at.file, at.line,
			g->name);
	if (cfg_parse_next(p) == -1 ||
		cfg_parse_expect_word(p, &g->autom, "a method") == -1)
		return -1;
	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++)
		if (strcmp(methods[i], g->autom) == 0)
			return 0;
	return err_set(p->e, ERR_CONFIG, "%s:%u: auto '%s' is none of none, "
		"first, younger, older, bigger, smaller, left, right",
		at.file, at.line, g->autom);
}

static int
parse_group_stmt(struct cfg_parser *p, struct cfg_group *g)
{
	if (p->tok.kind == CFG_TOK_RESERVED) {
		switch (p->tok.word) {
		case CFG_W_HOST:
			return cfg_parse_next(p) == -1 ? -1 : parse_hosts(p, g);
		case CFG_W_INCLUDE:
			return cfg_parse_next(p) == -1 ? -1 :
				parse_patterns(p, g, CFG_INCLUDE);
		case CFG_W_EXCLUDE:
			return cfg_parse_next(p) == -1 ? -1 :
				parse_patterns(p, g, CFG_EXCLUDE);
		case CFG_W_COMPARE:
			return cfg_parse_next(p) == -1 ? -1 :
				parse_patterns(p, g, CFG_COMPARE);
		case CFG_W_KEY:
			return parse_key(p, g);
		case CFG_W_AUTO:
			return parse_auto(p, g);
		case CFG_W_BACKUP_DIR:
			return cfg_parse_next(p) == -1 ? -1 :
				cfg_parse_expect_word(p, &g->backup_dir,
					"a folder");
		case CFG_W_BACKUP_GEN:
			return cfg_parse_next(p) == -1 ? -1 :
				cfg_parse_expect_word(p,
					&g->backup_generations, "a number");
		default:
			break;
		}
	}
	return cfg_parse_unexpected(p, "host, include, exclude, compare, "
		"key, auto, backup-directory, backup-generations, action or }",
		CFG_WANT_STATEMENT);
}

static int
named(struct cfg_parser *p, struct cfg_group *g)
{
	size_t n;

	if (cfg_parse_take(p, &g->name) == -1)
		return -1;
	n = strlen(g->name);
	if (n < 2 || g->name[n - 1] != '{' || cfg_parse_is_mark(p, '{'))
		return 0;
	return err_set(p->e, ERR_CONFIG, "%s:%u: no { after the group's name "
		"'%s': braces belong to words, put a space before it",
		g->at.file, g->at.line, g->name);
}

static int
group_name(struct cfg_parser *p, struct cfg_group *g)
{
	if (p->tok.kind == CFG_TOK_WORD)
		return named(p, g);
	if (!cfg_parse_is_mark(p, '{'))
		return cfg_parse_unexpected(p, "the group's name or {",
			CFG_WANT_WORD);
	if (asprintf(&g->name, "group_%u", ++p->anonymous) == -1) {
		g->name = NULL;
		return cfg_parse_no_memory(p);
	}
	return 0;
}

int
cfg_parse_group(struct cfg_parser *p)
{
	struct cfg_group *g;
	size_t list, base = p->stack;

	g = cfg_model_grow(&p->cfg->groups, &p->cfg->ngroups, sizeof(*g));
	if (g == NULL)
		return cfg_parse_no_memory(p);
	g->at = p->tok.at;
	p->open = &g->at;
	p->what = "group";
	if (cfg_parse_next(p) == -1 || group_name(p, g) == -1)
		return -1;
	p->stack = base + 1;
	if (cfg_parse_expect(p, '{', "{ after the group's name") == -1)
		return -1;
	list = p->stack;
	while (!cfg_parse_is_mark(p, '}')) {
		base = p->stack;
		if (cfg_parse_is_word(p, CFG_W_ACTION)) {
			if (parse_action(p, g) == -1)
				return -1;
			p->stack = base + 1;
			continue;
		}
		if (parse_group_stmt(p, g) == -1)
			return -1;
		p->stack = base + 1;
		if (cfg_parse_expect(p, ';', "; or one more word") == -1)
			return -1;
	}
	if (g->key == NULL)
		return err_set(p->e, ERR_CONFIG, "%s:%u: group '%s' has no "
			"key: each group needs one 'key FILE;'", g->at.file,
			g->at.line, g->name);
	if (g->autom == NULL && (g->autom = strdup("none")) == NULL)
		return cfg_parse_no_memory(p);
	p->open = NULL;
	/* All statements become one symbol, from the last one backwards. */
	if (cfg_parse_push(p) == -1)
		return -1;
	p->stack = list + 1;
	return cfg_parse_next(p);
}
