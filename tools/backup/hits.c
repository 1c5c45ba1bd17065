/* SPDX-License-Identifier: ISC */
#include "hits.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "proc/msgtext.h"
#include "rowtext.h"

static const char *const kinds[] = {
	[VERIFY_ROT] = "rot", [VERIFY_ALTERED] = "altered",
	[VERIFY_MISSING] = "missing", [VERIFY_ADDED] = "added",
	[VERIFY_UNREADABLE] = "unreadable",
};
#define NKINDS (sizeof(kinds) / sizeof(kinds[0]))

/* In the order of CATALOG_…, from 1 << 0 on. */
static const char *const words[] = { "content", "kind", "mode", "owner",
	"time", "size", "attributes", "device" };
#define NWORDS (sizeof(words) / sizeof(words[0]))

const char *
hits_kind(enum verify_kind kind)
{
	return kinds[kind];
}

const char *
hits_word(unsigned i)
{
	return i < NWORDS ? words[i] : NULL;
}

int
hits_what(unsigned what, const char *sep, struct buf *out)
{
	bool first = true;
	size_t i;

	for (i = 0; i < NWORDS; i++) {
		if ((what & 1u << i) == 0)
			continue;
		if ((!first && buf_adds(out, sep) == -1) ||
		    buf_adds(out, words[i]) == -1)
			return -1;
		first = false;
	}
	return 0;
}

/* --- saying --- */

static int
add_path(struct buf *out, const char *key, const char *path, bool cut)
{
	char part[HITS_PATH_MAX + 1];
	int rc = msgtext_add(out, key, path);

	if (rc == -1 && strlen(path) > HITS_PATH_MAX) {
		memcpy(part, path, HITS_PATH_MAX);
		part[HITS_PATH_MAX] = '\0';
		cut = true;
		rc = msgtext_add(out, key, part);
	}
	return rc == 0 && cut ? msgtext_add(out, "cut", "yes") : rc;
}

int
hits_add_file(const struct hits_file *f, struct buf *out)
{
	size_t start = out->len;
	uint64_t t = f->mtime_ns < 0 ? 0 - (uint64_t)f->mtime_ns :
	    (uint64_t)f->mtime_ns;
	int rc = 0;

	rc |= add_path(out, "file", f->path, f->cut);
	rc |= rowtext_num(out, "mode", f->mode);
	rc |= rowtext_num(out, "uid", f->uid);
	rc |= rowtext_num(out, "gid", f->gid);
	rc |= rowtext_num(out, "size", f->size);
	rc |= rowtext_num(out, "time", t);
	rc |= rowtext_yes(out, "before", f->mtime_ns < 0);
	rc |= msgtext_add(out, "first", f->first);
	rc |= msgtext_add(out, "last", f->last);
	return rowtext_end(out, start, rc);
}

int
hits_add_found(const struct hits_found *f, struct buf *out)
{
	size_t i, start = out->len;
	int rc = 0;

	rc |= add_path(out, "found", f->path, f->cut);
	rc |= msgtext_add(out, "kind", kinds[f->kind]);
	rc |= msgtext_add(out, "snapshot", f->snapshot);
	for (i = 0; i < NWORDS; i++)
		if ((f->what & 1u << i) != 0)
			rc |= msgtext_add(out, "what", words[i]);
	if (*f->why != '\0')
		rc |= msgtext_add(out, "why", f->why);
	return rowtext_end(out, start, rc);
}

/* --- reading --- */

enum { NONE, FILE_ROW, FOUND_ROW };
enum { S_PATH, S_FIRST, S_LAST, S_SNAPSHOT, S_WHY, STRINGS };

struct parse {
	const struct hits_calls *calls;
	void *arg;
	int now;			/* which record is being read */
	char *s[STRINGS];		/* owned */
	bool cut, before;
	uint32_t mode, uid, gid;
	uint64_t size, time;
	int kind;			/* -1: not said */
	unsigned what, seen;
};

#define STR(i)	offsetof(struct parse, s[i])

