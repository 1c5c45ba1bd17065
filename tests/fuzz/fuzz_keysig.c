/* SPDX-License-Identifier: ISC */
/* keysig: a signature is found the same whatever came behind it, is not found
 * before its last byte is there, and what is refused stays so. */
#include "keysig.h"
#include "retell.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *s = (const char *)data;
	size_t i, len = 0, again = 0;
	struct err e = ERR_INIT;
	int rc, before = 0;

	rc = keysig_find(s, size, &len, &e);
	demand(rc == 0 || e.code == ERR_PEER);
	demand(rc == -1 || len <= size);
	if (size > 4096)
		return 0;
	for (i = 0; i < size; i++) {
		if (keysig_find(s, i, &again, &e) == -1) {
			before = -1;
			continue;
		}
		demand(before == 0);
		demand(again == 0 || (rc == 0 && again == len && i >= len));
	}
	demand(rc == -1 || before == 0);
	return 0;
}
