/* SPDX-License-Identifier: ISC */
#include "keybase.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "authgen.h"
#include "base/buf.h"
#include "sys/file.h"

#define BASE_MAX ((size_t)16 << 20)	/* bytes */

static int
read_lines(const char *path, const struct buf *text, struct keylist *ret,
    keybase_bad_fn *on_bad, void *arg, struct err *e)
{
	const char *p = text->data, *end = p + text->len, *nl;
	struct err why = ERR_INIT;
	char where[4096];
	unsigned n = 0;

	for (; p < end; p = nl + 1) {
		nl = memchr(p, '\n', (size_t)(end - p));
		if (nl == NULL)
			nl = end;
		snprintf(where, sizeof(where), "%s:%u", path, ++n);
		if (authgen_base_line(where, p, (size_t)(nl - p), ret, &why)
		    == 0)
			continue;
		if (why.code != ERR_CONFIG) {
			if (e != NULL)
				*e = why;
			return -1;
		}
		if (on_bad != NULL)
			on_bad(arg, &why);
	}
	return 0;
}

int
keybase_read(const char *path, struct keylist *ret, keybase_bad_fn *on_bad,
    void *arg, struct err *e)
{
	struct err why = ERR_INIT;
	struct buf text;
	int rc = 0;

	if (path == NULL)
		return 0;
	buf_init(&text, BASE_MAX);
	if (file_read(path, &text, &why) == 0) {
		rc = read_lines(path, &text, ret, on_bad, arg, e);
	} else if (why.code != ERR_SYS || why.sys_errno != ENOENT) {
		if (e != NULL)
			*e = why;
		rc = -1;
	}
	buf_clear(&text);
	return rc;
}
