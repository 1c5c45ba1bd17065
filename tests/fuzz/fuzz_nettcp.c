/* SPDX-License-Identifier: ISC */
/* nettcp: a row that is accepted says the same when written out again. */
#include <inttypes.h>

#include "proc/nettcp.h"

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
	struct nettcp t = { .uid = 7 }, again;
	char text[256], *s;

	s = malloc(len + 1);
	if (s == NULL)
		return 0;
	if (len > 0)
		memcpy(s, data, len);
	s[len] = '\0';

	if (nettcp_parse(s, &t) == -1) {
		promise(t.uid == 7);
		goto out;
	}
	promise(t.state <= 0xff);
	snprintf(text, sizeof(text), "%4d: %08X:%04X %08X:%04X %02X %08X:%08X "
	    "%02X:%08X %08X %5u %8d %" PRIu64 " 1\n", 3,
	    (unsigned)t.local_addr.s_addr, t.local_port,
	    (unsigned)t.remote_addr.s_addr, t.remote_port, t.state, 0, 0, 0, 0,
	    0, (unsigned)t.uid, 0, t.inode);
	promise(nettcp_parse(text, &again) == 0);
	promise(again.local_addr.s_addr == t.local_addr.s_addr &&
	    again.remote_addr.s_addr == t.remote_addr.s_addr &&
	    again.local_port == t.local_port &&
	    again.remote_port == t.remote_port && again.state == t.state &&
	    again.uid == t.uid && again.inode == t.inode);
out:
	free(s);
	return 0;
}
