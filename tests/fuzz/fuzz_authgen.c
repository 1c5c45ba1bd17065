/* SPDX-License-Identifier: ISC */
/* authgen: a base that is taken is in front of the file byte by byte, and the
 * file is read again with its keys and those that were added. */
#include "authgen.h"
#include "retell.h"

#define KEY "AAAAC3NzaC1lZDI1NTE5AAAAIGzI0o4uvbweCNJh1oSFUqO+qTB4Iy2pGK0M" \
	"YZP5Jzoh"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char line[] = "ssh-ed25519 " KEY;
	struct keylist base = { 0 }, ours = { 0 }, again = { 0 };
	const char *s = (const char *)data;
	struct err e = ERR_INIT;
	struct keyline k;
	struct buf out;

	buf_init(&out, size + 4096);
	if (authgen_base("base", s, size, &base, &e) == -1) {
		demand(e.code == ERR_CONFIG && strncmp(e.msg, "base:", 5)
		    == 0);
		goto out;
	}
	demand(keyline_parse(line, strlen(line), &k, &e) == 0);
	demand(keylist_add(&ours, "alice", &k, "", &e) == 0);
	demand(authgen_text("/x/proxy", s, size, "gl", 1, &ours, &out, &e) ==
	    0);
	demand(memcmp(out.data, s, size) == 0);
	demand(authgen_base("base", out.data, out.len, &again, &e) == 0);
	demand(again.n == base.n + 1);
	demand(memcmp(again.v[base.n].fp, k.fp, KEYLINE_FP) == 0);
out:
	keylist_clear(&base);
	keylist_clear(&ours);
	keylist_clear(&again);
	buf_clear(&out);
	return 0;
}
