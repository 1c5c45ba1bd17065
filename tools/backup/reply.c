/* SPDX-License-Identifier: ISC */
#include "reply.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/esc.h"
#include "base/num.h"
#include "proc/msgtext.h"

enum kind { KIND_NUM, KIND_YES, KIND_WORD, KIND_TEXT };

#define AT(field) offsetof(struct reply, field)
#define TEXT(field) offsetof(struct reply, field), \
	sizeof(((struct reply *)0)->field)

static const struct place {
	const char *key;
	enum kind kind;
	size_t at;
	size_t cap;		/* of a text, with its NUL */
} places[] = {
	{ "status", KIND_NUM, AT(status) },
	{ "why", KIND_TEXT, TEXT(why) },
	{ "snapshot", KIND_WORD, TEXT(snapshot) },
	{ "basis", KIND_WORD, TEXT(basis) },
	{ "resumed", KIND_YES, AT(resumed) },
	{ "since", KIND_YES, AT(since) },
	{ "phase", KIND_WORD, TEXT(phase) },
	{ "percent", KIND_NUM, AT(percent) },
	{ "files", KIND_NUM, AT(files) },
	{ "bytes", KIND_NUM, AT(bytes) },
	{ "added", KIND_NUM, AT(added) },
	{ "seconds", KIND_NUM, AT(seconds) },
	{ "vanished", KIND_NUM, AT(vanished) },
	{ "changed", KIND_NUM, AT(changed) },
	{ "rate", KIND_NUM, AT(rate) },
	{ "total", KIND_NUM, AT(total) },
	{ "read", KIND_NUM, AT(read) },
	{ "found", KIND_NUM, AT(found) },
};
#define NPLACES (sizeof(places) / sizeof(places[0]))

struct parse {
	struct reply r;
	bool seen[NPLACES];
};

int
reply_emit(const struct reply *r, struct buf *out, struct err *e)
{
	const struct place *p;
	const char *at;
	int rc = 0;

	for (p = places; p < places + NPLACES; p++) {
		at = (const char *)r + p->at;
		if (p->kind == KIND_NUM) {
			if (*(const uint64_t *)at != 0 || p == places)
				rc |= msgtext_add_num(out, p->key,
				    *(const uint64_t *)at);
		} else if (p->kind == KIND_YES) {
			if (*(const bool *)at)
				rc |= msgtext_add(out, p->key, "yes");
		} else if (*at != '\0') {
			rc |= msgtext_add(out, p->key, at);
		}
	}
	return rc == 0 ? 0 : err_set(e, ERR_MEM, "out of memory");
}

/* Our own words are plain; a person's text is escaped, and cut. */
static int
set_text(const struct place *p, char *at, const char *value, size_t len,
    struct err *e)
{
	struct buf b;

	if (p->kind == KIND_WORD) {
		if (len >= p->cap || value[strspn(value,
		    "abcdefghijklmnopqrstuvwxyz0123456789._-")] != '\0')
			return err_set(e, ERR_PEER, "a reply's %s is none",
			    p->key);
		memcpy(at, value, len + 1);
		return 0;
	}
	buf_init(&b, 4 * len + 1);
	if (esc_text(&b, value, len) == -1) {
		buf_clear(&b);
		return err_set(e, ERR_MEM, "out of memory");
	}
	snprintf(at, p->cap, "%s", b.data);
	buf_clear(&b);
	return 0;
}

static int
on_line(void *arg, const char *key, const char *value, size_t len,
    struct err *e)
{
	struct parse *x = arg;
	const struct place *p;
	char *at;

	for (p = places; p < places + NPLACES; p++)
		if (strcmp(key, p->key) == 0)
			break;
	if (p == places + NPLACES)
		return 0;
	if (x->seen[p - places])
		return err_set(e, ERR_PEER, "a reply has %s twice", key);
	x->seen[p - places] = true;
	at = (char *)&x->r + p->at;
	if (p->kind == KIND_NUM)
		/* What JSON is to have of it. */
		return num_u64(value, key, 0, INT64_MAX, (uint64_t *)at, e) ==
		    0 ? 0 : err_set(e, ERR_PEER, "a reply's %s is no number",
		    key);
	if (p->kind == KIND_YES) {
		*(bool *)at = strcmp(value, "yes") == 0;
		return 0;
	}
	return set_text(p, at, value, len, e);
}

int
reply_parse(const char *text, size_t len, struct reply *ret, struct err *e)
{
	struct parse x = { 0 };

	if (msgtext_parse(text, len, on_line, &x, e) == -1)
		return -1;
	if (!x.seen[0])
		return err_set(e, ERR_PEER, "a reply without a status");
	if (x.r.status > 255)
		return err_set(e, ERR_PEER, "a reply's status is none");
	*ret = x.r;
	return 0;
}
