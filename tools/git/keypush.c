/* SPDX-License-Identifier: ISC */
#include "keypush.h"

#include <sodium.h>
#include <stdbool.h>

#include "base/num.h"

/* An id, a space and a key as keyline takes it. */
#define ROOM	(GITID_MAX + 1 + KEYLINE_MAX)

enum state { AT_BEGIN, AT_FORMAT, AT_SERVER, AT_SEQUENCE, AT_COUNT,
	AT_SHA256, AT_BLANK, AT_KEYS, AT_END };

struct keypush {
	enum state state;
	struct keypush_limits limits;
	keypush_bad_fn *on_bad;
	void *arg;
	struct err failed;		/* code set: what ended it */
	struct buf line;		/* what came of the line so far */
	bool long_line;			/* it is too long: cut, hashed so far */
	size_t bytes, lines, keys;	/* that came */
	struct keypush_head head;
	crypto_hash_sha256_state sum;
	struct keylist list;
};

_Static_assert(sizeof(((struct keypush_head *)0)->sha256) ==
    crypto_hash_sha256_BYTES, "SHA-256");

struct keypush *
keypush_new(const struct keypush_limits *limits, keypush_bad_fn *on_bad,
    void *arg, struct err *e)
{
	struct keypush *p = calloc(1, sizeof(*p));

	if (p == NULL) {
		err_set(e, ERR_MEM, "out of memory");
		return NULL;
	}
	p->limits = (struct keypush_limits){ KEYPUSH_BYTES, KEYLIST_MAX };
	if (limits != NULL)
		p->limits = *limits;
	p->on_bad = on_bad;
	p->arg = arg;
	buf_init(&p->line, ROOM);
	crypto_hash_sha256_init(&p->sum);
	return p;
}

void
keypush_free(struct keypush *p)
{
	if (p == NULL)
		return;
	buf_clear(&p->line);
	keylist_clear(&p->list);
	free(p);
}

static void
hash(struct keypush *p, const char *s, size_t n)
{
	crypto_hash_sha256_update(&p->sum, (const unsigned char *)s, n);
}

/* The value of a header line that has to begin with name; NULL: another. */
static const char *
value_of(const struct keypush *p, const char *name)
{
	size_t n = strlen(name);

	if (p->long_line || memchr(p->line.data, 0, p->line.len) != NULL ||
	    strncmp(p->line.data, name, n) != 0)
		return NULL;
	return p->line.data + n;
}

/* A decimal number without zeros in front. */
static bool
number(const char *s, uint64_t min, uint64_t max, uint64_t *ret)
{
	return (s[0] != '0' || s[1] == '\0') &&
	    num_u64(s, "", min, max, ret, NULL) == 0;
}

static bool
hex32(const char *s, unsigned char ret[32])
{
	size_t len = 0;

	return strlen(s) == 64 && strspn(s, "0123456789abcdef") == 64 &&
	    sodium_hex2bin(ret, 32, s, 64, NULL, &len, NULL) == 0 && len == 32;
}

/* The line of the head that state asks for. */
static int
head_line(struct keypush *p, struct err *e)
{
	static const char *const names[] = { KEYPUSH_BEGIN, "format ",
		"server ", "sequence ", "count ", "sha256 ", "" };
	const char *s = value_of(p, names[p->state]);
	struct keypush_head *h = &p->head;
	uint64_t n = 0;
	bool ok = s != NULL;

	if (ok) switch (p->state) {
	case AT_FORMAT:
		if (strcmp(s, "1") != 0)
			return err_set(e, ERR_PEER, "keys in a format of "
			    "another version");
		break;
	case AT_SERVER:
		ok = gitid_valid(s, strlen(s));
		if (ok)
			memcpy(h->server, s, strlen(s) + 1);
		break;
	case AT_SEQUENCE:
		ok = number(s, 1, INT64_MAX, &h->sequence);
		break;
	case AT_COUNT:
		ok = number(s, 0, SIZE_MAX, &n);
		if (ok && n > p->limits.lines)
			return err_set(e, ERR_PEER, "more keys than are "
			    "taken (%zu)", p->limits.lines);
		h->count = (size_t)n;
		break;
	case AT_SHA256:
		ok = hex32(s, h->sha256);
		break;
	default:			/* the begin, the blank line */
		ok = *s == '\0';
	}
	if (!ok)
		return err_set(e, ERR_PEER, "line %zu is not as the head of "
		    "keys has it there (%s)", p->lines, p->state == AT_BLANK ?
		    "a blank line" : names[p->state]);
	p->state++;
	return 0;
}

/* A line "ID TYPE BASE64", with its parts. */
static int
key_parts(const struct keypush *p, char id[GITID_MAX + 1],
    struct keyline *k, struct err *e)
{
	const char *s = p->line.data, *end = s + p->line.len, *key;
	const char *space = memchr(s, ' ', p->line.len);
	size_t n = space != NULL ? (size_t)(space - s) : p->line.len;

