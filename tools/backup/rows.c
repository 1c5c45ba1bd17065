/* SPDX-License-Identifier: ISC */
#include "rows.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "proc/msgtext.h"
#include "rowtext.h"

static const struct {
	uint32_t bits;
	const char *name;
} kinds[] = {
	{ S_IFREG, "file" }, { S_IFDIR, "folder" }, { S_IFLNK, "link" },
	{ S_IFIFO, "fifo" }, { S_IFSOCK, "socket" }, { S_IFCHR, "char" },
	{ S_IFBLK, "block" },
};
#define NKINDS (sizeof(kinds) / sizeof(kinds[0]))

const char *
rows_kind(uint32_t mode)
{
	size_t i;

	for (i = 0; i < NKINDS; i++)
		if ((mode & S_IFMT) == kinds[i].bits)
			return kinds[i].name;
	return "?";
}

int
rows_add_snap(const struct history_snap *s, struct buf *out)
{
	size_t start = out->len;
	int rc = 0;

	rc |= msgtext_add(out, "snapshot", s->name);
	rc |= rowtext_yes(out, "recorded", s->recorded);
	rc |= rowtext_num(out, "bytes", s->bytes);
	rc |= rowtext_num(out, "added", s->added);
	rc |= rowtext_num(out, "files", s->files);
	rc |= rowtext_num(out, "seconds", s->seconds);
	rc |= rowtext_yes(out, "partial", s->partial);
	rc |= rowtext_yes(out, "pinned", s->pinned);
	rc |= rowtext_yes(out, "held", s->held);
	return rowtext_end(out, start, rc);
}

int
rows_add_entry(const struct rows_entry *r, struct buf *out)
{
	size_t start = out->len;
	uint64_t t = r->time_s < 0 ? 0 - (uint64_t)r->time_s :
	    (uint64_t)r->time_s;
	int rc = 0;

	rc |= msgtext_add(out, "entry", r->name);
	rc |= msgtext_add(out, "kind", rows_kind(r->mode));
	rc |= rowtext_num(out, "mode", r->mode & 07777u);
	rc |= rowtext_num(out, "uid", r->uid);
	rc |= rowtext_num(out, "gid", r->gid);
	rc |= rowtext_num(out, "size", r->size);
	rc |= rowtext_num(out, "time", t);
	rc |= rowtext_yes(out, "before", r->time_s < 0);
	if (r->link != NULL)
		rc |= msgtext_add(out, "link", r->link);
	return rowtext_end(out, start, rc);
}

/* --- reading --- */

enum { NONE, SNAP, ENTRY };

struct parse {
	const struct rows_calls *calls;
	void *arg;
	int now;			/* which record is being read */
	struct history_snap snap;
	struct rows_entry entry;
	char *name, *link;		/* owned; of entry */
	bool before;
	unsigned seen;			/* places that came */
};

static const struct rowtext_place places[] = {
	{ "recorded", SNAP, ROWTEXT_YES, offsetof(struct parse, snap.recorded) },
	{ "bytes", SNAP, ROWTEXT_NUM64, offsetof(struct parse, snap.bytes) },
	{ "added", SNAP, ROWTEXT_NUM64, offsetof(struct parse, snap.added) },
	{ "files", SNAP, ROWTEXT_NUM64, offsetof(struct parse, snap.files) },
	{ "seconds", SNAP, ROWTEXT_NUM64, offsetof(struct parse, snap.seconds) },
	{ "partial", SNAP, ROWTEXT_YES, offsetof(struct parse, snap.partial) },
	{ "pinned", SNAP, ROWTEXT_YES, offsetof(struct parse, snap.pinned) },
	{ "held", SNAP, ROWTEXT_YES, offsetof(struct parse, snap.held) },
	{ "mode", ENTRY, ROWTEXT_MODE, offsetof(struct parse, entry.mode) },
	{ "uid", ENTRY, ROWTEXT_NUM32, offsetof(struct parse, entry.uid) },
	{ "gid", ENTRY, ROWTEXT_NUM32, offsetof(struct parse, entry.gid) },
	{ "size", ENTRY, ROWTEXT_NUM64, offsetof(struct parse, entry.size) },
	{ "time", ENTRY, ROWTEXT_NUM64, offsetof(struct parse, entry.time_s) },
	{ "before", ENTRY, ROWTEXT_YES, offsetof(struct parse, before) },
	{ "link", ENTRY, ROWTEXT_TEXT, offsetof(struct parse, link) },
};
#define NPLACES (sizeof(places) / sizeof(places[0]))

