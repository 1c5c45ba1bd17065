/* SPDX-License-Identifier: ISC */
/*
 * authindex: no byte outside of the file is read, whatever it says; what is
 * found lies in it and is a line of the key that was asked for; what verifies
 * finds each of its keys.
 */
#include "authindex.h"
#include "retell.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
find(const struct authindex *x, const unsigned char *fp, int must)
{
	struct authkeys_line line;
	struct err e = ERR_INIT;
	const char *s = NULL;
	struct keyline k;
	size_t n = 0;

	if (authindex_find(x, fp, &s, &n, &e) == -1) {
		demand(e.code == ERR_CONFIG && !must);
		return;
	}
	demand(s != NULL || !must);
	if (s == NULL)
		return;
	demand(s >= x->text && s + n < x->text + x->text_len);
	demand(authkeys_parse(s, n, &line, &e) == 0);
	demand(keyline_of(&line, &k, &e) == 0);
	demand(memcmp(k.fp, fp, KEYLINE_FP) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned char fp[KEYLINE_FP];
	struct err e = ERR_INIT;
	struct authindex x;
	uint32_t i;
	int good;

	if (authindex_parse(data, size, &x, &e) == -1) {
		demand(e.code == ERR_CONFIG);
		return 0;
	}
	demand(x.text + x.text_len == (const char *)data + size);
	good = authindex_verify(&x, &e) == 0;
	for (i = 0; i < x.count; i++) {
		memcpy(fp, x.entries + (size_t)i * 40, sizeof(fp));
		find(&x, fp, good);
		fp[0] ^= 0x80;
		find(&x, fp, 0);
	}
	return 0;
}
