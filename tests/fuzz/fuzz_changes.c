/* SPDX-License-Identifier: ISC */
/*
 * changes_take(), changes_parse(): whatever a client sends, each path that is
 * taken is plain and is found again, and what was taken goes on the wire as it
 * came.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "changes.h"
#include "plain.h"
#include "proc/msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
demand(int ok)
{
	if (!ok)
		abort();
}

static void
look(const struct buf *text)
{
	struct err e = ERR_INIT;
	struct changes c;
	struct buf list;
	size_t i;

	if (changes_parse(text->data, text->len, &c, &e) == -1) {
		demand(e.code == ERR_PEER);
		return;
	}
	for (i = 0; i < c.n; i++) {
		demand(plain_why(c.v[i] + 1) == NULL);
		demand(changes_find(&c, c.v[i] + 1) != 0);
		demand(i == 0 || strcmp(c.v[i - 1] + 1, c.v[i] + 1) <= 0);
	}
	demand(changes_below(&c, "/") == (c.n > 0));
	buf_init(&list, CHANGES_MAX);
	demand(changes_list(text->data, text->len, &list, &e) == 0);
	demand((list.len > 0) == changes_new(text->data, text->len));
	buf_clear(&list);
	changes_clear(&c);
}

/* The same text out of the frames that carry it. */
static void
again(const struct buf *text)
{
	static char frame[MSG_MAX];
	const struct changes_sums sums = { 12, 34, 56 };
	struct changes_sums got = { 0, 0, 0 };
	struct err e = ERR_INIT;
	struct buf copy;
	size_t at = 0, n;
	bool end = false;

	buf_init(&copy, CHANGES_MAX);
	while (!end) {
		n = changes_put(text, &at, &sums, frame, &end);
		demand(n >= 1 && n <= MSG_MAX);
		demand(changes_take(&copy, frame, n, &got, &e) ==
		    (end ? CHANGES_END : CHANGES_MORE));
	}
	demand(got.files == 12 && got.bytes == 34 && got.top_ns == 56);
	demand(copy.len == text->len);
	demand(memcmp(copy.data, text->data, copy.len) == 0);
	buf_clear(&copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct changes_sums sums = { 0, 0, 0 };
	struct err e = ERR_INIT;
	struct buf text;
	int rc;

	if (size == 0)
		return 0;
	buf_init(&text, CHANGES_MAX);
	rc = changes_take(&text, (const char *)data, size, &sums, &e);
	demand(rc != -1 || e.code == ERR_PEER);
	look(&text);
	again(&text);
	buf_clear(&text);
	return 0;
}
