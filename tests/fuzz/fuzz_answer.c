/* SPDX-License-Identifier: ISC */
/* What a receiver's csync2 answers: any bytes, in one piece and in many. What
 * is kept of it is one printable line, however it was cut. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct answer whole = { 0 }, pieces = { 0 };
	size_t i, step;
	const char *p;

	answer_feed(&whole, (const char *)data, size);
	for (i = 0; i < size; i += step) {
		step = 1 + i % 7;
		if (step > size - i)
			step = size - i;
		answer_feed(&pieces, (const char *)data + i, step);
	}
	if (memchr(whole.last, '\0', sizeof(whole.last)) == NULL ||
	    strcmp(whole.last, pieces.last) != 0)
		abort();
	for (p = whole.last; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			abort();
	return 0;
}
