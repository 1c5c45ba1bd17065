/* SPDX-License-Identifier: ISC */
/* rdluks: a disk that is known has a UUID; the first line of the input is the
 * name, the rest the command line. */
#include "rdluks.h"
#include "retell.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size), *name = text, *line;
	char uuid[LUKSHDR_UUID];

	demand(text != NULL);
	line = strchr(text, '\n');
	if (line != NULL) {
		*line++ = '\0';
		if (rdluks_uuid(line, name, uuid) == 0) {
			demand(lukshdr_uuid(uuid));
			(void)rdluks_discards(line, uuid);
		}
		/* No command line says that of no disk, but for all. */
		if (strstr(line, "allow-discards") == NULL)
			demand(!rdluks_discards(line, name));
	}
	free(text);
	return 0;
}
