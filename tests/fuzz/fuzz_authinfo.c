/* SPDX-License-Identifier: ISC */
/* authinfo: what is accepted has a fingerprint of its whole length, and the
 * same without what follows its line. */
#include "authinfo.h"
#include "retell.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char fp[AUTHINFO_FP], again[AUTHINFO_FP];
	struct err e = ERR_INIT;
	struct buf b;

	if (authinfo_parse((const char *)data, size, fp, &e) == -1) {
		demand(e.code == ERR_PEER);
		return 0;
	}
	demand(strlen(fp) == AUTHINFO_FP - 1);
	demand(strncmp(fp, "SHA256:", 7) == 0);
	buf_init(&b, size + 16);
	demand(buf_add(&b, data, size) == 0 && buf_adds(&b, "\nmore\n") == 0);
	demand(authinfo_parse(b.data, b.len, again, &e) == 0);
	demand(strcmp(fp, again) == 0);
	buf_clear(&b);
	return 0;
}
