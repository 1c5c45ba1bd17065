/* SPDX-License-Identifier: ISC */
#include "keybase.h"

#include <errno.h>

#include "authgen.h"
#include "base/buf.h"
#include "sys/file.h"

#define BASE_MAX ((size_t)16 << 20)	/* bytes */

int
keybase_read(const char *path, struct keylist *ret, struct err *e)
{
	struct err why = ERR_INIT;
	struct buf text;
	int rc = 0;

	if (path == NULL)
		return 0;
	buf_init(&text, BASE_MAX);
	if (file_read(path, &text, &why) == 0) {
		rc = authgen_base(path, text.data, text.len, ret, e);
	} else if (why.code != ERR_SYS || why.sys_errno != ENOENT) {
		if (e != NULL)
			*e = why;
		rc = -1;
	}
	buf_clear(&text);
	return rc;
}
