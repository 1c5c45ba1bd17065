/* SPDX-License-Identifier: ISC */
#include "base/esc.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/*
 * Length in bytes of the UTF-8 character at s (left bytes, at least one), and
 * the character; 0 when it is not well-formed (RFC 3629: no overlong form, no
 * surrogate, nothing past U+10FFFF).
 */
static size_t
utf8_get(const unsigned char *s, size_t left, uint32_t *ret)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t c;
	size_t n, i;

	if (s[0] < 0x80) {
		*ret = s[0];
		return 1;
	}
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		n = 2;
	else if (s[0] >= 0xe0 && s[0] <= 0xef)
		n = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		n = 4;
	else
		return 0;
	if (n > left)
		return 0;
	c = s[0] & (0x7fu >> n);
	for (i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < smallest[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*ret = c;
	return n;
}

/*
 * Characters that are not seen, or that change how their neighbours are seen:
 * controls, the Unicode format characters (general category Cf) and the line
 * and paragraph separators, variation selectors and fillers.
 */
static bool
unseen(uint32_t c)
{
	static const struct { uint32_t first, last; } ranges[] = {
		{ 0x0000, 0x001f }, { 0x007f, 0x009f }, { 0x00ad, 0x00ad },
		{ 0x034f, 0x034f }, { 0x0600, 0x0605 }, { 0x061c, 0x061c },
		{ 0x06dd, 0x06dd }, { 0x070f, 0x070f }, { 0x0890, 0x0891 },
		{ 0x08e2, 0x08e2 }, { 0x115f, 0x1160 }, { 0x17b4, 0x17b5 },
		{ 0x180b, 0x180f }, { 0x200b, 0x200f }, { 0x2028, 0x202e },
		{ 0x2060, 0x206f }, { 0x3164, 0x3164 }, { 0xfe00, 0xfe0f },
		{ 0xfeff, 0xfeff }, { 0xffa0, 0xffa0 }, { 0xfff0, 0xfffb },
		{ 0xfffe, 0xffff }, { 0x110bd, 0x110bd }, { 0x110cd, 0x110cd },
		{ 0x13430, 0x1343f }, { 0x1bca0, 0x1bca3 },
		{ 0x1d173, 0x1d17a }, { 0xe0000, 0xe0fff },
	};
	size_t i;

	for (i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (c >= ranges[i].first && c <= ranges[i].last)
			return true;
	return false;
}

/* Takes off again what was added since len. */
static int
undo(struct buf *out, size_t len)
{
	out->len = len;
	if (out->cap > 0)
		out->data[len] = '\0';
	return -1;
}

static int
text(struct buf *out, const char *in, size_t len, const char *backslash)
{
	const unsigned char *s = (const unsigned char *)in;
	size_t start = out->len, i, j, n;
	uint32_t c;
	int rc;

	for (i = 0; i < len; i += n) {
		n = utf8_get(s + i, len - i, &c);
		if (n > 0 && c == '\\') {
			rc = buf_adds(out, backslash);
		} else if (n > 0 && !unseen(c)) {
			rc = buf_add(out, s + i, n);
		} else {
			n = n > 0 ? n : 1;
			for (rc = 0, j = 0; rc == 0 && j < n; j++)
				rc = buf_addf(out, "\\x%02x", s[i + j]);
		}
		if (rc == -1)
			return undo(out, start);
	}
	return 0;
}

int
esc_text(struct buf *out, const char *in, size_t len)
{
	return text(out, in, len, "\\\\");
}

int
esc_again(struct buf *out, const char *in, size_t len)
{
	return text(out, in, len, "\\");
}

/* The two-letter escape of c in JSON, or NULL. */
static const char *
json_short(uint32_t c)
{
	switch (c) {
	case '"':
		return "\\\"";
	case '\\':
		return "\\\\";
	case '\b':
		return "\\b";
	case '\f':
		return "\\f";
	case '\n':
		return "\\n";
	case '\r':
		return "\\r";
	case '\t':
		return "\\t";
	default:
		return NULL;
	}
}

int
esc_json(struct buf *out, const char *in, size_t len)
{
	const unsigned char *s = (const unsigned char *)in;
	size_t start = out->len, i, n;
	const char *two;
	uint32_t c;
	int rc;

	for (i = 0; i < len; i += n) {
		n = utf8_get(s + i, len - i, &c);
		if (n == 0) {
			n = 1;
			rc = buf_adds(out, "\xef\xbf\xbd");
		} else if ((two = json_short(c)) != NULL) {
			rc = buf_adds(out, two);
		} else if (c >= 0x10000 && unseen(c)) {
			c -= 0x10000;
			rc = buf_addf(out, "\\u%04x\\u%04x",
			    (unsigned)(0xd800 + (c >> 10)),
			    (unsigned)(0xdc00 + (c & 0x3ff)));
		} else if (unseen(c)) {
			rc = buf_addf(out, "\\u%04x", (unsigned)c);
		} else {
			rc = buf_add(out, s + i, n);
		}
		if (rc == -1)
			return undo(out, start);
	}
	return 0;
}

int
esc_sh(struct buf *out, const char *in)
{
	static const char bare[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";
	size_t start = out->len, n;

	if (in[0] != '\0' && in[strspn(in, bare)] == '\0')
		return buf_adds(out, in);
	if (buf_addc(out, '\'') == -1)
		return undo(out, start);
	while (*in != '\0') {
		n = strcspn(in, "'");
		if (buf_add(out, in, n) == -1)
			return undo(out, start);
		in += n;
		if (*in == '\'') {
			/* A quote can only stand outside of the quotes. */
			if (buf_adds(out, "'\\''") == -1)
				return undo(out, start);
			in++;
		}
	}
	if (buf_addc(out, '\'') == -1)
		return undo(out, start);
	return 0;
}
