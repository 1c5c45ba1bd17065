/* SPDX-License-Identifier: ISC */
#include "request.h"

#include <stdint.h>

#include "plain.h"
#include "proc/msg.h"
#include "proc/msgtext.h"
#include "request_why.h"

#define VERSION_TEXT	"1"

/* One bit a key. */
enum {
	K_OP = 1 << 0,
	K_VERSION = 1 << 1,
	K_JOB = 1 << 2,
	K_ROOT = 1 << 3,
	K_EXCLUDE = 1 << 4,
	K_ONE_FS = 1 << 5,
	K_COMPRESS = 1 << 6,
	K_RSYNC = 1 << 7,
	K_SNAPSHOT = 1 << 8,
	K_PATH = 1 << 9,
	K_PATTERN = 1 << 10,
	K_MATCH = 1 << 11,
	K_MAX_AGE = 1 << 12,
	K_SAMPLE = 1 << 13,
	K_MODE = 1 << 14,
	K_PORT = 1 << 15,
	K_HOST_KEY = 1 << 16,
	K_USER = 1 << 17,
};

#define ALWAYS	(K_OP | K_VERSION)
#define DIRECT	(K_PORT | K_HOST_KEY | K_USER)

static const struct op {
	const char *name;
	enum request_op op;
	unsigned needs, takes, repeats;	/* takes: besides what it needs */
} ops[] = {
	{ "run", REQUEST_RUN, K_ROOT | K_RSYNC,
	    K_JOB | K_EXCLUDE | K_ONE_FS | K_COMPRESS | K_MODE | DIRECT,
	    K_ROOT | K_EXCLUDE },
	{ "restore", REQUEST_RESTORE, K_SNAPSHOT | K_PATH | K_RSYNC,
	    K_COMPRESS, K_PATH },
	{ "list", REQUEST_LIST, 0, K_SNAPSHOT | K_PATH, 0 },
	{ "find", REQUEST_FIND, K_PATTERN, K_SNAPSHOT | K_MATCH, 0 },
	{ "verify", REQUEST_VERIFY, 0, K_SNAPSHOT | K_MAX_AGE | K_SAMPLE, 0 },
	{ "cat", REQUEST_CAT, K_SNAPSHOT | K_PATH, 0, 0 },
};

/* The index of value among words; -1: none of them. */
static int
word(const char *const *words, const char *value)
{
	int i;

	for (i = 0; words[i] != NULL; i++)
		if (strcmp(words[i], value) == 0)
			return i;
	return -1;
}

static const char *const op_words[] = { "run", "restore", "list", "find",
	"verify", "cat", NULL };
static const char *const version_words[] = { VERSION_TEXT, NULL };
static const char *const bool_words[] = { "no", "yes", NULL };
static const char *const compress_words[] = { "none", "zstd", "zlib", NULL };
static const char *const mode_words[] = { "channel", "direct", NULL };

/* In the order of emission. Exactly one of words and why; a word's place in
 * words is its number. off: of an owned string or a struct strv, by list. */
static const struct key {
	const char *name;
	unsigned bit;
	const char *const *words;
	const char *(*why)(const char *value);
	size_t off;
	bool list, unique;
} keys[] = {
	{ "op", K_OP, op_words },
	{ "version", K_VERSION, version_words },
	{ "job", K_JOB, NULL, request_name_why, offsetof(struct request, job) },
	{ "root", K_ROOT, NULL, plain_why, offsetof(struct request, roots),
	    true, true },
	{ "exclude", K_EXCLUDE, NULL, request_text_why,
	    offsetof(struct request, excludes), true },
	{ "one-file-system", K_ONE_FS, bool_words },
	{ "compress", K_COMPRESS, compress_words },
	{ "rsync", K_RSYNC, NULL, request_rsync_why,
	    offsetof(struct request, rsync) },
	{ "snapshot", K_SNAPSHOT, NULL, request_snapshot_why,
	    offsetof(struct request, snapshot) },
	{ "path", K_PATH, NULL, plain_why, offsetof(struct request, paths),
	    true, true },
	{ "pattern", K_PATTERN, NULL, request_text_why,
	    offsetof(struct request, pattern) },
	{ "mode", K_MODE, mode_words },
	{ "port", K_PORT, NULL, request_port_why,
	    offsetof(struct request, port) },
	{ "host-key", K_HOST_KEY, NULL, request_key_why,
	    offsetof(struct request, host_key) },
	{ "user", K_USER, NULL, request_user_why,
	    offsetof(struct request, user) },
	{ "match", K_MATCH, NULL, request_match_why,
	    offsetof(struct request, match) },
	{ "max-age", K_MAX_AGE, NULL, request_age_why,
	    offsetof(struct request, max_age) },
	{ "sample", K_SAMPLE, NULL, request_sample_why,
	    offsetof(struct request, sample) },
};
#define NKEYS	(sizeof(keys) / sizeof(keys[0]))

