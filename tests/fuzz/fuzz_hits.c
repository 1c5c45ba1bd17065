/* SPDX-License-Identifier: ISC */
/* What a store answers to `find` and `verify`: what is taken can be said again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "hits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
demand(int ok)
{
	if (!ok)
		abort();
}

static int
on_file(void *arg, const struct hits_file *h, struct err *e)
{
	demand(h->path[0] == '/');
	demand(hits_add_file(h, arg) == 0);
	return 0;
}

static int
on_found(void *arg, const struct hits_found *h, struct err *e)
{
	demand(h->path[0] == '/' && hits_kind(h->kind) != NULL);
	demand(hits_add_found(h, arg) == 0);
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct hits_calls calls = { on_file, on_found };
	struct err e = ERR_INIT;
	struct buf one, two;
	int rc;

	buf_init(&one, 8 * size + 4096);
	buf_init(&two, 8 * size + 4096);
	rc = hits_parse((const char *)data, size, &calls, &one, &e);
	if (rc == -1) {
		demand(e.code == ERR_PEER || e.code == ERR_MEM);
		demand(strchr(e.msg, '\n') == NULL);
	} else {
		demand(hits_parse(one.data, one.len, &calls, &two, &e) == 0);
		demand(one.len == two.len &&
		    memcmp(one.data, two.data, one.len) == 0);
	}
	buf_clear(&one);
	buf_clear(&two);
	return 0;
}
