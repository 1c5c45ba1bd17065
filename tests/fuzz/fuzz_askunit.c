/* SPDX-License-Identifier: ISC */
/* askunit: what is accepted names a disk, and both texts end within their
 * fields. */
#include "askunit.h"
#include "retell.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = ERR_INIT;
	struct askunit u;

	if (askunit_parse((const char *)data, size, &u, &e) == -1) {
		demand(e.code == ERR_PEER);
		return 0;
	}
	demand(u.device[0] == '/' && u.name[0] != '\0');
	demand(strnlen(u.name, sizeof(u.name)) < sizeof(u.name));
	demand(strnlen(u.device, sizeof(u.device)) < sizeof(u.device));
	return 0;
}
