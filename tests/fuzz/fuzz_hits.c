/* SPDX-License-Identifier: ISC */
/* A store's answers to `find` and `verify`: what is taken can be said again. */
#include "hits.h"
#include "retell.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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

static int
again(const char *text, size_t len, struct buf *out, struct err *e)
{
	static const struct hits_calls calls = { on_file, on_found };

	return hits_parse(text, len, &calls, out, e);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return retell(again, data, size);
}
