/* SPDX-License-Identifier: ISC */
/* vcsa: no more rows than its head says, each printable and without a blank at
 * its end. */
#include "retell.h"
#include "vcsa.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	size_t rows, columns, n;
};

static void
line(void *arg, const char *text)
{
	struct seen *s = arg;
	size_t len = strlen(text), i;

	demand(++s->n <= s->rows && len <= s->columns);
	demand(len == 0 || text[len - 1] != ' ');
	for (i = 0; i < len; i++)
		demand(text[i] >= ' ' && text[i] <= '~');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seen s = { .n = 0 };
	struct err e = ERR_INIT;

	if (size >= 2) {
		s.rows = data[0];
		s.columns = data[1];
	}
	if (vcsa_parse(data, size, line, &s, &e) == -1)
		demand(e.code == ERR_PEER && s.n == 0);
	return 0;
}
