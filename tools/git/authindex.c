/* SPDX-License-Identifier: ISC */
#include "authindex.h"

#include <sodium.h>
#include <string.h>

#include "authgen.h"

#define MAGIC	"PSTNGITK"
#define VERSION	1
#define SUM_AT	32		/* bytes from the begin */
#define HEAD	64
#define ENTRY	40
#define LINE_AT	32		/* in an entry: offset, length */

_Static_assert(SUM_AT + crypto_hash_sha256_BYTES == HEAD, "the header");
_Static_assert(KEYLINE_FP == LINE_AT && LINE_AT + 4 + 4 == ENTRY, "an entry");

static uint32_t
get32(const unsigned char *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	    (uint32_t)p[3] << 24;
}

static uint64_t
get64(const unsigned char *p)
{
	return (uint64_t)get32(p) | (uint64_t)get32(p + 4) << 32;
}

static void
put32(unsigned char *p, uint32_t v)
{
	p[0] = (unsigned char)v;
	p[1] = (unsigned char)(v >> 8);
	p[2] = (unsigned char)(v >> 16);
	p[3] = (unsigned char)(v >> 24);
}

static void
put64(unsigned char *p, uint64_t v)
{
	put32(p, (uint32_t)v);
	put32(p + 4, (uint32_t)(v >> 32));
}

static int
damaged(struct err *e, const char *why)
{
	return err_set(e, ERR_CONFIG, "the index of keys is damaged: %s", why);
}

/* All of a file but its own sum. */
static void
sum_of(const unsigned char *p, size_t len,
    unsigned char sum[crypto_hash_sha256_BYTES])
{
	crypto_hash_sha256_state s;

	crypto_hash_sha256_init(&s);
	crypto_hash_sha256_update(&s, p, SUM_AT);
	crypto_hash_sha256_update(&s, p + HEAD, len - HEAD);
	crypto_hash_sha256_final(&s, sum);
}

/* The entries and, in the same order, the text. */
static int
emit_rows(const char *proxy, const struct keylist_key *const *v, size_t n,
    struct buf *entries, struct buf *text, struct err *e)
{
	unsigned char row[ENTRY];
	size_t i, start;
	int rc = 0;

	for (i = 0; i < n && rc == 0; i++) {
		if (i > 0 && memcmp(v[i - 1]->fp, v[i]->fp, KEYLINE_FP) == 0)
			return err_set(e, ERR_CONFIG, "%s: the same key as "
			    "%s", v[i]->where, v[i - 1]->where);
		start = text->len;
		if (authgen_line(proxy, v[i], text, e) == -1)
			return -1;
		memcpy(row, v[i]->fp, KEYLINE_FP);
		put32(row + LINE_AT, (uint32_t)start);
		put32(row + LINE_AT + 4, (uint32_t)(text->len - start));
		rc |= buf_addc(text, '\n');
		rc |= buf_add(entries, row, sizeof(row));
	}
	return rc == 0 ? 0 : err_set(e, ERR_MEM, "more keys than fit in one "
	    "index, or out of memory");
}

static int
emit_file(uint64_t sequence, size_t n, const struct buf *entries,
    const struct buf *text, struct buf *out, struct err *e)
{
	unsigned char head[HEAD] = { 0 };

	memcpy(head, MAGIC, 8);
	put32(head + 8, VERSION);
	put32(head + 12, (uint32_t)n);
	put64(head + 16, HEAD + entries->len + text->len);
	put64(head + 24, sequence);
	if (buf_add(out, head, sizeof(head)) == -1 ||
	    buf_add(out, entries->data, entries->len) == -1 ||
	    buf_add(out, text->data, text->len) == -1)
		return err_set(e, ERR_MEM, "more keys than fit in one index, "
		    "or out of memory");
	sum_of((const unsigned char *)out->data, out->len, head + SUM_AT);
	memcpy(out->data + SUM_AT, head + SUM_AT, HEAD - SUM_AT);
	return 0;
}

