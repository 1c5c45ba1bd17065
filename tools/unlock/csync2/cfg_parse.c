/* SPDX-License-Identifier: ISC */
/*
 * The grammar, by recursive descent with one token of lookahead. csync2's
 * own parser keeps a stack of 9998 symbols at most and refuses a file that
 * needs more, so .stack follows that stack's height: cfg_parse_push() is
 * called wherever an LALR(1) parser of the same grammar adds a symbol.
 */
#include "cfg_parse.h"

#include "cfg_model.h"

#define STACK_MAX 9998u
#define SHOWN_MAX 40		/* bytes of a word in a message */

int
cfg_parse_no_memory(struct cfg_parser *p)
{
	return err_set(p->e, ERR_MEM, "%s:%u: out of memory, or more than "
		"%u of a kind", p->tok.at.file, p->tok.at.line,
		CFG_LIST_MAX);
}

bool
cfg_parse_is_mark(const struct cfg_parser *p, char mark)
{
	return p->tok.kind == CFG_TOK_MARK && p->tok.mark == mark;
}

bool
cfg_parse_is_word(const struct cfg_parser *p, enum cfg_word word)
{
	return p->tok.kind == CFG_TOK_RESERVED && p->tok.word == word;
}

/* What most likely went wrong, as the end of a message. */
static const char *
hint(const struct cfg_parser *p, enum cfg_want want)
{
	const struct cfg_tok *t = &p->tok;

	if (t->kind == CFG_TOK_WORD && t->quote_end > t->at.line)
		return "; is a closing quote missing?";
	if (t->kind == CFG_TOK_RESERVED && want == CFG_WANT_WORD)
		return "; it is a reserved word: put it in \"quotes\"";
	if (t->kind == CFG_TOK_RESERVED && want == CFG_WANT_MARK)
		return "; is a ; missing before it?";
	if (t->kind == CFG_TOK_WORD && memchr(t->text, '}', t->len) != NULL)
		return "; braces belong to words: put spaces around }";
	if (t->kind == CFG_TOK_WORD && memchr(t->text, '{', t->len) != NULL)
		return "; braces belong to words: put spaces around {";
	if (cfg_parse_is_mark(p, ';') && want == CFG_WANT_STATEMENT)
		return "; one ; is enough, and none follows }";
	return "";
}

/* "FILE:LINE: 'x' where WANTED was expected". */
int
cfg_parse_unexpected(struct cfg_parser *p, const char *wanted,
	enum cfg_want want)
{
	const struct cfg_tok *t = &p->tok;
	char shown[SHOWN_MAX + 1];
	size_t n = t->len < SHOWN_MAX ? t->len : SHOWN_MAX;
	const char *more = t->len > n ? "..." : "";

	for (size_t i = 0; i < n; i++)
		shown[i] = (unsigned char)t->text[i] < ' ' ||
			t->text[i] == 0x7f ? '?' : t->text[i];
	shown[n] = '\0';
	if (t->kind == CFG_TOK_END && p->lex.unclosed.file != NULL)
		return err_set(p->e, ERR_CONFIG, "%s:%u: the quote that "
			"begins here is never closed",
			p->lex.unclosed.file, p->lex.unclosed.line);
	if (t->kind == CFG_TOK_END && p->open != NULL)
		return err_set(p->e, ERR_CONFIG, "%s:%u: the file ends where "
			"%s was expected, inside the %s that begins at "
			"%s:%u", t->at.file, t->at.line, wanted, p->what,
			p->open->file, p->open->line);
	if (t->kind == CFG_TOK_END)
		return err_set(p->e, ERR_CONFIG, "%s:%u: the file ends where "
			"%s was expected", t->at.file, t->at.line, wanted);
	return err_set(p->e, ERR_CONFIG, "%s:%u: '%s%s' where %s was "
		"expected%s", t->at.file, t->at.line, shown, more, wanted,
		hint(p, want));
}

