/* SPDX-License-Identifier: ISC */
#include "ui/conf.h"

#include <ini.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/esc.h"

/* inih splits what is longer into two lines without a word. */
#define LINE_BYTES_MAX 197
_Static_assert(LINE_BYTES_MAX <= INI_MAX_LINE - 3, "longer than inih's buffer");
/* inih cuts longer section names (MAX_SECTION and MAX_NAME in ini.c). */
#define NAME_BYTES_MAX 49

struct conf_run {
	const char *text;	/* what is left */
	size_t left;
	const char *name;
	const struct conf_key *keys;
	conf_fn *fn;
	void *arg;
	unsigned line;
	void *seen;		/* tsearch(3): "section\nkey" strings */
	struct err *e;
	bool failed;
};

/* "NAME:LINE: REASON 'WORD'"; word may be NULL. */
static int
fail(struct conf_run *r, const char *reason, const char *word)
{
	struct buf b;

	buf_init(&b, ERR_MSG_MAX);
	r->failed = true;
	if (word == NULL) {
		err_set(r->e, ERR_CONFIG, "%s:%u: %s", r->name, r->line,
		    reason);
	} else {
		(void)esc_text(&b, word, strlen(word));
		err_set(r->e, ERR_CONFIG, "%s:%u: %s '%s'", r->name, r->line,
		    reason, b.data);
	}
	buf_clear(&b);
	return -1;
}

static bool
blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool
match(const char *pattern, const char *word)
{
	return strcmp(pattern, "*") == 0 || strcmp(pattern, word) == 0;
}

/* Also "job *": one blank, then a name without any. */
static bool
match_section(const char *pattern, const char *word)
{
	size_t len = strlen(pattern);

	if (len > 2 && strcmp(pattern + len - 2, " *") == 0)
		return strncmp(pattern, word, len - 1) == 0 &&
		    word[len - 1] != '\0' && strpbrk(word + len - 1,
		    " \t") == NULL;
	return match(pattern, word);
}

static int
hand_over(struct conf_run *r, const struct conf_key *k, const char *section,
    const char *key, const char *value)
{
	char at[ERR_MSG_MAX];

	snprintf(at, sizeof(at), "%s:%u", r->name, r->line);
	if (r->fn(r->arg, k->id, section, key, value, at, r->e) == -1)
		r->failed = true;
	return r->failed ? -1 : 0;
}

/* "[name]" as a whole, and a section that the table knows. */
static int
check_section(struct conf_run *r, const char *s)
{
	const struct conf_key *k;
	const char *end = strchr(s, ']');
	char name[NAME_BYTES_MAX + 1];
	size_t len;

	if (end == NULL)
		return fail(r, "no ']' in", s);
	if (end[1] != '\0')
		return fail(r, "a comment needs its own line; after ']' "
		    "stands", end + 1);
	len = (size_t)(end - s - 1);
	if (len == 0 || len > NAME_BYTES_MAX)
		return fail(r, "a section name has 1 to 49 bytes, not", s);
	if (blank(s[1]) || blank(end[-1]))
		return fail(r, "blanks inside the brackets of", s);
	memcpy(name, s + 1, len);
	name[len] = '\0';
	for (k = r->keys; k->id != 0; k++)
		if (k->section[0] != '\0' && match_section(k->section, name))
			break;
	if (k->id == 0)
		return fail(r, "unknown section", name);
	return k->key[0] == '\0' ? hand_over(r, k, name, "", "") : 0;
}

/* "key = value", with nothing that inih would read otherwise. */
static int
check_pair(struct conf_run *r, const char *s)
{
	const char *sep = strpbrk(s, "=:");
	const char *p;
	size_t len;

	if (sep == NULL)
		return fail(r, "neither 'key = value' nor '[section]':", s);
	if (*sep == ':')
		return fail(r, "'=' stands between key and value, not ':', "
		    "in", s);
	len = (size_t)(sep - s);
	while (len > 0 && blank(s[len - 1]))
		len--;
	if (len == 0 || len > NAME_BYTES_MAX)
		return fail(r, "a key has 1 to 49 bytes, not in", s);
	for (p = s; (p = strchr(p, ';')) != NULL; p++)
		if (p > s && blank(p[-1]))
			return fail(r, "a comment needs its own line; ' ;' "
			    "in", s);
	return 0;
}

