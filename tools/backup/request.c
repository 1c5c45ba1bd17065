/* SPDX-License-Identifier: ISC */
#include "request.h"

#include <stdlib.h>
#include <string.h>

#include "proc/msg.h"
#include "proc/msgtext.h"
#include "request_keys.h"

static int
bad(struct err *e, const char *key, const char *why)
{
	return err_set(e, ERR_PEER, "request: %s: %s", key, why);
}

struct parser {
	struct request r;
	unsigned seen;		/* bits of keys */
	unsigned doubled;
};

static void
set_word(struct request *r, unsigned bit, int i)
{
	if (bit == K_OP)
		r->op = (enum request_op)(i + 1);
	else if (bit == K_ONE_FS)
		r->one_file_system = i == 1;
	else if (bit == K_PROGRESS)
		r->progress = i == 1;
	else if (bit == K_COMPRESS)
		r->compress = (enum request_compress)i;
	else if (bit == K_MODE)
		r->direct = i == 1;
}

static int
set_value(struct parser *p, const struct request_key *k, const char *value,
    struct err *e)
{
	struct strv *list;
	int i;

	if (k->words != NULL) {
		i = request_word(k->words, value);
		if (i == -1)
			return bad(e, k->name, k->bit == K_VERSION ?
			    "this side speaks version " REQUEST_VERSION " only" :
			    "no such value");
		set_word(&p->r, k->bit, i);
		return 0;
	}
	if (k->why(value) != NULL)
		return bad(e, k->name, k->why(value));
	if (!k->list) {
		*request_string(&p->r, k) = strdup(value);
		if (*request_string(&p->r, k) == NULL)
			return err_set(e, ERR_MEM, "out of memory");
		return 0;
	}
	list = request_list(&p->r, k);
	if (list->n >= REQUEST_LIST_MAX)
		return bad(e, k->name, "too many of them");
	if (k->unique && strv_has(list, value))
		return bad(e, k->name, "the same one twice");
	if (strv_add(list, value) == -1)
		return err_set(e, ERR_MEM, "out of memory");
	return 0;
}

static int
take_line(void *arg, const char *name, const char *value, size_t len,
    struct err *e)
{
	struct parser *p = arg;
	const struct request_key *k = NULL;
	size_t i;

	for (i = 0; i < REQUEST_KEYS && k == NULL; i++)
		if (strcmp(request_keys[i].name, name) == 0)
			k = &request_keys[i];
	if (k == NULL)
		return bad(e, name, "no such key");
	if ((p->seen & k->bit) != 0) {
		/* Which may come again depends on an op that may follow. */
		if (!k->list)
			return bad(e, name, "comes twice");
		p->doubled |= k->bit;
	}
	p->seen |= k->bit;
	return set_value(p, k, value, e);
}

/* Which keys came, against what the operation takes. */
static int
check_keys(const struct parser *p, struct err *e)
{
	const struct request_row *o = request_row(p->r.op);
	unsigned bit;
	size_t i;

	for (i = 0; i < REQUEST_KEYS; i++) {
		bit = request_keys[i].bit;
		if (o == NULL && bit == K_OP)
			return bad(e, "op", "is missing");
		if ((p->seen & bit) == 0) {
			if (((K_ALWAYS | o->needs) & bit) != 0)
				return err_set(e, ERR_PEER, "request: %s: "
				    "'%s' needs it", request_keys[i].name, o->name);
		} else if (((K_ALWAYS | K_ANY | o->needs | o->takes) & bit) ==
		    0) {
			return err_set(e, ERR_PEER, "request: %s: '%s' does "
			    "not take it", request_keys[i].name, o->name);
		} else if ((p->doubled & ~o->repeats & bit) != 0) {
			return bad(e, request_keys[i].name, "comes twice");
		}
	}
	if ((p->seen & K_MOUNT) != 0 && !p->r.one_file_system)
		return bad(e, "mount", "only with one-file-system");
	if ((p->seen & K_DIRECT) != (p->r.direct ? K_DIRECT : 0))
		return bad(e, "mode", "direct, and it alone, has a port, a "
		    "host-key and a user");
	return 0;
}

int
request_parse(const char *text, size_t len, struct request *ret,
    struct err *e)
{
	struct parser p = { .seen = 0 };

	if (len > MSG_MAX)
		return err_set(e, ERR_PEER, "request: longer than 64 KiB");
	if (msgtext_parse(text, len, take_line, &p, e) == -1 ||
	    check_keys(&p, e) == -1) {
		request_clear(&p.r);
		return -1;
	}
	*ret = p.r;
	return 0;
}

/* The number of the word that k has in r; -1: as if it were not said. */
static int
word_of(const struct request *r, unsigned bit)
{
	switch (bit) {
	case K_OP:
		return (int)r->op - 1;
	case K_VERSION:
		return 0;
	case K_ONE_FS:
		return r->one_file_system ? 1 : -1;
	case K_MODE:
		return r->direct ? 1 : -1;
	case K_PROGRESS:
		return r->progress ? 1 : -1;
	default:
		return r->compress != REQUEST_COMPRESS_NONE ?
		    (int)r->compress : -1;
	}
}

static int
emit_key(const struct request *r, const struct request_key *k, struct buf *out)
{
	const struct strv *list;
	const char *value;
	size_t i;
	int w;

	if (k->list) {
		list = request_list(r, k);
		for (i = 0; i < list->n; i++)
			if (msgtext_add(out, k->name, list->v[i]) == -1)
				return -1;
		return 0;
	}
	if (k->words != NULL) {
		w = word_of(r, k->bit);
		value = w == -1 ? NULL : k->words[w];
	} else {
		value = *request_string(r, k);
	}
	return value == NULL ? 0 : msgtext_add(out, k->name, value);
}

int
request_emit(const struct request *r, struct buf *out, struct err *e)
{
	struct request again = { .one_file_system = false };
	struct buf text;
	size_t i;
	int rc = -1;

	buf_init(&text, MSG_MAX);
	if (request_row(r->op) == NULL)
		return err_set(e, ERR_USAGE, "request: op: no such value");
	for (i = 0; i < REQUEST_KEYS; i++) {
		if (emit_key(r, &request_keys[i], &text) == -1) {
			err_set(e, ERR_MEM, "request: %s: longer than 64 KiB "
			    "in all, or out of memory", request_keys[i].name);
			goto out;
		}
	}
	/* The checks are those of the other side. */
	if (request_parse(text.data, text.len, &again, e) == -1) {
		if (e != NULL && e->code == ERR_PEER)
			e->code = ERR_USAGE;
		goto out;
	}
	if (buf_add(out, text.data, text.len) == -1) {
		err_set(e, ERR_MEM, "out of memory");
		goto out;
	}
	rc = 0;
out:
	request_clear(&again);
	buf_clear(&text);
	return rc;
}
