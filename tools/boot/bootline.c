/* SPDX-License-Identifier: ISC */
#include "bootline.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"

#define HELLO	"postern-boot 1"
#define PLAIN	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" \
		"0123456789._/:@+,=-"
#define HEX	"0123456789ABCDEF"
#define LOWER	"abcdefghijklmnopqrstuvwxyz"

/* s as one word, as much of it as out takes; whether that is all. */
static bool
encode(const char *s, char *out, size_t cap)
{
	bool whole = true;
	size_t n = 0;

	if (s[0] == '\0')
		out[n++] = '-';
	for (; *s != '\0' && whole; s++) {
		unsigned char c = (unsigned char)*s;

		if (strchr(PLAIN, *s) != NULL && (n > 0 || *s != '-')) {
			whole = n + 1 < cap;
			if (whole)
				out[n++] = *s;
		} else {
			whole = n + 3 < cap;
			if (whole) {
				out[n++] = '%';
				out[n++] = HEX[c >> 4];
				out[n++] = HEX[c & 15];
			}
		}
	}
	out[n] = '\0';
	return whole;
}

static int
digit(char c)
{
	const char *p = c != '\0' ? strchr(HEX, c) : NULL;

	return p != NULL ? (int)(p - HEX) : -1;
}

/* The n bytes of a word at p, decoded. */
static int
decode(const char *p, size_t n, char *out, size_t cap)
{
	size_t i, len = 0;

	if (n == 1 && p[0] == '-')
		n = 0;
	else if (n == 0 || p[0] == '-')
		return -1;
	for (i = 0; i < n; i++) {
		char c = p[i];

		if (c == '%') {
			int hi = i + 2 < n ? digit(p[i + 1]) : -1;
			int lo = i + 2 < n ? digit(p[i + 2]) : -1;

			if (hi < 0 || lo < 0 || hi + lo == 0)
				return -1;
			c = (char)(hi << 4 | lo);
			i += 2;
		} else if (c == '\0' || strchr(PLAIN, c) == NULL) {
			return -1;
		}
		if (len + 1 >= cap)
			return -1;
		out[len++] = c;
	}
	out[len] = '\0';
	return 0;
}

/* The next word of *p: its length, and *p behind it and its blank. */
static size_t
word(const char **p)
{
	size_t n = strcspn(*p, " ");

	*p += n + ((*p)[n] == ' ');
	return n;
}

/* A word of small letters. */
static int
plain(const char **p, char ret[BOOTLINE_WORD])
{
	const char *at = *p;
	size_t n = word(p);

	if (n == 0 || n >= BOOTLINE_WORD || strspn(at, LOWER) < n)
		return -1;
	memcpy(ret, at, n);
	ret[n] = '\0';
	return 0;
}

static int
field(const char **p, char *out, size_t cap)
{
	const char *at = *p;
	size_t n = word(p);

	return decode(at, n, out, cap);
}

/* Encoded, and kept so. */
int
bootline_id_parse(const char *text, size_t len, char ret[BOOTLINE_ID])
{
	char plain_text[BOOTLINE_ID];

	if (len >= BOOTLINE_ID || decode(text, len, plain_text,
	    sizeof(plain_text)) == -1 || plain_text[0] == '\0')
		return -1;
	memcpy(ret, text, len);
	ret[len] = '\0';
	return 0;
}

static int
id(const char **p, char ret[BOOTLINE_ID])
{
	const char *at = *p;
	size_t n = word(p);

	return bootline_id_parse(at, n, ret);
}

static int
tries(const char **p, int64_t *ret)
{
	char text[24];
	uint64_t n;

	if (field(p, text, sizeof(text)) == -1)
		return -1;
	if (text[0] == '\0') {
		*ret = -1;
		return 0;
	}
	if (num_u64(text, "tries", 0, INT32_MAX, &n, NULL) == -1)
		return -1;
	*ret = (int64_t)n;
	return 0;
}

static int
prompt(const char *p, struct bootline_prompt *ret)
{
	if (plain(&p, ret->kind) == -1 || id(&p, ret->id) == -1 ||
	    field(&p, ret->uuid, sizeof(ret->uuid)) == -1 ||
	    (ret->uuid[0] != '\0' && !lukshdr_uuid(ret->uuid)) ||
	    tries(&p, &ret->tries) == -1 ||
	    field(&p, ret->device, sizeof(ret->device)) == -1)
		return -1;
	return field(&p, ret->name, sizeof(ret->name)) == 0 && *p == '\0' ?
	    0 : -1;
}

static int
when(const char **p, char ret[BOOTLINE_WHEN])
{
	static const char form[BOOTLINE_WHEN] = "0000-00-00T00:00:00Z";
	const char *at = *p;
	size_t i, n = word(p);

	if (n != sizeof(form) - 1)
		return -1;
	for (i = 0; i < n; i++)
		if (form[i] == '0' ? at[i] < '0' || at[i] > '9' :
		    at[i] != form[i])
			return -1;
	memcpy(ret, at, n);
	ret[n] = '\0';
	return 0;
}

