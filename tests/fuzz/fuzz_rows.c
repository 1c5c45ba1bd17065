/* SPDX-License-Identifier: ISC */
/* What a store answers to `list`: what is taken can be said again. */
#include <string.h>

#include "rows.h"
#include "retell.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
on_snap(void *arg, const struct history_snap *s, struct err *e)
{
	(void)e;
	demand(rows_add_snap(s, arg) == 0);
	return 0;
}

static int
on_entry(void *arg, const struct rows_entry *r, struct err *e)
{
	(void)e;
	demand(strchr(r->name, '/') == NULL && *r->name != '\0');
	demand(rows_add_entry(r, arg) == 0);
	return 0;
}

static int
again(const char *text, size_t len, struct buf *out, struct err *e)
{
	static const struct rows_calls calls = { on_snap, on_entry };

	return rows_parse(text, len, &calls, out, e);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return retell(again, data, size);
}
