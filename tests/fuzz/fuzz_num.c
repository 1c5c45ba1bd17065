/* SPDX-License-Identifier: ISC */
/* num: what is accepted is in range, and says the same when written out. */
#include <inttypes.h>

#include "base/num.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
promise(int kept)
{
	if (!kept)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint64_t n = 7, again;
	struct err e = ERR_INIT;
	char text[64], *s;

	s = malloc(len + 1);
	if (s == NULL)
		return 0;
	if (len > 0)
		memcpy(s, data, len);
	s[len] = '\0';

	if (num_u64(s, "x", 3, 1000, &n, &e) == 0)
		promise(n >= 3 && n <= 1000 && strtoull(s, NULL, 10) == n);
	else
		promise(n == 7 && e.code == ERR_USAGE);
	n = 7;
	if (num_duration_ms(s, "x", &n, &e) == 0) {
		promise(n <= 366ull * 86400 * 1000);
		snprintf(text, sizeof(text), "%" PRIu64 "ms", n);
		promise(num_duration_ms(text, "x", &again, &e) == 0);
		promise(again == n);
	} else {
		promise(n == 7 && e.code == ERR_USAGE);
	}
	n = 7;
	if (num_size(s, "x", &n, &e) == 0) {
		snprintf(text, sizeof(text), "%" PRIu64, n);
		promise(num_size(text, "x", &again, &e) == 0 && again == n);
	} else {
		promise(n == 7 && e.code == ERR_USAGE);
	}
	free(s);
	return 0;
}
