/* SPDX-License-Identifier: ISC */
/* seen_in_next(): a list that is cut, damaged or no list at all ends with an
 * error and never otherwise; seen_order() is an order. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "seen.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
demand(int ok)
{
	if (!ok)
		abort();
}

static void
body(const uint8_t *data, size_t size)
{
	static const struct seen_head head = { .magic = SEEN_MAGIC,
		.snapshot = "a.2026-01-01.1767225600" };
	struct err e = ERR_INIT;
	struct seen_in in;
	FILE *f = tmpfile();
	char *last = NULL;
	int rc = 0;

	demand(f != NULL && fwrite(&head, sizeof(head), 1, f) == 1);
	demand(size == 0 || fwrite(data, size, 1, f) == 1);
	rewind(f);
	demand(seen_in_init(&in, f, &e) == 0);
	do {
		rc = seen_in_next(&in, &e);
		if (rc == 0 && in.kind == 'D') {
			if (last != NULL)
				demand(seen_order(last, in.name.data) ==
				    -seen_order(in.name.data, last));
			free(last);
			last = strdup(in.name.data);
		}
	} while (rc == 0 && in.kind != 'Z');
	demand(rc == 0 || e.code == ERR_CONFIG || e.code == ERR_MEM);
	free(last);
	seen_in_clear(&in);
	fclose(f);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	body(data, size);
	return 0;
}
