/* SPDX-License-Identifier: ISC */
/*
 * handshake_feed(): whatever the bytes are and however they are cut, what
 * goes on is what came, in order; and once it is over, what went on before
 * ends with the one path that there is.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "handshake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
demand(int ok)
{
	if (!ok)
		abort();
}

/* Returns how many bytes went on. */
static size_t
run(const char *data, size_t size, size_t step, int *ret_over)
{
	static const char end[] = "\0.\0root/\0";	/* and the last NUL */
	struct err e = ERR_INIT;
	struct handshake h;
	size_t i, n, sum;
	struct buf pass;
	bool was;

	handshake_init(&h, NULL, NULL);
	buf_init(&pass, size + HANDSHAKE_MAX);
	for (i = 0; i < size; i += n) {
		n = size - i < step ? size - i : step;
		was = handshake_over(&h);
		if (handshake_feed(&h, data + i, n, &pass, &e) == -1) {
			demand(e.code == ERR_REFUSED && !handshake_over(&h));
			break;
		}
		demand(was || pass.len + h.held.len == i + n);
		if (step == 1 && !was && handshake_over(&h))
			demand(pass.len > sizeof(end) && memcmp(pass.data +
			    pass.len - sizeof(end), end, sizeof(end)) == 0);
	}
	demand(pass.len <= size && memcmp(pass.data, data, pass.len) == 0);
	*ret_over = handshake_over(&h);
	sum = pass.len;
	handshake_clear(&h);
	buf_clear(&pass);
	return sum;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	int a, b;

	demand(run(text, size, 1, &a) == run(text, size, 37, &b) || !a);
	demand(a == b);
	return 0;
}