int
authindex_emit(const char *proxy, uint64_t sequence,
    const struct keylist *keys, struct buf *out, struct err *e)
{
	const struct keylist_key **v = keylist_sorted(keys);
	struct buf entries, text;
	int rc;

	if (v == NULL)
		return err_set(e, ERR_MEM, "out of memory");
	buf_init(&entries, (size_t)ENTRY * KEYLIST_MAX);
	buf_init(&text, UINT32_MAX);
	rc = emit_rows(proxy, v, keys->n, &entries, &text, e);
	if (rc == 0)
		rc = emit_file(sequence, keys->n, &entries, &text, out, e);
	if (rc == -1)
		buf_clear(out);
	buf_clear(&entries);
	buf_clear(&text);
	free(v);
	return rc;
}

int
authindex_parse(const void *map, size_t len, struct authindex *ret,
    struct err *e)
{
	const unsigned char *p = map;
	struct authindex x = { .p = map, .len = len };

	if (len < HEAD)
		return damaged(e, "it is shorter than its header");
	if (memcmp(p, MAGIC, 8) != 0)
		return damaged(e, "it does not begin as one");
	if (get32(p + 8) != VERSION)
		return damaged(e, "it is of another version");
	if (get64(p + 16) != len)
		return damaged(e, "it is not as long as it says");
	x.count = get32(p + 12);
	x.sequence = get64(p + 24);
	/* Neither side can overflow: count has 32 bits, and it is divided. */
	if (x.count > (len - HEAD) / ENTRY)
		return damaged(e, "it is cut off");
	x.entries = p + HEAD;
	x.text = (const char *)x.entries + (size_t)x.count * ENTRY;
	x.text_len = len - HEAD - (size_t)x.count * ENTRY;
	*ret = x;
	return 0;
}

/* The line of entry i, and that its key is the entry's. */
static int
line_of(const struct authindex *x, uint32_t i, const char **ret,
    size_t *ret_len, struct err *e)
{
	const unsigned char *row = x->entries + (size_t)i * ENTRY;
	size_t at = get32(row + LINE_AT), len = get32(row + LINE_AT + 4);
	struct authkeys_line line;
	struct keyline k;

	if (at > x->text_len || len >= x->text_len - at ||
	    len > AUTHKEYS_LINE_MAX)
		return damaged(e, "a line beyond its end");
	if (x->text[at + len] != '\n' ||
	    memchr(x->text + at, '\n', len) != NULL ||
	    memchr(x->text + at, 0, len) != NULL)
		return damaged(e, "a line that is none");
	if (authkeys_parse(x->text + at, len, &line, NULL) == -1 ||
	    keyline_of(&line, &k, NULL) == -1 ||
	    memcmp(k.fp, row, KEYLINE_FP) != 0)
		return damaged(e, "a line that is another key's");
	*ret = x->text + at;
	*ret_len = len;
	return 0;
}

int
authindex_verify(const struct authindex *x, struct err *e)
{
	unsigned char sum[crypto_hash_sha256_BYTES];
	const unsigned char *row;
	const char *line;
	size_t at = 0, len;
	uint32_t i;

	sum_of(x->p, x->len, sum);
	if (memcmp(sum, x->p + SUM_AT, sizeof(sum)) != 0)
		return damaged(e, "its hash is another");
	for (i = 0; i < x->count; i++) {
		row = x->entries + (size_t)i * ENTRY;
		if (i > 0 && memcmp(row - ENTRY, row, KEYLINE_FP) >= 0)
			return damaged(e, "it is not sorted");
		if (line_of(x, i, &line, &len, e) == -1)
			return -1;
		if (line != x->text + at)
			return damaged(e, "lines that are not one behind the "
			    "other");
		at += len + 1;
	}
	if (at != x->text_len)
		return damaged(e, "text that no entry has");
	return 0;
}

int
authindex_find(const struct authindex *x, const unsigned char fp[KEYLINE_FP],
    const char **ret, size_t *ret_len, struct err *e)
{
	uint32_t low = 0, high = x->count, mid;
	int c;

	while (low < high) {
		mid = low + (high - low) / 2;
		c = memcmp(fp, x->entries + (size_t)mid * ENTRY, KEYLINE_FP);
		if (c == 0)
			return line_of(x, mid, ret, ret_len, e);
		if (c < 0)
			high = mid;
		else
			low = mid + 1;
	}
	*ret = NULL;
	*ret_len = 0;
	return 0;
}
