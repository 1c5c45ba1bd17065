/* SPDX-License-Identifier: ISC */
/* askfile: what is accepted names a process and a socket, and every text in it
 * ends within its field. */
#include <sys/types.h>

#include "askfile.h"
#include "retell.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = ERR_INIT;
	struct askfile a;
	const char *device;

	if (askfile_parse((const char *)data, size, &a, &e) == -1) {
		demand(e.code == ERR_PEER);
		return 0;
	}
	demand(a.pid > 1 && a.socket[0] == '/');
	demand(strnlen(a.socket, sizeof(a.socket)) < sizeof(a.socket));
	demand(strnlen(a.id, sizeof(a.id)) < sizeof(a.id));
	demand(strnlen(a.message, sizeof(a.message)) < sizeof(a.message));
	device = askfile_device(&a);
	demand(device == NULL || device[0] == '/');
	return 0;
}
