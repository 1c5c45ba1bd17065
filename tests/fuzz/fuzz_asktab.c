/* SPDX-License-Identifier: ISC */
/* asktab: what is accepted names a disk, and both texts end within their
 * fields. */
#include "asktab.h"
#include "retell.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = ERR_INIT;
	struct asktab t;

	if (asktab_parse((const char *)data, size, &t, &e) == -1) {
		demand(e.code == ERR_PEER);
		return 0;
	}
	demand(t.device[0] == '/' && t.name[0] != '\0' && t.name[0] != '#');
	demand(strnlen(t.name, sizeof(t.name)) < sizeof(t.name));
	demand(strnlen(t.device, sizeof(t.device)) < sizeof(t.device));
	return 0;
}
