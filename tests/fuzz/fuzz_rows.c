/* SPDX-License-Identifier: ISC */
/* What a store answers to `list`: what is taken can be said again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
demand(int ok)
{
	if (!ok)
		abort();
}

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

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct rows_calls calls = { on_snap, on_entry };
	struct err e = ERR_INIT;
	struct buf one, two;
	int rc;

	buf_init(&one, 8 * size + 4096);
	buf_init(&two, 8 * size + 4096);
	rc = rows_parse((const char *)data, size, &calls, &one, &e);
	if (rc == -1) {
		demand(e.code == ERR_PEER || e.code == ERR_MEM);
		demand(strchr(e.msg, '\n') == NULL);
	} else {
		demand(rows_parse(one.data, one.len, &calls, &two, &e) == 0);
		demand(one.len == two.len &&
		    memcmp(one.data, two.data, one.len) == 0);
	}
	buf_clear(&one);
	buf_clear(&two);
	return 0;
}
