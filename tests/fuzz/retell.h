/* SPDX-License-Identifier: ISC */
/* retell: of targets for a text that is read and can be said again. */
#ifndef FUZZ_RETELL_H
#define FUZZ_RETELL_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"

static inline void
demand(int ok)
{
	if (!ok)
		abort();
}

/* Reads text and says it again, into out. */
typedef int retell_fn(const char *text, size_t len, struct buf *out,
	struct err *e);

/* What was said again is read and said the same. */
static inline int
retell(retell_fn *fn, const uint8_t *data, size_t size)
{
	struct err e = ERR_INIT;
	struct buf one, two;

	buf_init(&one, 8 * size + 4096);
	buf_init(&two, 8 * size + 4096);
	if (fn((const char *)data, size, &one, &e) == -1) {
		demand(e.code == ERR_PEER || e.code == ERR_MEM);
		demand(strchr(e.msg, '\n') == NULL);
	} else {
		demand(fn(one.data, one.len, &two, &e) == 0);
		demand(one.len == two.len &&
		    memcmp(one.data, two.data, one.len) == 0);
	}
	buf_clear(&one);
	buf_clear(&two);
	return 0;
}

#endif
