/* SPDX-License-Identifier: ISC */
#include "proc/msgtext.h"

#include <inttypes.h>
#include <stdbool.h>

static bool
must_escape(unsigned char c)
{
	return c < 0x21 || c == 0x7f || c == '\\';
}

/* Length of the key that s (len bytes) begins with; 0: none. */
static size_t
key_len(const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if ((s[i] < 'a' || s[i] > 'z') && s[i] != '-')
			break;
	return i <= MSGTEXT_KEY_MAX ? i : 0;
}

int
msgtext_add(struct buf *out, const char *key, const char *value)
{
	size_t start = out->len, len = strlen(key);
	const unsigned char *s;
	int rc;

	if (len == 0 || key_len(key, len) != len ||
	    buf_addf(out, "%s ", key) == -1)
		return -1;
	for (s = (const unsigned char *)value; *s != '\0'; s++) {
		if (must_escape(*s))
			rc = buf_addf(out, "\\%03o", *s);
		else
			rc = buf_addc(out, (char)*s);
		if (rc == -1 || out->len - start >= MSGTEXT_LINE_MAX)
			goto undo;
	}
	if (buf_addc(out, '\n') == 0)
		return 0;
undo:
	out->len = start;
	out->data[start] = '\0';
	return -1;
}

int
msgtext_add_num(struct buf *out, const char *key, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	return msgtext_add(out, key, text);
}

static bool
octal(char c, unsigned max)
{
	return c >= '0' && (unsigned)(c - '0') <= max;
}

/* The value of len bytes at s into out (at least as long, and a NUL).
 * Returns what is wrong with it, or NULL. */
static const char *
unescape(const char *s, size_t len, char *out, size_t *ret_len)
{
	size_t i, n = 0;
	unsigned c;

	for (i = 0; i < len; i++) {
		c = (unsigned char)s[i];
		if (c == '\\') {
			if (len - i < 4 || !octal(s[i + 1], 3) ||
			    !octal(s[i + 2], 7) || !octal(s[i + 3], 7))
				return "a '\\' without three octal digits";
			c = (unsigned)(s[i + 1] - '0') << 6 |
			    (unsigned)(s[i + 2] - '0') << 3 |
			    (unsigned)(s[i + 3] - '0');
			if (c == 0)
				return "a NUL in the value";
			if (!must_escape((unsigned char)c))
				return "an escape of a byte that needs none";
			i += 3;
		} else if (must_escape((unsigned char)c)) {
			return "a byte that must be escaped";
		}
		out[n++] = (char)c;
	}
	out[n] = '\0';
	*ret_len = n;
	return NULL;
}

static int
bad(struct err *e, unsigned long line, const char *why)
{
	return err_set(e, ERR_PEER, "line %lu of what the other side sent: "
	    "%s", line, why);
}

int
msgtext_parse(const char *text, size_t len, msgtext_fn *fn, void *arg,
    struct err *e)
{
	char key[MSGTEXT_KEY_MAX + 1], *value = NULL;
	size_t line_len, klen, vlen = 0;
	unsigned long line;
	const char *nl, *why;
	int rc = -1;

	value = malloc(MSGTEXT_LINE_MAX);
	if (value == NULL)
		return err_set(e, ERR_MEM, "out of memory");
	for (line = 1; len > 0; line++) {
		nl = memchr(text, '\n', len);
		line_len = nl != NULL ? (size_t)(nl - text) : len;
		if (line_len >= MSGTEXT_LINE_MAX) {
			bad(e, line, "longer than 16 KiB");
			goto out;
		}
		if (nl == NULL) {
			bad(e, line, "is cut");
			goto out;
		}
		klen = key_len(text, line_len);
		if (klen == 0 || klen == line_len || text[klen] != ' ') {
			bad(e, line, "is no 'key value'");
			goto out;
		}
		memcpy(key, text, klen);
		key[klen] = '\0';
		why = unescape(text + klen + 1, line_len - klen - 1, value,
		    &vlen);
		if (why != NULL) {
			bad(e, line, why);
			goto out;
		}
		if (fn(arg, key, value, vlen, e) == -1)
			goto out;
		text += line_len + 1;
		len -= line_len + 1;
	}
	rc = 0;
out:
	free(value);
	return rc;
}
