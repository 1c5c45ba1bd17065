/* SPDX-License-Identifier: ISC */
#include "gitword.h"

#include <stdbool.h>

#include "base/esc.h"

#define SHOWN 60	/* bytes of a command that is too long */

_Static_assert(GITWORD_MAX <= 64, "a bit a word");

static const char bare[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "abcdefghijklmnopqrstuvwxyz0123456789-._@/+:,%=";

/* A command on its way through. */
struct line {
	const char *p, *end;
	struct err *e;
};

/* What began as s is not shown as a whole, and says so. */
static int
too_long(const char *s, size_t len, struct err *e)
{
	struct buf shown;

	buf_init(&shown, 4 * SHOWN + 1);
	if (esc_text(&shown, s, SHOWN) == -1)
		buf_clear(&shown);
	err_set(e, ERR_REFUSED, "the command is longer than %d bytes: %zu, "
	    "which begin with '%s...'", GITWORD_LINE_MAX, len, shown.data);
	buf_clear(&shown);
	return -1;
}

static int
check_bytes(const char *s, size_t len, struct err *e)
{
	unsigned char c;
	size_t i;

	if (len == 0)
		return err_set(e, ERR_REFUSED, "the command is empty");
	if (len > GITWORD_LINE_MAX)
		return too_long(s, len, e);
	for (i = 0; i < len; i++) {
		c = (unsigned char)s[i];
		if (c < 0x20 || c == 0x7f)
			return err_set(e, ERR_REFUSED, "the command has a "
			    "control character (byte 0x%02x) in it", c);
		if (c > 0x7f)
			return err_set(e, ERR_REFUSED, "the command has a "
			    "byte that is no ASCII (0x%02x) in it", c);
	}
	return 0;
}

/* What git writes outside of its quotes: \' or \!, and the next quote. */
static int
escaped(struct line *l, char *ret)
{
	if (l->end - l->p < 3 || (l->p[1] != '\'' && l->p[1] != '!') ||
	    l->p[2] != '\'')
		return err_set(l->e, ERR_REFUSED, "a '\\' that is not git's: "
		    "outside of quotes it writes \\' and \\! only, with a "
		    "quote after them");
	*ret = l->p[1];
	l->p += 3;
	return 0;
}

/* A quoted word; l is at its first quote. */
static int
quoted_word(struct line *l, char *word, size_t *ret_len)
{
	size_t n = 0;

	l->p++;
	for (;;) {
		while (l->p < l->end && *l->p != '\'')
			word[n++] = *l->p++;
		if (l->p == l->end)
			return err_set(l->e, ERR_REFUSED, "a quote that is "
			    "not closed");
		l->p++;
		if (l->p == l->end || *l->p == ' ')
			break;
		if (*l->p != '\\')
			return err_set(l->e, ERR_REFUSED, "'%c' right behind "
			    "a closing quote", *l->p);
		if (escaped(l, &word[n++]) == -1)
			return -1;
	}
	*ret_len = n;
	return 0;
}

static int
bare_word(struct line *l, char *word, size_t *ret_len)
{
	size_t n = 0;

	while (l->p < l->end && *l->p != ' ') {
		if (strchr(bare, *l->p) == NULL)
			return err_set(l->e, ERR_REFUSED, "a '%c' outside of "
			    "single quotes", *l->p);
		word[n++] = *l->p++;
	}
	if (n == 0)
		return err_set(l->e, ERR_REFUSED, "a space at the command's "
		    "begin or end, or two in a row");
	*ret_len = n;
	return 0;
}

/* The next word, appended. */
static int
next(struct line *l, struct gitword *w)
{
	char word[GITWORD_LINE_MAX + 1];
	bool quoted = l->p < l->end && *l->p == '\'';
	size_t n = 0;

	if (w->words.n == GITWORD_MAX)
		return err_set(l->e, ERR_REFUSED, "the command has more than "
		    "%d words", GITWORD_MAX);
	if ((quoted ? quoted_word : bare_word)(l, word, &n) == -1)
		return -1;
	word[n] = '\0';
	if (quoted)
		w->quoted |= UINT64_C(1) << w->words.n;
	if (strv_add(&w->words, word) == -1)
		return err_set(l->e, ERR_MEM, "out of memory");
	return 0;
}

int
gitword_split(const char *line, size_t len, struct gitword *ret,
    struct err *e)
{
	struct line l = { line, line + len, e };
	struct gitword w = { 0 };

	if (check_bytes(line, len, e) == -1)
		return -1;
	while (next(&l, &w) == 0) {
		if (l.p == l.end) {
			*ret = w;
			return 0;
		}
		l.p++;		/* the space; a word must follow */
	}
	gitword_clear(&w);
	return -1;
}

void
gitword_clear(struct gitword *w)
{
	strv_clear(&w->words);
	w->quoted = 0;
}

static int
quote(const char *s, struct buf *out)
{
	int rc = buf_addc(out, '\'');

	for (; *s != '\0'; s++)
		rc |= *s == '\'' || *s == '!' ?
		    buf_addf(out, "'\\%c'", *s) : buf_addc(out, *s);
	return rc | buf_addc(out, '\'');
}

int
gitword_emit(const struct gitword *w, struct buf *out)
{
	struct buf b;
	size_t i;
	int rc = 0;

	buf_init(&b, out->max);
	for (i = 0; i < w->words.n; i++) {
		if (i > 0)
			rc |= buf_addc(&b, ' ');
		rc |= (w->quoted >> i & 1) != 0 ?
		    quote(w->words.v[i], &b) : buf_adds(&b, w->words.v[i]);
	}
	if (rc == 0)
		rc = buf_add(out, b.data, b.len);
	buf_clear(&b);
	return rc;
}
