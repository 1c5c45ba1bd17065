/* SPDX-License-Identifier: ISC */
#include "store_rec.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "proc/msgtext.h"
#include "store_file.h"
#include "store_text.h"

enum kind { VERSION, WORD, LIST, NUMBER, NONZERO, YESNO, STATE, BACKEND };

/* The keys, in the order in which they are written. */
static const struct row {
	const char *key;
	enum kind kind;
	size_t at;		/* in struct store_rec */
} rows[] = {
	{ "version", VERSION, 0 },
	{ "state", STATE, offsetof(struct store_rec, partial) },
	{ "vanished", NONZERO, offsetof(struct store_rec, vanished) },
	{ "changed", NONZERO, offsetof(struct store_rec, changed) },
	{ "mode", WORD, offsetof(struct store_rec, mode) },
	{ "job", WORD, offsetof(struct store_rec, job) },
	{ "backend", BACKEND, offsetof(struct store_rec, backend) },
	{ "rsync", WORD, offsetof(struct store_rec, rsync) },
	{ "root", LIST, offsetof(struct store_rec, roots) },
	{ "exclude", LIST, offsetof(struct store_rec, excludes) },
	{ "one-file-system", YESNO, offsetof(struct store_rec, one_fs) },
	{ "real-metadata", YESNO, offsetof(struct store_rec, real) },
	{ "files", NUMBER, offsetof(struct store_rec, files) },
	{ "bytes", NUMBER, offsetof(struct store_rec, bytes) },
	{ "added", NUMBER, offsetof(struct store_rec, added) },
	{ "inodes", NONZERO, offsetof(struct store_rec, inodes) },
	{ "seconds", NUMBER, offsetof(struct store_rec, seconds) },
	{ "receiver", NONZERO, offsetof(struct store_rec, receiver) },
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

void
store_rec_clear(struct store_rec *r)
{
	strv_clear(&r->roots);
	strv_clear(&r->excludes);
	*r = (struct store_rec){ 0 };
}

static int
emit_row(const struct row *row, const void *at, struct buf *out)
{
	const struct strv *list = at;
	size_t i;

	switch (row->kind) {
	case VERSION:
		return msgtext_add(out, row->key, "1");
	case WORD:
		/* "" is left out: a value is never empty but in a list. */
		return *(const char *)at == '\0' ? 0 :
		    msgtext_add(out, row->key, at);
	case LIST:
		for (i = 0; i < list->n; i++)
			if (msgtext_add(out, row->key, list->v[i]) == -1)
				return -1;
		return 0;
	case NUMBER:
		return msgtext_add_num(out, row->key, *(const uint64_t *)at);
	case NONZERO:
		return *(const uint64_t *)at == 0 ? 0 :
		    msgtext_add_num(out, row->key, *(const uint64_t *)at);
	case YESNO:
		return msgtext_add(out, row->key,
		    *(const bool *)at ? "yes" : "no");
	case STATE:
		return msgtext_add(out, row->key,
		    *(const bool *)at ? "partial" : "complete");
	case BACKEND:
		return msgtext_add(out, row->key,
		    store_backend_name(*(const enum store_backend *)at));
	}
	return -1;
}

int
store_rec_emit(const struct store_rec *r, struct buf *out, struct err *e)
{
	size_t i, start = out->len;

	for (i = 0; i < ROWS; i++)
		if (emit_row(&rows[i], (const char *)r + rows[i].at,
		    out) == -1) {
			out->len = start;
			if (out->cap > 0)
				out->data[start] = '\0';
			return err_set(e, ERR_MEM, "a snapshot's record: too "
			    "large or out of memory");
		}
	return 0;
}

/* One of two words: 1, 0, or -1. */
static int
either(const char *value, const char *yes, const char *no)
{
	return strcmp(value, yes) == 0 ? 1 : strcmp(value, no) == 0 ? 0 : -1;
}

/* The value of row into at: 0, -1 it is none, -2 out of memory. */
static int
take(const struct row *row, void *at, const char *value)
{
	int is;

	switch (row->kind) {
	case VERSION:
		return strcmp(value, "1") == 0 ? 0 : -1;
	case WORD:
		if (strlen(value) >= STORE_REC_WORD || *value == '\0')
			return -1;
		snprintf(at, STORE_REC_WORD, "%s", value);
		return 0;
	case LIST:
		return strv_add(at, value) == -1 ? -2 : 0;
	case NUMBER:
	case NONZERO:
		return store_text_num(value, strlen(value), at);
	case YESNO:
		is = either(value, "yes", "no");
		break;
	case STATE:
		is = either(value, "partial", "complete");
		break;
	case BACKEND:
		is = either(value, "btrfs", "hardlink");
		if (is == -1)
			return -1;
		*(enum store_backend *)at = is ? STORE_BTRFS : STORE_HARDLINK;
		return 0;
	default:
		return -1;
	}
	if (is == -1)
		return -1;
	*(bool *)at = is == 1;
	return 0;
}

struct parse {
	struct store_rec r;
	unsigned seen;		/* a bit a row */
};

static int
take_line(void *arg, const char *key, const char *value, size_t len,
    struct err *e)
{
	struct parse *p = arg;
	size_t i;
	int rc;

	(void)len;
	for (i = 0; i < ROWS; i++)
		if (strcmp(rows[i].key, key) == 0)
			break;
	if (i == ROWS)
		return 0;	/* of a later version */
	if ((p->seen & 1u << i) != 0 && rows[i].kind != LIST)
		return err_set(e, ERR_CONFIG, "a second '%s'", key);
	p->seen |= 1u << i;
	rc = take(&rows[i], (char *)&p->r + rows[i].at, value);
	if (rc == -2)
		return err_set(e, ERR_MEM, "too many lines '%s' or out of "
		    "memory", key);
	if (rc == -1)
		return err_set(e, ERR_CONFIG, "no value for '%s'", key);
	return 0;
}

int
store_rec_parse(const char *text, size_t len, const char *name,
    struct store_rec *ret, struct err *e)
{
	struct parse p = { 0 };

	if (msgtext_parse(text, len, take_line, &p, e) == -1) {
		/* It is a file that is wrong here, not a peer. */
		if (e != NULL && e->code == ERR_PEER)
			e->code = ERR_CONFIG;
		err_wrap(e, "%s", name);
		goto fail;
	}
	if ((p.seen & 1) == 0) {
		err_set(e, ERR_CONFIG, "%s: no line 'version'", name);
		goto fail;
	}
	*ret = p.r;
	return 0;
fail:
	store_rec_clear(&p.r);
	return -1;
}

int
store_rec_get(const struct store_client *c, const char *snapshot,
    struct store_rec *ret, struct err *e)
{
	struct snapname n;
	struct buf text;
	int dir, rc = -1;

	if (snapname_parse(snapshot, &n, e) == -1 ||
	    store_file_dir(c->admin_fd, c->admin_path, "snap", &dir, e) == -1)
		return -1;
	buf_init(&text, STORE_REC_MAX);
	if (store_file_get(dir, c->admin_path, snapshot, &text, e) == 0)
		rc = store_rec_parse(text.data, text.len, snapshot, ret, e);
	buf_clear(&text);
	close(dir);
	return rc;
}

int
store_rec_put(const struct store_client *c, const char *snapshot,
    const struct store_rec *r, struct err *e)
{
	struct snapname n;
	struct buf text;
	int dir, rc = -1;

	if (snapname_parse(snapshot, &n, e) == -1 ||
	    store_file_dir(c->admin_fd, c->admin_path, "snap", &dir, e) == -1)
		return -1;
	buf_init(&text, STORE_REC_MAX);
	if (store_rec_emit(r, &text, e) == 0)
		rc = store_file_put(dir, c->admin_path, snapshot, text.data,
		    text.len, e);
	buf_clear(&text);
	close(dir);
	return rc;
}
