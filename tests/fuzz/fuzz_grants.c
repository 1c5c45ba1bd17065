/* SPDX-License-Identifier: ISC */
/*
 * grants_parse(): whatever the bytes are, each path that it hands over is
 * absolute and stays where it points, and grants_add() writes it so that it is
 * read again.
 */
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "grants.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
demand(int ok)
{
	if (!ok)
		abort();
}

static int
same(void *arg, char letter, const char *path, struct err *e)
{
	const char *want = arg;

	(void)e;
	demand(letter == want[0] && strcmp(path, want + 1) == 0);
	return 0;
}

static int
take(void *arg, char letter, const char *path, struct err *e)
{
	char want[PATH_MAX + 1];
	struct buf line;

	(void)arg;
	demand(memchr("rlxd", letter, 4) != NULL);
	demand(path[0] == '/' && strlen(path) < PATH_MAX);
	demand(strstr(path, "//") == NULL && strstr(path, "/../") == NULL);
	want[0] = letter;
	memcpy(want + 1, path, strlen(path) + 1);
	buf_init(&line, 5 * PATH_MAX);
	demand(grants_add(&line, letter, path, e) == 0);
	demand(grants_parse(line.data, line.len, same, want, e) == 0);
	buf_clear(&line);
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = ERR_INIT;

	if (grants_parse((const char *)data, size, take, NULL, &e) == -1)
		demand(e.code == ERR_CONFIG && strncmp(e.msg, "line ", 5) == 0);
	return 0;
}