static const struct rowtext_place places[] = {
	{ "cut", NONE, ROWTEXT_YES, offsetof(struct parse, cut) },
	{ "mode", FILE_ROW, ROWTEXT_NUM32, offsetof(struct parse, mode) },
	{ "uid", FILE_ROW, ROWTEXT_NUM32, offsetof(struct parse, uid) },
	{ "gid", FILE_ROW, ROWTEXT_NUM32, offsetof(struct parse, gid) },
	{ "size", FILE_ROW, ROWTEXT_NUM64, offsetof(struct parse, size) },
	{ "time", FILE_ROW, ROWTEXT_NUM64, offsetof(struct parse, time) },
	{ "before", FILE_ROW, ROWTEXT_YES, offsetof(struct parse, before) },
	{ "first", FILE_ROW, ROWTEXT_SNAPSHOT, STR(S_FIRST) },
	{ "last", FILE_ROW, ROWTEXT_SNAPSHOT, STR(S_LAST) },
	{ "snapshot", FOUND_ROW, ROWTEXT_SNAPSHOT, STR(S_SNAPSHOT) },
	{ "why", FOUND_ROW, ROWTEXT_TEXT, STR(S_WHY) },
};
#define NPLACES (sizeof(places) / sizeof(places[0]))

static void
reset(struct parse *p)
{
	size_t i;

	for (i = 0; i < STRINGS; i++)
		free(p->s[i]);
	*p = (struct parse){ .calls = p->calls, .arg = p->arg, .kind = -1 };
}

/* A time that no int64_t has is the last, or the first, that one has. */
static int64_t
signed_time(const struct parse *p)
{
	int64_t t = p->time > INT64_MAX ? INT64_MAX : (int64_t)p->time;

	return p->before ? -t : t;
}

static int
flush(struct parse *p, struct err *e)
{
	int rc = 0;

	if (p->now == FILE_ROW) {
		const struct hits_file f = { .path = p->s[S_PATH],
			.first = p->s[S_FIRST], .last = p->s[S_LAST],
			.cut = p->cut, .mode = p->mode, .uid = p->uid,
			.gid = p->gid, .size = p->size,
			.mtime_ns = signed_time(p) };

		rc = f.first == NULL || f.last == NULL ? err_set(e, ERR_PEER,
		    "a row without its snapshots") :
		    p->calls->file(p->arg, &f, e);
	} else if (p->now == FOUND_ROW) {
		const struct hits_found f = { .path = p->s[S_PATH],
			.kind = (enum verify_kind)p->kind,
			.snapshot = p->s[S_SNAPSHOT], .cut = p->cut,
			.why = p->s[S_WHY] != NULL ? p->s[S_WHY] : "",
			.what = p->what };

		rc = f.snapshot == NULL || p->kind == -1 ? err_set(e,
		    ERR_PEER, "a row without its kind or its snapshot") :
		    p->calls->found(p->arg, &f, e);
	}
	reset(p);
	return rc;
}

static int
begin(struct parse *p, int row, const char *value, struct err *e)
{
	if (flush(p, e) == -1)
		return -1;
	if ((row == FILE_ROW ? p->calls->file == NULL :
	    p->calls->found == NULL) || *value != '/')
		return err_set(e, ERR_PEER, "a row that can't come here");
	p->now = row;
	p->s[S_PATH] = strdup(value);
	return p->s[S_PATH] != NULL ? 0 : err_set(e, ERR_MEM, "out of memory");
}

/* The place of value among n words; -1: none of them. */
static int
word(const char *const *list, size_t n, const char *value)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strcmp(list[i], value) == 0)
			return (int)i;
	return -1;
}

static int
on_line(void *arg, const char *key, const char *value, size_t len,
    struct err *e)
{
	struct parse *p = arg;
	int w;

	if (strcmp(key, "file") == 0)
		return begin(p, FILE_ROW, value, e);
	if (strcmp(key, "found") == 0)
		return begin(p, FOUND_ROW, value, e);
	if (p->now == NONE)
		return err_set(e, ERR_PEER, "a row without a beginning");
	if (p->now == FOUND_ROW && strcmp(key, "kind") == 0) {
		if (p->kind != -1)
			return err_set(e, ERR_PEER, "a row has kind twice");
		p->kind = word(kinds, NKINDS, value);
		return p->kind != -1 ? 0 : err_set(e, ERR_PEER,
		    "a row's kind is none");
	}
	if (p->now == FOUND_ROW && strcmp(key, "what") == 0) {
		w = word(words, NWORDS, value);
		p->what |= w == -1 ? 0 : 1u << w;
		return 0;
	}
	return rowtext_set(places, NPLACES, p->now, &p->seen, p, key, value, e);
}

int
hits_parse(const char *text, size_t len, const struct hits_calls *calls,
    void *arg, struct err *e)
{
	struct parse p = { .calls = calls, .arg = arg, .kind = -1 };
	int rc;

	rc = msgtext_parse(text, len, on_line, &p, e);
	if (rc == 0)
		rc = flush(&p, e);
	reset(&p);
	return rc;
}
