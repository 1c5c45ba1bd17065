/* SPDX-License-Identifier: ISC */
/* keypush: what is taken is the same whatever pieces it comes in; its good
 * keys are written and read as they were. */
#include "keypush.h"
#include "retell.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t bad;

static void
on_bad(void *arg, size_t line, const struct err *why)
{
	const char *p;

	bad++;
	demand(line > 7 && why->code == ERR_CONFIG);
	for (p = why->msg; *p != '\0'; p++)
		demand((unsigned char)*p >= 0x20);
}

static int
parse(const char *s, size_t len, size_t step, struct keypush_head *head,
    struct keylist *keys)
{
	struct err e = ERR_INIT;
	struct keypush *p = keypush_new(NULL, on_bad, NULL, &e);
	size_t n;
	int rc;

	demand(p != NULL);
	for (bad = 0; len > 0; s += n, len -= n) {
		n = step < len ? step : len;
		if (keypush_feed(p, s, n, &e) == -1) {
			demand(e.code == ERR_PEER);
			break;
		}
	}
	rc = keypush_finish(p, head, keys, &e);
	demand(rc == 0 || e.code == ERR_PEER);
	demand(rc == -1 || (head->bad == bad &&
	    keys->n + bad == head->count));
	keypush_free(p);
	return rc;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct keypush_head one = { 0 }, two = { 0 };
	struct keylist keys = { 0 }, again = { 0 };
	struct err e = ERR_INIT;
	struct buf out;
	size_t i;
	int rc;

	rc = parse((const char *)data, size, size + 1, &one, &keys);
	demand(parse((const char *)data, size, 3, &two, &again) == rc);
	demand(keys.n == again.n);
	demand(memcmp(&one, &two, sizeof(one)) == 0);
	keylist_clear(&again);
	buf_init(&out, 2 * size + 4096);
	if (rc == 0) {
		demand(keypush_emit(one.server, one.sequence, &keys, &out, &e)
		    == 0);
		demand(parse(out.data, out.len, 64, &two, &again) == 0);
		demand(two.bad == 0 && two.count == keys.n);
		for (i = 0; i < keys.n; i++)
			demand(strcmp(keys.v[i].id, again.v[i].id) == 0 &&
			    memcmp(keys.v[i].fp, again.v[i].fp, KEYLINE_FP)
			    == 0);
	}
	keylist_clear(&keys);
	keylist_clear(&again);
	buf_clear(&out);
	return 0;
}