/* One line of len bytes, without its line feed, NUL-terminated in s. */
static int
check_line(struct conf_run *r, const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (s[i] == '\r')
			return fail(r, "a carriage return (DOS line ends?)",
			    NULL);
		if (((unsigned char)s[i] < 0x20 && s[i] != '\t') ||
		    s[i] == 0x7f)
			return fail(r, "a control character", NULL);
	}
	if (strncmp(s, "\xef\xbb\xbf", 3) == 0)
		return fail(r, "a byte order mark", NULL);
	if (s[strspn(s, " \t")] == '\0' || s[0] == '#' || s[0] == ';')
		return 0;
	if (blank(s[0]))
		return fail(r, "no line continues another; indented:",
		    s + strspn(s, " \t"));
	if (s[0] == '[')
		return check_section(r, s);
	return check_pair(r, s);
}

/*
 * inih's fgets: hands out the next line, checked; NULL at the end and at the
 * first error, so that nothing after it is read.
 */
static char *
next_line(char *out, int cap, void *arg)
{
	struct conf_run *r = arg;
	const char *nl;
	size_t len;

	if (r->failed || r->left == 0)
		return NULL;
	r->line++;
	nl = memchr(r->text, '\n', r->left);
	len = nl != NULL ? (size_t)(nl - r->text) : r->left;
	if (len > LINE_BYTES_MAX || len + 2 > (size_t)cap) {
		fail(r, "the line is longer than 197 bytes", NULL);
		return NULL;
	}
	memcpy(out, r->text, len);
	out[len] = '\0';
	r->text += len + (nl != NULL);
	r->left -= len + (nl != NULL);
	if (memchr(out, '\0', len) != NULL) {
		fail(r, "a NUL byte", NULL);
		return NULL;
	}
	while (len > 0 && blank(out[len - 1]))
		out[--len] = '\0';
	if (check_line(r, out, len) == -1)
		return NULL;
	out[len++] = '\n';
	out[len] = '\0';
	return out;
}

static int
compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* -1 when section and key were there before. */
static int
remember(struct conf_run *r, const char *section, const char *key)
{
	char *word = NULL;
	char **node;

	if (asprintf(&word, "%s\n%s", section, key) == -1)
		goto nomem;
	node = tsearch(word, &r->seen, compare);
	if (node == NULL) {
		free(word);
		goto nomem;
	}
	if (*node == word)
		return 0;
	free(word);
	return fail(r, "set a second time: key", key);
nomem:
	r->failed = true;
	return err_set(r->e, ERR_MEM, "%s:%u: out of memory", r->name, r->line);
}

/* inih's handler: 1 to go on, 0 for an error. */
static int
handle(void *arg, const char *section, const char *key, const char *value)
{
	struct conf_run *r = arg;
	const struct conf_key *k;

	if (r->failed)
		return 0;
	for (k = r->keys; k->id != 0; k++)
		if (match_section(k->section, section) && match(k->key, key))
			break;
	if (k->id == 0) {
		fail(r, "unknown key", key);
		return 0;
	}
	if (!k->many && remember(r, section, key) == -1)
		return 0;
	return hand_over(r, k, section, key, value) == 0;
}

int
conf_parse(const char *text, size_t len, const char *name,
	const struct conf_key *keys, conf_fn *fn, void *arg, struct err *e)
{
	struct conf_run r = { .text = text, .left = len, .name = name,
		.keys = keys, .fn = fn, .arg = arg, .e = e };
	int rc;

	rc = ini_parse_stream(next_line, &r, handle, &r);
	tdestroy(r.seen, free);
	if (r.failed)
		return -1;
	if (rc < 0)
		return err_set(e, ERR_MEM, "%s: out of memory", name);
	if (rc > 0)
		return err_set(e, ERR_CONFIG, "%s:%d: syntax error", name, rc);
	return 0;
}
