/* SPDX-License-Identifier: ISC */
#include "rate.h"

#include <inttypes.h>
#include <string.h>

#include "base/num.h"

#define MINUTE_MS 60000u

int
rate_parse(const char *text, size_t len, struct rate *ret, struct err *e)
{
	struct rate r = { .n = 0 };
	char line[24];
	const char *nl;
	size_t n;

	for (; len > 0; text += n + 1, len -= n + 1) {
		nl = memchr(text, '\n', len);
		n = nl != NULL ? (size_t)(nl - text) : len;
		if (nl == NULL || n >= sizeof(line) || r.n == RATE_MAX)
			goto bad;
		memcpy(line, text, n);
		line[n] = '\0';
		if (num_u64(line, "time", 0, UINT64_MAX, &r.at[r.n],
		    NULL) == -1 || (r.n > 0 && r.at[r.n] < r.at[r.n - 1]))
			goto bad;
		r.n++;
	}
	*ret = r;
	return 0;
bad:
	return err_set(e, ERR_CONFIG, "not the times of tries");
}

int
rate_emit(const struct rate *r, struct buf *out)
{
	size_t i;

	for (i = 0; i < r->n; i++)
		if (buf_addf(out, "%" PRIu64 "\n", r->at[i]) == -1)
			return -1;
	return 0;
}

/* The first that is of the last minute. A time to come is of no clock that
 * we know: it counts, and so nobody gets more tries by it. */
static size_t
first_recent(const struct rate *r, uint64_t now_ms)
{
	size_t i;

	for (i = 0; i < r->n; i++)
		if (r->at[i] >= now_ms || now_ms - r->at[i] < MINUTE_MS)
			break;
	return i;
}

uint64_t
rate_wait_ms(const struct rate *r, unsigned most, uint64_t now_ms)
{
	size_t first = first_recent(r, now_ms);
	uint64_t at;

	if (r->n - first < most)
		return 0;
	/* The one with whose end there are fewer than most. */
	at = r->at[r->n - most];
	return at >= now_ms ? MINUTE_MS : MINUTE_MS - (now_ms - at);
}

void
rate_note(struct rate *r, uint64_t now_ms)
{
	size_t first = first_recent(r, now_ms);

	if (r->n - first == RATE_MAX)
		first++;
	memmove(r->at, r->at + first, (r->n - first) * sizeof(r->at[0]));
	r->n -= first;
	if (r->n > 0 && now_ms < r->at[r->n - 1])
		now_ms = r->at[r->n - 1];
	r->at[r->n++] = now_ms;
}

void
rate_forget(struct rate *r)
{
	r->n -= r->n > 0;
}
