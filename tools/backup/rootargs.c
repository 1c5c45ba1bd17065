/* SPDX-License-Identifier: ISC */
#include "rootargs.h"

#include <stdlib.h>
#include <string.h>

int
rootargs_make(const struct strv *roots, struct strv *ret, struct err *e)
{
	struct strv made = { 0 };
	size_t i;
	char *s;
	int rc = 0;

	for (i = 0; rc == 0 && i < roots->n; i++) {
		rc = strv_addf(&made, ROOTARGS_MODULE "%s", roots->v[i]);
		if (rc != 0)
			break;
		for (s = made.v[i]; (s = strpbrk(s, ROOTARGS_ODD)) != NULL;)
			*s++ = '?';
		if (!strv_has(ret, made.v[i]))
			rc = strv_add(ret, made.v[i]);
	}
	strv_clear(&made);
	return rc == 0 ? 0 : err_set(e, ERR_MEM, "out of memory");
}
