/* SPDX-License-Identifier: ISC */
#include "keystate.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "keystore.h"

static int
look(const struct keystore *ks, uint64_t now, struct keyreply *r,
    struct err *e)
{
	struct keystore_map map = { 0 };
	struct keystore_note note;
	struct authindex x;
	uint64_t *gens, newest;
	size_t n;
	bool back;
	int rc = -1;

	if (keystore_list(ks, &gens, &n, e) == -1)
		return -1;
	newest = n > 0 ? gens[n - 1] : 0;
	free(gens);
	if (keystore_map(ks, now, "index", &map, e) == 0 &&
	    authindex_parse(map.p, map.len, &x, e) == 0) {
		keystore_noted(ks, &note);
		r->keys = x.count;
		r->skipped = note.skipped;
		/* A newer one that no push has noted was never in force. */
		back = now < newest && note.sequence >= newest;
		/* A push of the same keys makes no generation. */
		r->sequence = !back && note.sequence > now ? note.sequence :
		    now;
		if (back)
			snprintf(r->why, sizeof(r->why), "they were rolled "
			    "back from %llu", (unsigned long long)newest);
		rc = 0;
	}
	keystore_unmap(&map);
	return rc;
}

int
keystate_run(const char *keys, struct keyreply *ret, struct err *e)
{
	struct keyreply r = { .what = KEYREPLY_NOW };
	struct keystore ks = KEYSTORE_INIT;
	uint64_t now;
	int rc = -1;

	if (keystore_open(keys, &ks, e) == 0 &&
	    keystore_current(&ks, &now, e) == 0)
		rc = now == 0 ? 0 : look(&ks, now, &r, e);
	keystore_close(&ks);
	if (rc == 0)
		*ret = r;
	return rc;
}