static char **
string_at(const struct request *r, const struct key *k)
{
	return (char **)(void *)((uintptr_t)r + k->off);
}

static struct strv *
list_at(const struct request *r, const struct key *k)
{
	return (struct strv *)(void *)((uintptr_t)r + k->off);
}

void
request_clear(struct request *r)
{
	size_t i;

	for (i = 0; i < NKEYS; i++) {
		if (keys[i].list)
			strv_clear(list_at(r, &keys[i]));
		else if (keys[i].words == NULL)
			free(*string_at(r, &keys[i]));
	}
	*r = (struct request){ .one_file_system = false };
}

static const struct op *
op_row(enum request_op op)
{
	size_t i;

	for (i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		if (ops[i].op == op)
			return &ops[i];
	return NULL;
}

const char *
request_op_name(enum request_op op)
{
	const struct op *row = op_row(op);

	return row != NULL ? row->name : "?";
}

enum request_op
request_op_find(const char *name)
{
	int i = word(op_words, name);

	return (enum request_op)(i + 1);
}

const char *
request_compress_name(enum request_compress c)
{
	return compress_words[c];
}

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
	else if (bit == K_COMPRESS)
		r->compress = (enum request_compress)i;
	else if (bit == K_MODE)
		r->direct = i == 1;
}

static int
set_value(struct parser *p, const struct key *k, const char *value,
    struct err *e)
{
	struct strv *list;
	int i;

	if (k->words != NULL) {
		i = word(k->words, value);
		if (i == -1)
			return bad(e, k->name, k->bit == K_VERSION ?
			    "this side speaks version " VERSION_TEXT " only" :
			    "no such value");
		set_word(&p->r, k->bit, i);
		return 0;
	}
	if (k->why(value) != NULL)
		return bad(e, k->name, k->why(value));
	if (!k->list) {
		*string_at(&p->r, k) = strdup(value);
		if (*string_at(&p->r, k) == NULL)
			return err_set(e, ERR_MEM, "out of memory");
		return 0;
	}
	list = list_at(&p->r, k);
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
	const struct key *k = NULL;
	size_t i;

	for (i = 0; i < NKEYS && k == NULL; i++)
		if (strcmp(keys[i].name, name) == 0)
			k = &keys[i];
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
	const struct op *o = op_row(p->r.op);
	unsigned bit;
	size_t i;

	for (i = 0; i < NKEYS; i++) {
		bit = keys[i].bit;
		if (o == NULL && bit == K_OP)
			return bad(e, "op", "is missing");
		if ((p->seen & bit) == 0) {
			if (((ALWAYS | o->needs) & bit) != 0)
				return err_set(e, ERR_PEER, "request: %s: "
				    "'%s' needs it", keys[i].name, o->name);
		} else if (((ALWAYS | o->needs | o->takes) & bit) == 0) {
			return err_set(e, ERR_PEER, "request: %s: '%s' does "
			    "not take it", keys[i].name, o->name);
		} else if ((p->doubled & ~o->repeats & bit) != 0) {
			return bad(e, keys[i].name, "comes twice");
		}
	}
	if ((p->seen & DIRECT) != (p->r.direct ? DIRECT : 0))
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
	default:
		return r->compress != REQUEST_COMPRESS_NONE ?
		    (int)r->compress : -1;
	}
}

static int
emit_key(const struct request *r, const struct key *k, struct buf *out)
{
	const struct strv *list;
	const char *value;
	size_t i;
	int w;

	if (k->list) {
		list = list_at(r, k);
		for (i = 0; i < list->n; i++)
			if (msgtext_add(out, k->name, list->v[i]) == -1)
				return -1;
		return 0;
	}
	if (k->words != NULL) {
		w = word_of(r, k->bit);
		value = w == -1 ? NULL : k->words[w];
	} else {
		value = *string_at(r, k);
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
	if (op_row(r->op) == NULL)
		return err_set(e, ERR_USAGE, "request: op: no such value");
	for (i = 0; i < NKEYS; i++) {
		if (emit_key(r, &keys[i], &text) == -1) {
			err_set(e, ERR_MEM, "request: %s: longer than 64 KiB "
			    "in all, or out of memory", keys[i].name);
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
