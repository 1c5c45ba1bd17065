/* SPDX-License-Identifier: ISC */
/* muxmsg: what a master says, as it comes: each message lies within what
 * there is, and none is seen before it is whole. */
#include "muxmsg.h"
#include "retell.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct muxmsg m, part;
	struct err e = ERR_INIT;

	while (muxmsg_next(data, size, &m, &e) == 0) {
		if (m.kind == MUXMSG_MORE) {
			demand(m.len == 0);
			return 0;
		}
		demand(m.len >= 8 && m.len <= size && m.len <= MUXMSG_MAX);
		demand(muxmsg_next(data, m.len - 1, &part, &e) == 0);
		demand(part.kind == MUXMSG_MORE);
		data += m.len;
		size -= m.len;
	}
	demand(e.code == ERR_PEER);
	return 0;
}
