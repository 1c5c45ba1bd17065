/* SPDX-License-Identifier: ISC */
/* bootline, bootcmd: a line that is read can be said again and is read the same;
 * a command has one way to be written, as ssh's or as a line. */
#include "bootcmd.h"
#include "bootline.h"
#include "retell.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
again(const char *text, size_t len, struct buf *out, struct err *e)
{
	char *copy = strndup(text, len);
	struct bootline l;
	size_t n;
	int rc;

	demand(copy != NULL);
	n = strlen(copy);
	if (n > 0 && copy[n - 1] == '\n')
		copy[n - 1] = '\0';
	rc = bootline_parse(copy, &l, e);
	free(copy);
	return rc == 0 ? bootline_emit(&l, out) : -1;
}

/* As it comes by a session's standard input. */
static void
session(const uint8_t *data, size_t size)
{
	char *line = malloc(size + 1);
	struct err e = ERR_INIT;
	struct bootcmd c;
	struct buf b;

	demand(line != NULL);
	memcpy(line, data, size);
	if (bootcmd_line(line, size, &c, &e) == -1) {
		demand(e.code == ERR_REFUSED);
	} else {
		buf_init(&b, 1024);
		demand(bootcmd_emit(&c, &b) == 0);
		demand(buf_addc(&b, '\n') == 0);
		demand(b.len == size && memcmp(b.data, data, size) == 0);
		buf_clear(&b);
	}
	free(line);
}

static void
command(const char *text)
{
	struct err e = ERR_INIT;
	struct bootcmd c;
	struct buf b;

	if (bootcmd_parse(text, &c, &e) == -1) {
		demand(e.code == ERR_REFUSED);
		return;
	}
	buf_init(&b, 1024);
	demand(bootcmd_emit(&c, &b) == 0);
	demand(strcmp(b.data, text) == 0);
	buf_clear(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);

	demand(text != NULL);
	command(text);
	free(text);
	session(data, size);
	return retell(again, data, size);
}
