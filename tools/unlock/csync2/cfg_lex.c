/* SPDX-License-Identifier: ISC */
/*
 * The three states are those of csync2's scanner, oddities included: it
 * leaves a quote by meeting the next one, the end of a file leaves any state
 * and always returns to "config" in the file that included it.
 */
#include "cfg_lex.h"

static const char *const reserved[] = {
	[CFG_W_ACTION] = "action",
	[CFG_W_AUTO] = "auto",
	[CFG_W_BACKUP_DIR] = "backup-directory",
	[CFG_W_BACKUP_GEN] = "backup-generations",
	[CFG_W_COMPARE] = "compare",
	[CFG_W_CONFIG] = "config",
	[CFG_W_DATABASE] = "database",
	[CFG_W_DO_LOCAL] = "do-local",
	[CFG_W_DO_LOCAL_ONLY] = "do-local-only",
	[CFG_W_EXCLUDE] = "exclude",
	[CFG_W_EXEC] = "exec",
	[CFG_W_GROUP] = "group",
	[CFG_W_HOST] = "host",
	[CFG_W_IGNORE] = "ignore",
	[CFG_W_INCLUDE] = "include",
	[CFG_W_KEY] = "key",
	[CFG_W_LOCK_TIMEOUT] = "lock-timeout",
	[CFG_W_LOGFILE] = "logfile",
	[CFG_W_NO_CYGWIN] = "no-cygwin-lowercase",
	[CFG_W_NOSSL] = "nossl",
	[CFG_W_ON] = "on",
	[CFG_W_PATTERN] = "pattern",
	[CFG_W_PREFIX] = "prefix",
	[CFG_W_TEMPDIR] = "tempdir",
};

static int
push_file(struct cfg_lex *l, const char *name, struct err *e)
{
	struct cfg_lex_file *f = &l->stack[l->depth];

	if (l->files->n >= CFG_FILES_MAX)
		return err_set(e, ERR_CONFIG, "more than %u files included",
			CFG_FILES_MAX);
	if (strv_add(l->files, name) == -1)
		return err_set(e, ERR_MEM, "out of memory");
	buf_init(&f->text, CFG_FILE_MAX);
	f->pos = 0;
	f->line = 1;
	f->name = l->files->v[l->files->n - 1];
	l->depth++;
	if (l->load(l->arg, f->name, &f->text, e) == -1)
		return -1;
	l->total += f->text.len;
	if (l->total > CFG_TOTAL_MAX)
		return err_set(e, ERR_CONFIG, "more than %u MiB in all files",
			CFG_TOTAL_MAX >> 20);
	return 0;
}

int
cfg_lex_open(struct cfg_lex *l, const char *name,
	int (*load)(void *arg, const char *name, struct buf *out,
	struct err *e), void *arg, struct strv *files, struct err *e)
{
	memset(l, 0, sizeof(*l));
	l->load = load;
	l->arg = arg;
	l->files = files;
	return push_file(l, name, e);
}

void
cfg_lex_close(struct cfg_lex *l)
{
	while (l->depth > 0)
		buf_clear(&l->stack[--l->depth].text);
}

/* How many bytes from f's position on are none (or, with invert, all) of
 * those in set. A NUL is an ordinary byte here, as it is to flex. */
static size_t
span(const struct cfg_lex_file *f, const char *set, bool invert)
{
	size_t i = f->pos;

	while (i < f->text.len) {
		char c = f->text.data[i];

		if ((c != '\0' && strchr(set, c) != NULL) != invert)
			break;
		i++;
	}
	return i - f->pos;
}

static void
skip(struct cfg_lex_file *f, size_t n)
{
	for (; n > 0; n--, f->pos++)
		if (f->text.data[f->pos] == '\n')
			f->line++;
}

static void
take(struct cfg_lex_file *f, size_t n, struct cfg_tok *t)
{
	t->text = f->text.data + f->pos;
	t->len = n;
	t->at.file = f->name;
	t->at.line = f->line;
	skip(f, n);
}

static int
lex_end(struct cfg_lex *l, struct cfg_tok *t)
{
	struct cfg_lex_file *f = &l->stack[l->depth - 1];

	if (l->state == CFG_LEX_QUOTE)
		l->unclosed = l->quote_at;
	if (l->depth == 1) {
		t->kind = CFG_TOK_END;
		take(f, 0, t);
		return 1;
	}
	buf_clear(&f->text);
	l->depth--;
	l->state = CFG_LEX_CONFIG;
	return 0;
}

