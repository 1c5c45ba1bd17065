/* SPDX-License-Identifier: ISC */
#include "keyreply.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "base/esc.h"
#include "base/num.h"

#define SHOWN 80		/* bytes of a line that is none */

static const struct {
	enum keyreply_what what;
	const char *word;
} words[] = {
	{ KEYREPLY_OK, "ok" },
	{ KEYREPLY_SAME, "same" },
	{ KEYREPLY_STALE, "stale" },
	{ KEYREPLY_REFUSED, "refused" },
	{ KEYREPLY_BUSY, "busy" },
	{ KEYREPLY_FAILED, "failed" },
	{ KEYREPLY_NOW, "now" },
};
#define WORDS (sizeof(words) / sizeof(words[0]))

const char *
keyreply_word(enum keyreply_what what)
{
	size_t i;

	for (i = 0; i < WORDS; i++)
		if (words[i].what == what)
			return words[i].word;
	return "unknown";
}

int
keyreply_emit(const struct keyreply *r, struct buf *out, struct err *e)
{
	char why[KEYREPLY_WHY];
	size_t i, n = strnlen(r->why, sizeof(why) - 1);
	int rc;

	for (i = 0; i < n; i++)
		why[i] = r->why[i] >= 0x20 && r->why[i] <= 0x7e ?
		    r->why[i] : '?';
	rc = buf_addf(out, "v1 %s sequence=%" PRIu64 " keys=%" PRIu64
	    " skipped=%" PRIu64 "%s%.*s", keyreply_word(r->what), r->sequence,
	    r->keys, r->skipped, n > 0 ? " " : "", (int)n, why);
	return rc == 0 ? 0 : err_set(e, ERR_MEM, "out of memory");
}

/* A word of line at *at, up to max bytes, into ret; *at moves behind it and
 * one blank. */
static bool
next(const char **at, const char *end, char *ret, size_t max)
{
	const char *blank = memchr(*at, ' ', (size_t)(end - *at));
	size_t n = (size_t)((blank != NULL ? blank : end) - *at);

	if (n == 0 || n >= max)
		return false;
	memcpy(ret, *at, n);
	ret[n] = '\0';
	*at = blank != NULL ? blank + 1 : end;
	return true;
}

static bool
number(const char **at, const char *end, const char *name, uint64_t *ret)
{
	size_t n = strlen(name);
	char word[40];

	return next(at, end, word, sizeof(word)) &&
	    strncmp(word, name, n) == 0 &&
	    num_u64(word + n, "", 0, INT64_MAX, ret, NULL) == 0;
}

static bool
parse(const char *at, const char *end, struct keyreply *r)
{
	char word[16];
	size_t i, n;

	if (!next(&at, end, word, sizeof(word)) || strcmp(word, "v1") != 0 ||
	    !next(&at, end, word, sizeof(word)))
		return false;
	for (i = 0; i < WORDS; i++)
		if (strcmp(words[i].word, word) == 0)
			r->what = words[i].what;
	if (r->what == 0 || !number(&at, end, "sequence=", &r->sequence) ||
	    !number(&at, end, "keys=", &r->keys) ||
	    !number(&at, end, "skipped=", &r->skipped))
		return false;
	n = (size_t)(end - at);
	if (n >= sizeof(r->why))
		return false;
	memcpy(r->why, at, n);
	r->why[n] = '\0';
	return true;
}

int
keyreply_parse(const char *line, size_t len, struct keyreply *ret,
    struct err *e)
{
	struct keyreply r = { 0 };
	struct buf shown;
	size_t i;
	bool ok = len <= KEYREPLY_MAX;

	for (i = 0; ok && i < len; i++)
		ok = line[i] >= 0x20 && line[i] <= 0x7e;
	if (ok && parse(line, line + len, &r)) {
		*ret = r;
		return 0;
	}
	buf_init(&shown, 4 * SHOWN);
	if (esc_text(&shown, line, len < SHOWN ? len : SHOWN) == -1)
		buf_clear(&shown);
	err_set(e, ERR_PEER, "not an answer of a gateway: '%s%s'",
	    shown.data, len > SHOWN ? "..." : "");
	buf_clear(&shown);
	return -1;
}
