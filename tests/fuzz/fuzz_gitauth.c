/* SPDX-License-Identifier: ISC */
/* gitauth: what sshd tells of a session gives a fingerprint or a dash, and
 * what stands behind it in the file counts, so that nothing of a dash's line
 * is left. */
#include "gitauth.h"
#include "keyline.h"
#include "retell.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char fp[GITWIRE_FP] = "?", again[GITWIRE_FP];
	unsigned char raw[KEYLINE_FP];
	struct err e = ERR_INIT;
	struct buf text;
	bool cert;

	cert = gitauth_fp((const char *)data, size, fp);
	if (strcmp(fp, "-") == 0)
		demand(!cert);
	else
		demand(keyline_fp_parse(fp, raw, &e) == 0);
	/* A method that has no key changes nothing. */
	buf_init(&text, size + 64);
	demand(buf_add(&text, (const char *)data, size) == 0);
	demand(buf_adds(&text, "\npassword\n") == 0);
	demand(gitauth_fp(text.data, text.len, again) == cert);
	demand(strcmp(fp, again) == 0);
	buf_clear(&text);
	return 0;
}