	if (p->long_line)
		return err_set(e, ERR_CONFIG, "longer than a key's line can "
		    "be");
	if (gitid_check(s, n, e) == -1)
		return -1;
	memcpy(id, s, n);
	id[n] = '\0';
	if (space == NULL)
		return err_set(e, ERR_CONFIG, "%s: no key behind the id", id);
	key = space + 1;
	if (keyline_parse(key, (size_t)(end - key), k, e) == -1)
		return err_wrap(e, "%s", id);
	if (k->line.key.p != key + k->line.type.len + 1 ||
	    k->line.key.p[-1] != ' ' ||
	    k->line.key.p + k->line.key.len != end)
		return err_set(e, ERR_CONFIG, "%s: more than an id, a type "
		    "and a key, or not one space between", id);
	return 0;
}

/* A mark within the keys: the end of it, or of this push. */
static int
mark_line(struct keypush *p, struct err *e)
{
	unsigned char sum[crypto_hash_sha256_BYTES];

	if (p->long_line || p->line.len != sizeof(KEYPUSH_END) - 1 ||
	    memcmp(p->line.data, KEYPUSH_END, sizeof(KEYPUSH_END) - 1) != 0)
		return err_set(e, ERR_PEER, "line %zu is another mark than "
		    "the end's", p->lines);
	if (p->keys != p->head.count)
		return err_set(e, ERR_PEER, "%zu lines of keys came, and the "
		    "head says %zu", p->keys, p->head.count);
	crypto_hash_sha256_final(&p->sum, sum);
	if (memcmp(sum, p->head.sha256, sizeof(sum)) != 0)
		return err_set(e, ERR_PEER, "the keys are not those that the "
		    "head's sha256 is of");
	p->state = AT_END;
	return 0;
}

static int
key_line(struct keypush *p, struct err *e)
{
	struct err why = ERR_INIT;
	char id[GITID_MAX + 1], where[32];
	struct keyline k;

	if (p->line.len >= 5 && memcmp(p->line.data, "-----", 5) == 0)
		return mark_line(p, e);
	if (!p->long_line)
		hash(p, p->line.data, p->line.len);
	hash(p, "\n", 1);
	if (++p->keys > p->head.count)
		return err_set(e, ERR_PEER, "more lines of keys came than the "
		    "%zu that the head says", p->head.count);
	if (key_parts(p, id, &k, &why) == 0) {
		snprintf(where, sizeof(where), "line %zu", p->lines);
		return keylist_add(&p->list, id, &k, where, e);
	}
	if (why.code == ERR_MEM)
		return err_set(e, ERR_MEM, "out of memory");
	p->head.bad++;
	if (p->on_bad != NULL)
		p->on_bad(p->arg, p->lines, &why);
	return 0;
}

/* p->line is a whole line. */
static int
line_came(struct keypush *p, struct err *e)
{
	int rc;

	p->lines++;
	rc = p->state < AT_KEYS ? head_line(p, e) : key_line(p, e);
	buf_eat(&p->line, p->line.len);
	p->long_line = false;
	return rc;
}

/* A piece of a line: all that is kept of it is what can be looked at. */
static int
add(struct keypush *p, const char *s, size_t n, struct err *e)
{
	size_t room = p->line.max - p->line.len;

	if (n > room && p->state < AT_KEYS)
		return err_set(e, ERR_PEER, "line %zu is longer than any of "
		    "the head's", p->lines + 1);
	if (n > room && !p->long_line) {
		p->long_line = true;
		hash(p, p->line.data, p->line.len);
	}
	if (p->long_line)
		hash(p, s, n);
	if (buf_add(&p->line, s, n < room ? n : room) == -1)
		return err_set(e, ERR_MEM, "out of memory");
	return 0;
}

static int
feed(struct keypush *p, const char *data, size_t len, struct err *e)
{
	const char *nl;
	size_t n;

	if (len > p->limits.bytes - p->bytes)
		return err_set(e, ERR_PEER, "more than the %zu bytes that are "
		    "taken", p->limits.bytes);
	p->bytes += len;
	for (; len > 0; data += n, len -= n) {
		if (p->state == AT_END)
			return err_set(e, ERR_PEER, "something follows the "
			    "end of the keys");
		nl = memchr(data, '\n', len);
		n = nl != NULL ? (size_t)(nl - data) + 1 : len;
		if (add(p, data, nl != NULL ? n - 1 : n, e) == -1)
			return -1;
		if (nl != NULL && line_came(p, e) == -1)
			return -1;
	}
	return 0;
}

int
keypush_feed(struct keypush *p, const char *data, size_t len, struct err *e)
{
	if (p->failed.code == ERR_NONE &&
	    feed(p, data, len, &p->failed) == 0)
		return 0;
	if (e != NULL)
		*e = p->failed;
	return -1;
}

int
keypush_finish(struct keypush *p, struct keypush_head *ret_head,
    struct keylist *ret_keys, struct err *e)
{
	if (p->failed.code == ERR_NONE && p->state != AT_END)
		err_set(&p->failed, ERR_PEER, p->bytes == 0 ?
		    "nothing came" : "the keys are cut off: their end did not "
		    "come");
	if (p->failed.code != ERR_NONE) {
		if (e != NULL)
			*e = p->failed;
		return -1;
	}
	*ret_head = p->head;
	*ret_keys = p->list;
	p->list = (struct keylist){ 0 };
	err_set(&p->failed, ERR_PEER, "these keys were taken already");
	return 0;
}
