/* SPDX-License-Identifier: ISC */
/* The stream of a host's files: any bytes, in one piece and in many. */
#include <stdint.h>
#include <stdlib.h>

#include "manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
count(void *arg, const struct manifest_delta *d)
{
	(void)d;
	++*(size_t *)arg;
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct manifest_root root = { "/here", "/srv" };
	const struct manifest_rules all = { 0 };
	struct manifest a, b;
	struct err e = ERR_INIT;
	size_t i, step, deltas = 0;
	int ra, rb = 0;

	manifest_init(&a);
	manifest_init(&b);
	ra = manifest_feed(&a, (const char *)data, size, &e);
	for (i = 0; i < size && rb == 0; i += step) {
		step = 1 + i % 7;
		if (step > size - i)
			step = size - i;
		rb = manifest_feed(&b, (const char *)data + i, step, &e);
	}
	if (ra != rb)
		abort();	/* how it was cut must not matter */
	if (ra == 0 && manifest_end(&a, &e) == 0 &&
	    manifest_end(&b, &e) == 0) {
		manifest_diff(&a, &b, &all, count, &deltas);
		if (a.n != b.n)
			abort();
		manifest_map(&b, &root, 1, &e);
		manifest_diff(&a, &b, &all, count, &deltas);
	}
	manifest_clear(&a);
	manifest_clear(&b);
	return 0;
}
