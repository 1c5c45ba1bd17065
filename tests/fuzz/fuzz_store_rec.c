/* SPDX-License-Identifier: ISC */
/* A snapshot's record: what is taken is written and read back the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "store_rec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
demand(int ok)
{
	if (!ok)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct store_rec a, b;
	struct err e = ERR_INIT;
	struct buf one, two;

	if (store_rec_parse((const char *)data, size, "f", &a, &e) == -1) {
		demand(e.code == ERR_CONFIG || e.code == ERR_MEM);
		demand(strncmp(e.msg, "f: ", 3) == 0);
		demand(strchr(e.msg, '\n') == NULL);
		return 0;
	}
	demand(e.code == ERR_NONE);
	buf_init(&one, STORE_REC_MAX);
	buf_init(&two, STORE_REC_MAX);
	if (a.backend == 0)
		a.backend = STORE_HARDLINK;	/* it was left out */
	demand(store_rec_emit(&a, &one, &e) == 0);
	demand(store_rec_parse(one.data, one.len, "f", &b, &e) == 0);
	demand(store_rec_emit(&b, &two, &e) == 0);
	demand(one.len == two.len && memcmp(one.data, two.data, one.len) ==
	    0);
	buf_clear(&one);
	buf_clear(&two);
	store_rec_clear(&a);
	store_rec_clear(&b);
	return 0;
}