int
cfg_parse_push(struct cfg_parser *p)
{
	if (++p->stack > STACK_MAX)
		return err_set(p->e, ERR_CONFIG, "%s:%u: too many statements "
			"for csync2's parser (it ends in 'memory "
			"exhausted')", p->tok.at.file, p->tok.at.line);
	return 0;
}

int
cfg_parse_next(struct cfg_parser *p)
{
	return cfg_parse_push(p) == -1 ? -1 :
		cfg_lex_next(&p->lex, &p->tok, p->e);
}

int
cfg_parse_expect(struct cfg_parser *p, char mark, const char *wanted)
{
	return cfg_parse_is_mark(p, mark) ? cfg_parse_next(p) :
		cfg_parse_unexpected(p, wanted, CFG_WANT_MARK);
}

int
cfg_parse_take(struct cfg_parser *p, char **ret)
{
	char *s = strndup(p->tok.text, p->tok.len);

	if (s == NULL)
		return cfg_parse_no_memory(p);
	free(*ret);
	*ret = s;
	return cfg_parse_next(p);
}

int
cfg_parse_expect_word(struct cfg_parser *p, char **ret,
	const char *wanted)
{
	if (p->tok.kind != CFG_TOK_WORD)
		return cfg_parse_unexpected(p, wanted, CFG_WANT_WORD);
	return cfg_parse_take(p, ret);
}

static int
parse_on(struct cfg_parser *p, struct cfg_prefix *x)
{
	struct cfg_prefix_on *on;
	struct cfg_at at = p->tok.at;

	on = cfg_model_grow(&x->on, &x->non, sizeof(*on));
	if (on == NULL)
		return cfg_parse_no_memory(p);
	if (cfg_parse_next(p) == -1 ||
		cfg_parse_expect_word(p, &on->host, "a host or pattern") == -1)
		return -1;
	if (!cfg_parse_is_mark(p, ':') && strchr(on->host, ':') != NULL)
		return err_set(p->e, ERR_CONFIG, "%s:%u: no : after host "
			"'%s': a space must follow it, as in "
			"'on host: /path;'", at.file, at.line, on->host);
	if (cfg_parse_expect(p, ':', ": after the host") == -1)
		return -1;
	at = p->tok.at;
	if (cfg_parse_expect_word(p, &on->path, "an absolute path") == -1)
		return -1;
	if (on->path[0] != '/')
		return err_set(p->e, ERR_CONFIG, "%s:%u: '%s' is not an "
			"absolute path, as prefixes must be", at.file,
			at.line, on->path);
	cfg_model_strip(on->path);
	return cfg_parse_expect(p, ';', ";");
}

static int
parse_prefix(struct cfg_parser *p)
{
	struct cfg_prefix *x;
	size_t base;

	x = cfg_model_grow(&p->cfg->prefixes, &p->cfg->nprefixes,
		sizeof(*x));
	if (x == NULL)
		return cfg_parse_no_memory(p);
	x->at = p->tok.at;
	p->open = &x->at;
	p->what = "prefix";
	if (cfg_parse_next(p) == -1 ||
		cfg_parse_expect_word(p, &x->name, "a name") == -1 ||
		cfg_parse_push(p) == -1 ||
		cfg_parse_expect(p, '{', "{ after the prefix's name") == -1 ||
		cfg_parse_push(p) == -1)
		return -1;
	for (base = p->stack; cfg_parse_is_word(p, CFG_W_ON); p->stack = base)
		if (parse_on(p, x) == -1)
			return -1;
	if (!cfg_parse_is_mark(p, '}'))
		return cfg_parse_unexpected(p, "'on HOST: PATH;' or }",
			CFG_WANT_STATEMENT);
	p->open = NULL;
	return cfg_parse_next(p);
}

