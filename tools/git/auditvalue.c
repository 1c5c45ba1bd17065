/* SPDX-License-Identifier: ISC */
#include "auditvalue.h"

#include <stdint.h>
#include <string.h>

static bool
put(struct auditvalue *v, unsigned c)
{
	if (v->len + 1 >= sizeof(v->text))
		return false;
	v->text[v->len++] = (char)(unsigned char)c;
	v->text[v->len] = '\0';
	return true;
}

static bool
put_utf8(struct auditvalue *v, uint32_t c)
{
	if (c < 0x80)
		return put(v, c);
	if (c < 0x800)
		return put(v, 0xc0 | c >> 6) && put(v, 0x80 | (c & 0x3f));
	if (c < 0x10000)
		return put(v, 0xe0 | c >> 12) &&
		    put(v, 0x80 | (c >> 6 & 0x3f)) &&
		    put(v, 0x80 | (c & 0x3f));
	return put(v, 0xf0 | c >> 18) && put(v, 0x80 | (c >> 12 & 0x3f)) &&
	    put(v, 0x80 | (c >> 6 & 0x3f)) && put(v, 0x80 | (c & 0x3f));
}

/* Four digits of hex. */
static bool
hex(const char **p, const char *end, uint32_t *ret)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	const char *d;
	uint32_t c = 0;
	int i;

	for (i = 0; i < 4; i++) {
		if (*p == end || **p == '\0')
			return false;
		d = strchr(digits, *(*p)++);
		if (d == NULL)
			return false;
		c = c << 4 | ((uint32_t)(d - digits) & 15);
	}
	*ret = c;
	return true;
}

static bool
unicode(const char **p, const char *end, struct auditvalue *v)
{
	uint32_t c, low;

	if (!hex(p, end, &c))
		return false;
	if (c >= 0xd800 && c < 0xdc00) {
		if (end - *p < 2 || *(*p)++ != '\\' || *(*p)++ != 'u' ||
		    !hex(p, end, &low) || low < 0xdc00 || low > 0xdfff)
			return false;
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
	} else if (c == 0 || (c >= 0xdc00 && c <= 0xdfff)) {
		return false;
	}
	return put_utf8(v, c);
}

static bool
escaped(const char **p, const char *end, struct auditvalue *v)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *at;
	char c;

	if (*p == end)
		return false;
	c = *(*p)++;
	if (c == 'u')
		return unicode(p, end, v);
	at = c != '\0' ? strchr(from, c) : NULL;
	return at != NULL && put(v, (unsigned char)to[at - from]);
}

bool
auditvalue_string(const char **p, const char *end, struct auditvalue *ret)
{
	unsigned char c;

	ret->known = true;
	ret->len = 0;
	ret->text[0] = '\0';
	if (*p == end || *(*p)++ != '"')
		return false;
	while (*p < end) {
		c = (unsigned char)*(*p)++;
		if (c == '"')
			return true;
		if (c < 0x20 || !(c == '\\' ? escaped(p, end, ret) :
		    put(ret, c)))
			return false;
	}
	return false;
}

/* n bytes as they are. */
static bool
plain(const char **p, size_t n, struct auditvalue *ret)
{
	if (n == 0 || n >= sizeof(ret->text))
		return false;
	ret->known = true;
	memcpy(ret->text, *p, n);
	ret->text[n] = '\0';
	ret->len = n;
	*p += n;
	return true;
}

bool
auditvalue_json(const char **p, const char *end, struct auditvalue *ret)
{
	size_t n = 0;

	if (*p < end && **p == '"')
		return auditvalue_string(p, end, ret);
	if (end - *p >= 4 && memcmp(*p, "null", 4) == 0) {
		*p += 4;
		*ret = (struct auditvalue){ 0 };
		return true;
	}
	while (*p + n < end && (*p)[n] >= '0' && (*p)[n] <= '9')
		n++;
	return plain(p, n, ret);
}

bool
auditvalue_text(const char **p, const char *end, struct auditvalue *ret)
{
	const char *blank;

	if (*p < end && **p == '"')
		return auditvalue_string(p, end, ret);
	blank = memchr(*p, ' ', (size_t)(end - *p));
	if (!plain(p, (size_t)((blank != NULL ? blank : end) - *p), ret))
		return false;
	ret->known = strcmp(ret->text, "-") != 0;
	return true;
}