static int
flush(struct parse *p, struct err *e)
{
	int rc = 0;

	if (p->now == SNAP) {
		rc = p->calls->on_snap(p->arg, &p->snap, e);
	} else if (p->now == ENTRY) {
		p->entry.name = p->name;
		p->entry.link = p->link;
		if (p->entry.time_s < 0)	/* more than an int64_t has */
			p->entry.time_s = INT64_MAX;
		if (p->before)
			p->entry.time_s = -p->entry.time_s;
		if ((p->entry.mode & S_IFMT) == 0)
			rc = err_set(e, ERR_PEER, "a row without a kind");
		else
			rc = p->calls->on_entry(p->arg, &p->entry, e);
	}
	free(p->name);
	free(p->link);
	p->name = p->link = NULL;
	p->entry = (struct rows_entry){ 0 };
	p->snap = (struct history_snap){ .time_s = 0 };
	p->before = false;
	p->seen = 0;
	p->now = NONE;
	return rc;
}

static int
begin_snap(struct parse *p, const char *value, struct err *e)
{
	struct snapname n;

	if (flush(p, e) == -1)
		return -1;
	if (p->calls->on_snap == NULL ||
	    snapname_parse(value, &n, NULL) == -1)
		return err_set(e, ERR_PEER, "a row that can't come here");
	p->now = SNAP;
	p->snap.time_s = n.time_s;
	memcpy(p->snap.name, value, strlen(value) + 1);
	return 0;
}

static int
begin_entry(struct parse *p, const char *value, struct err *e)
{
	if (flush(p, e) == -1)
		return -1;
	/* One part of a path: whoever joins it to one stays below that. */
	if (p->calls->on_entry == NULL || *value == '\0' ||
	    strlen(value) > NAME_MAX || strcmp(value, ".") == 0 ||
	    strcmp(value, "..") == 0 || strchr(value, '/') != NULL)
		return err_set(e, ERR_PEER, "a row that can't come here");
	p->now = ENTRY;
	p->name = strdup(value);
	return p->name != NULL ? 0 : err_set(e, ERR_MEM, "out of memory");
}

static int
set_kind(struct parse *p, const char *value, struct err *e)
{
	size_t i;

	for (i = 0; i < NKINDS; i++)
		if (strcmp(value, kinds[i].name) == 0)
			break;
	if (i == NKINDS || (p->entry.mode & S_IFMT) != 0)
		return err_set(e, ERR_PEER, "a row's kind is none");
	p->entry.mode |= kinds[i].bits;
	return 0;
}

static int
on_line(void *arg, const char *key, const char *value, size_t len,
    struct err *e)
{
	struct parse *p = arg;

	if (strcmp(key, "snapshot") == 0)
		return begin_snap(p, value, e);
	if (strcmp(key, "entry") == 0)
		return begin_entry(p, value, e);
	if (p->now == NONE)
		return err_set(e, ERR_PEER, "a row without a beginning");
	if (p->now == ENTRY && strcmp(key, "kind") == 0)
		return set_kind(p, value, e);
	return rowtext_set(places, NPLACES, p->now, &p->seen, p, key, value, e);
}

int
rows_parse(const char *text, size_t len, const struct rows_calls *calls,
    void *arg, struct err *e)
{
	struct parse p = { .calls = calls, .arg = arg };
	int rc;

	rc = msgtext_parse(text, len, on_line, &p, e);
	if (rc == 0)
		rc = flush(&p, e);
	free(p.name);
	free(p.link);
	return rc;
}
