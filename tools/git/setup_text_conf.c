/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "setup_text.h"

/* Where in a git.conf a key of a section stands, or would stand. */
struct place {
	size_t line, line_end;	/* the key's line, its line feed included */
	size_t value, value_end;
	size_t behind;		/* of the section's last line that says
				 * something */
	bool has_key, has_section;
};

/* "key = value" at p: where its value begins, or NULL. */
static const char *
value_of(const char *p, const char *end, const char *key)
{
	size_t n = strlen(key);

	if ((size_t)(end - p) < n || memcmp(p, key, n) != 0)
		return NULL;
	for (p += n; p < end && (*p == ' ' || *p == '\t'); p++)
		;
	if (p == end || *p != '=')
		return NULL;
	for (p++; p < end && (*p == ' ' || *p == '\t'); p++)
		;
	return p;
}

static struct place
find(const char *text, size_t len, const char *section, const char *key)
{
	const char *p = text, *end = text + len, *nl, *last, *v;
	size_t n = strlen(section);
	struct place at = { 0 };
	bool inside = false;

	for (; p < end; p = nl < end ? nl + 1 : end) {
		nl = memchr(p, '\n', (size_t)(end - p));
		if (nl == NULL)
			nl = end;
		for (last = nl; last > p && (last[-1] == ' ' ||
		    last[-1] == '\t'); last--)
			;
		if (*p == '[')
			inside = (size_t)(last - p) == n + 2 &&
			    memcmp(p + 1, section, n) == 0;
		if (!inside || last == p)
			continue;
		at.has_section = true;
		at.behind = (size_t)((nl < end ? nl + 1 : end) - text);
		v = value_of(p, last, key);
		if (v == NULL)
			continue;
		at.has_key = true;
		at.line = (size_t)(p - text);
		at.line_end = at.behind;
		at.value = (size_t)(v - text);
		at.value_end = (size_t)(last - text);
	}
	return at;
}

bool
setup_text_conf_get(const char *text, size_t len, const char *section,
    const char *key, struct buf *out)
{
	struct place at = find(text, len, section, key);

	return at.has_key && buf_add(out, text + at.value,
	    at.value_end - at.value) == 0;
}

static int
put(const char *text, size_t len, const struct place *at,
    const char *section, const char *key, const char *value,
    struct buf *out, struct err *e)
{
	size_t from = len, to = len;
	int rc;

	if (at->has_key) {
		from = at->line;
		to = at->line_end;
	} else if (at->has_section) {
		from = to = at->behind;
	}
	rc = buf_add(out, text, from);
	if (from > 0 && text[from - 1] != '\n')
		rc |= buf_addc(out, '\n');
	if (!at->has_section)
		rc |= buf_addf(out, "%s[%s]\n", from > 0 ? "\n" : "",
		    section);
	rc |= buf_addf(out, "%s = %s\n", key, value);
	rc |= buf_add(out, text + to, len - to);
	return rc == 0 ? 0 : err_set(e, ERR_MEM, "out of memory");
}

int
setup_text_conf(const char *text, size_t len, const char *section,
    const char *key, const char *value, struct buf *out, struct err *e)
{
	struct place at = find(text, len, section, key);

	return put(text, len, &at, section, key, value, out, e);
}

int
setup_text_conf_add(const char *text, size_t len, const char *section,
    const char *key, const char *value, struct buf *out, struct err *e)
{
	struct place at = find(text, len, section, key);

	at.has_key = false;
	return put(text, len, &at, section, key, value, out, e);
}
