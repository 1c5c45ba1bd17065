/* SPDX-License-Identifier: ISC */
/* keyline: what is taken is a line of sshd's with the same key, without
 * options; its parts alone, with one space between, are the same key again. */
#include "keyline.h"
#include "retell.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data, *p;
	char fp[KEYLINE_FP_TEXT], line[KEYLINE_MAX + 2];
	unsigned char raw[KEYLINE_FP];
	struct authkeys_line sshd;
	struct err e = ERR_INIT;
	struct keyline k, again;
	int n;

	if (keyline_parse(text, size, &k, &e) == -1) {
		demand(e.code == ERR_CONFIG);
		for (p = e.msg; *p != '\0'; p++)
			demand((unsigned char)*p >= 0x20);
		return 0;
	}
	demand(k.line.options.len == 0 && size <= KEYLINE_MAX + 2);
	demand(authkeys_find(text, size, &k.line, &sshd));
	n = snprintf(line, sizeof(line), "%.*s %.*s", (int)k.line.type.len,
	    k.line.type.p, (int)k.line.key.len, k.line.key.p);
	demand(n > 0 && (size_t)n <= size);
	demand(keyline_parse(line, (size_t)n, &again, &e) == 0);
	demand(memcmp(again.fp, k.fp, sizeof(k.fp)) == 0);
	demand(again.line.comment.len == 0);
	keyline_fp_text(k.fp, fp);
	demand(keyline_fp_parse(fp, raw, &e) == 0);
	demand(memcmp(raw, k.fp, sizeof(raw)) == 0);
	return 0;
}