/* 1 when *t was filled, 0 to go on; so do lex_quote() and lex_config(). */
static int
lex_plain(struct cfg_lex *l, struct cfg_tok *t)
{
	struct cfg_lex_file *f = &l->stack[l->depth - 1];
	char c = f->text.data[f->pos];
	size_t n;

	if (strchr(" \t\r\n", c) != NULL && c != '\0') {
		skip(f, span(f, " \t\r\n", true));
		return 0;
	}
	if (c == '#') {
		skip(f, span(f, "\r\n", false));
		return 0;
	}
	if (c == '"') {
		l->state = CFG_LEX_QUOTE;
		l->quote_at.file = f->name;
		l->quote_at.line = f->line;
		skip(f, 1);
		return 0;
	}
	n = span(f, " \r\n\t@;()#\"", false);
	/* Colons at a word's end don't belong to it. */
	while (n > 0 && f->text.data[f->pos + n - 1] == ':')
		n--;
	if (n == 0 || (n == 1 && (c == '{' || c == '}'))) {
		t->kind = CFG_TOK_MARK;
		t->mark = c;
		take(f, 1, t);
		return 1;
	}
	take(f, n, t);
	t->kind = CFG_TOK_WORD;
	for (size_t i = 0; i < sizeof(reserved) / sizeof(*reserved); i++) {
		if (strlen(reserved[i]) == n &&
			memcmp(reserved[i], t->text, n) == 0) {
			t->kind = CFG_TOK_RESERVED;
			t->word = (enum cfg_word)i;
		}
	}
	if (t->kind == CFG_TOK_RESERVED && t->word == CFG_W_CONFIG) {
		l->state = CFG_LEX_CONFIG;
		return 0;
	}
	return 1;
}

static int
lex_quote(struct cfg_lex *l, struct cfg_tok *t)
{
	struct cfg_lex_file *f = &l->stack[l->depth - 1];

	if (f->text.data[f->pos] == '"') {
		l->state = CFG_LEX_PLAIN;
		skip(f, 1);
		return 0;
	}
	t->kind = CFG_TOK_WORD;
	take(f, span(f, "\"", false), t);
	t->quote_end = f->line;
	return 1;
}

static int
lex_config(struct cfg_lex *l, struct err *e)
{
	struct cfg_lex_file *f = &l->stack[l->depth - 1];
	struct cfg_at at = { f->name, f->line };
	struct cfg_tok t;
	char *name;
	size_t n;
	int rc;

	if (f->text.data[f->pos] == ';') {
		l->state = CFG_LEX_PLAIN;
		skip(f, 1);
		return 0;
	}
	n = span(f, " \t\r\n;", false);
	if (n == 0) {
		skip(f, span(f, " \t\r\n", true));
		return 0;
	}
	if (l->depth > CFG_DEPTH_MAX)
		return err_set(e, ERR_CONFIG, "%s:%u: files are included "
			"more than %d deep (csync2's limit); is a file "
			"including itself?", at.file, at.line, CFG_DEPTH_MAX);
	take(f, n, &t);
	name = strndup(t.text, t.len);
	if (name == NULL)
		return err_set(e, ERR_MEM, "out of memory");
	l->state = CFG_LEX_PLAIN;
	rc = push_file(l, name, e);
	if (rc == -1)
		err_wrap(e, "%s:%u: after 'config', which goes on to the "
			"next ';': can't include '%s'", at.file, at.line,
			name);
	free(name);
	return rc;
}

int
cfg_lex_next(struct cfg_lex *l, struct cfg_tok *ret, struct err *e)
{
	int rc = 0;

	memset(ret, 0, sizeof(*ret));
	while (rc == 0) {
		const struct cfg_lex_file *f = &l->stack[l->depth - 1];

		if (f->pos >= f->text.len)
			rc = lex_end(l, ret);
		else if (l->state == CFG_LEX_PLAIN)
			rc = lex_plain(l, ret);
		else if (l->state == CFG_LEX_QUOTE)
			rc = lex_quote(l, ret);
		else
			rc = lex_config(l, e);
	}
	return rc == 1 ? 0 : -1;
}