static int
parse_ignore(struct cfg_parser *p)
{
	struct cfg *c = p->cfg;
	size_t base = p->stack;

	if (cfg_parse_next(p) == -1)
		return -1;
	while (p->tok.kind == CFG_TOK_WORD) {
		const char *s = p->tok.text;
		size_t n = strnlen(s, p->tok.len);

		if (n == 3 && memcmp(s, "uid", 3) == 0)
			c->ignore_uid = true;
		else if (n == 3 && memcmp(s, "gid", 3) == 0)
			c->ignore_gid = true;
		else if (n == 3 && memcmp(s, "mod", 3) == 0)
			c->ignore_mod = true;
		else
			return cfg_parse_unexpected(p, "uid, gid, mod or ;",
				CFG_WANT_MARK);
		if (cfg_parse_next(p) == -1)
			return -1;
	}
	/* The list grows to the right: only now it becomes one symbol. */
	if (cfg_parse_push(p) == -1)
		return -1;
	p->stack = base + 2;
	return cfg_parse_expect(p, ';', "uid, gid, mod or ;");
}

static int
parse_nossl(struct cfg_parser *p)
{
	struct cfg_nossl *x;

	x = cfg_model_grow(&p->cfg->nossl, &p->cfg->nnossl, sizeof(*x));
	if (x == NULL)
		return cfg_parse_no_memory(p);
	x->at = p->tok.at;
	if (cfg_parse_next(p) == -1 ||
		cfg_parse_expect_word(p, &x->from, "a host") == -1 ||
		cfg_parse_expect_word(p, &x->to, "a second host") == -1)
		return -1;
	return cfg_parse_expect(p, ';', ";");
}

/* database, tempdir, lock-timeout: "WORD VALUE;". */
static int
parse_setting(struct cfg_parser *p, char **ret,
	const char *wanted)
{
	if (cfg_parse_next(p) == -1 ||
		cfg_parse_expect_word(p, ret, wanted) == -1)
		return -1;
	return cfg_parse_expect(p, ';', ";");
}

static int
parse_database(struct cfg_parser *p)
{
	char *s = NULL;
	int rc = parse_setting(p, &s, "a database");

	/* csync2 keeps the first. */
	if (rc == 0 && p->cfg->database == NULL) {
		p->cfg->database = s;
		s = NULL;
	}
	free(s);
	return rc;
}

static int
parse_block(struct cfg_parser *p)
{
	struct cfg *c = p->cfg;

	if (p->tok.kind == CFG_TOK_RESERVED) {
		switch (p->tok.word) {
		case CFG_W_GROUP:
			return cfg_parse_group(p);
		case CFG_W_PREFIX:
			return parse_prefix(p);
		case CFG_W_NOSSL:
			return parse_nossl(p);
		case CFG_W_IGNORE:
			return parse_ignore(p);
		case CFG_W_DATABASE:
			return parse_database(p);
		case CFG_W_TEMPDIR:
			return parse_setting(p, &c->tempdir, "a folder");
		case CFG_W_LOCK_TIMEOUT:
			return parse_setting(p, &c->lock_timeout,
				"a number of seconds");
		case CFG_W_NO_CYGWIN:
			return err_set(p->e, ERR_CONFIG, "%s:%u: "
				"no-cygwin-lowercase is refused by every "
				"csync2 that is not Cygwin's", p->tok.at.file,
				p->tok.at.line);
		default:
			break;
		}
	}
	return cfg_parse_unexpected(p, "group, prefix, nossl, database, "
		"tempdir, ignore or lock-timeout",
		CFG_WANT_STATEMENT);
}

int
cfg_parse(const char *name, const char *hostname,
	int (*load)(void *arg, const char *name, struct buf *out,
	struct err *e), void *arg, struct cfg *ret, struct err *e)
{
	struct cfg_parser p = { .cfg = ret, .e = e };
	int rc = -1;

	if (cfg_lex_open(&p.lex, name, load, arg, &ret->files, e) == -1 ||
		cfg_lex_next(&p.lex, &p.tok, e) == -1)
		goto out;
	while (p.tok.kind != CFG_TOK_END) {
		size_t base = p.stack;

		if (parse_block(&p) == -1)
			goto out;
		p.stack = base + 1;
	}
	rc = cfg_parse_push(&p);
	if (rc == 0)
		rc = cfg_model_index(ret, e);
out:
	cfg_lex_close(&p.lex);
	return rc;
}