static int
logged(const char *p, struct bootline_log *ret)
{
	if (when(&p, ret->when) == -1 || plain(&p, ret->by) == -1 ||
	    plain(&p, ret->word) == -1 || plain(&p, ret->kind) == -1 ||
	    id(&p, ret->id) == -1 ||
	    field(&p, ret->key, sizeof(ret->key)) == -1)
		return -1;
	return field(&p, ret->from, sizeof(ret->from)) == 0 && *p == '\0' ?
	    0 : -1;
}

static int
parse(const char *line, struct bootline *l)
{
	const char *p = line;
	size_t n = word(&p);

	if (strcmp(line, HELLO) == 0) {
		l->kind = BOOTLINE_HELLO;
		return 0;
	}
	if (strcmp(line, "end") == 0) {
		l->kind = BOOTLINE_END;
		return 0;
	}
	/* No word of these is without what follows, nor ends in a blank. */
	if (line[n] == '\0' || line[strlen(line) - 1] == ' ')
		return -1;
	if (n == 6 && memcmp(line, "prompt", n) == 0) {
		l->kind = BOOTLINE_PROMPT;
		return prompt(p, &l->prompt);
	}
	if (n == 6 && memcmp(line, "screen", n) == 0) {
		l->kind = BOOTLINE_SCREEN;
		return field(&p, l->text, sizeof(l->text)) == 0 &&
		    *p == '\0' ? 0 : -1;
	}
	if (n == 3 && memcmp(line, "log", n) == 0) {
		l->kind = BOOTLINE_LOG;
		return logged(p, &l->log);
	}
	if (n == 5 && memcmp(line, "state", n) == 0) {
		l->kind = BOOTLINE_STATE;
		return plain(&p, l->word) == 0 && *p == '\0' ? 0 : -1;
	}
	if (n == 7 && memcmp(line, "verdict", n) == 0) {
		l->kind = BOOTLINE_VERDICT;
		return plain(&p, l->word) == 0 &&
		    field(&p, l->text, sizeof(l->text)) == 0 && *p == '\0' ?
		    0 : -1;
	}
	return -1;
}

int
bootline_parse(const char *line, struct bootline *ret, struct err *e)
{
	struct bootline l = { .kind = BOOTLINE_END };

	if (strlen(line) >= BOOTLINE_MAX || parse(line, &l) == -1)
		return err_set(e, ERR_PEER, "not a line of a postern-boot "
		    "agent, version 1");
	*ret = l;
	return 0;
}

static int
emit_prompt(const struct bootline_prompt *p, struct buf *out)
{
	char uuid[3 * LUKSHDR_UUID], device[3 * BOOTLINE_ID];
	char name[3 * BOOTLINE_ID], count[24] = "-";

	encode(p->uuid, uuid, sizeof(uuid));
	encode(p->device, device, sizeof(device));
	encode(p->name, name, sizeof(name));
	if (p->tries >= 0)
		snprintf(count, sizeof(count), "%" PRId64, p->tries);
	return buf_addf(out, "prompt %s %s %s %s %s %s\n", p->kind, p->id,
	    uuid, count, device, name);
}

static int
emit_log(const struct bootline_log *l, struct buf *out)
{
	char key[3 * BOOTLINE_WHO], from[3 * BOOTLINE_WHO];

	encode(l->key, key, sizeof(key));
	encode(l->from, from, sizeof(from));
	return buf_addf(out, "log %s %s %s %s %s %s %s\n", l->when, l->by,
	    l->word, l->kind, l->id, key, from);
}

int
bootline_emit(const struct bootline *l, struct buf *out)
{
	char text[3 * BOOTLINE_TEXT];

	encode(l->text, text, sizeof(text));
	switch (l->kind) {
	case BOOTLINE_HELLO:
		return buf_adds(out, HELLO "\n");
	case BOOTLINE_PROMPT:
		return emit_prompt(&l->prompt, out);
	case BOOTLINE_SCREEN:
		return buf_addf(out, "screen %s\n", text);
	case BOOTLINE_LOG:
		return emit_log(&l->log, out);
	case BOOTLINE_STATE:
		return buf_addf(out, "state %s\n", l->word);
	case BOOTLINE_VERDICT:
		return buf_addf(out, "verdict %s %s\n", l->word, text);
	case BOOTLINE_END:
		break;
	}
	return buf_adds(out, "end\n");
}

int
bootline_id(const char *uuid, const char *device, char ret[BOOTLINE_ID])
{
	return encode(uuid[0] != '\0' ? uuid : device, ret, BOOTLINE_ID) ?
	    0 : -1;
}
