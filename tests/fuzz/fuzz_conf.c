/* SPDX-License-Identifier: ISC */
/*
 * conf_parse(): whatever the bytes are, it returns, its error has a place and
 * one line, and what it hands over is within the limits that it promises.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ui/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct conf_key keys[] = {
	{ "", "user", 1 },
	{ "", "host", 2, true },
	{ "map", "*", 3 },
	{ "*", "jobs", 4 },
	{ 0 },
};

struct seen {
	const uint8_t *data;
	size_t size, values;
};

static void
demand(int ok)
{
	if (!ok)
		abort();
}

static int
take(void *arg, int id, const char *section, const char *key,
	const char *value, const char *at, struct err *e)
{
	struct seen *s = arg;
	size_t len;

	(void)e;
	s->values++;
	demand(value != NULL);
	len = strlen(value);
	demand(id >= 1 && id <= 4);
	demand(strlen(section) < 50 && strlen(key) < 50 && *key != '\0');
	demand(strncmp(at, "f:", 2) == 0);
	/* Nothing was made up: the value stands in the text as it is. */
	demand(len == 0 || memmem(s->data, s->size, value, len) != NULL);
	demand(memchr(value, '\n', len) == NULL);
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seen s = { data, size, 0 };
	struct err e = ERR_INIT;

	if (conf_parse((const char *)data, size, "f", keys, take, &s,
	    &e) == -1) {
		demand(e.code == ERR_CONFIG);
		demand(strncmp(e.msg, "f:", 2) == 0);
		demand(strchr(e.msg, '\n') == NULL);
		return 0;
	}
	/* A line of text gives a value, or it is blank, a comment or a
	 * section: accepted text with '=' at hand has values. */
	demand(e.code == ERR_NONE);
	demand(s.values > 0 || size == 0 || memchr(data, '=', size) == NULL ||
	    memchr(data, '#', size) != NULL ||
	    memchr(data, ';', size) != NULL ||
	    memchr(data, '[', size) != NULL);
	return 0;
}
