/* SPDX-License-Identifier: ISC */
/* The part of rules.h that is for the kernel. */
#include "grants.h"
#include "plain.h"
#include "rules.h"

/* A literal exclude; one with a '/' at its end is about a folder. */
static int
add_exclude(struct buf *out, const char *x, struct err *e)
{
	char path[PLAIN_MAX + 1];
	size_t n = strlen(x);
	bool folder = x[n - 1] == '/';

	n -= folder ? 1 : 0;
	memcpy(path, x, n);
	path[n] = '\0';
	return grants_add(out, folder ? 'd' : 'x', path, e);
}

/* 'r' is not for a folder that something is hidden in; it is listed, too. */
static int
add_lists(const struct rules *r, bool direct, struct buf *out, struct err *e)
{
	size_t i;
	int rc = 0;

	if (!direct)
		return grants_add(out, 'l', "/", e);
	for (i = 0; rc == 0 && i < r->roots->n; i++)
		rc = grants_add(out, 'l', r->roots->v[i], e);
	return rc;
}

int
rules_grants(const struct rules *r, bool direct, struct buf *out,
    struct err *e)
{
	bool all = strv_has(r->roots, "/");
	size_t i, start = out->len;
	int rc = rules_check(r, e);

	for (i = 0; rc == 0 && i < r->roots->n; i++)
		rc = grants_add(out, 'r', r->roots->v[i], e);
	for (i = 0; rc == 0 && i < r->excludes->n; i++)
		if (rules_literal(r->excludes->v[i]))
			rc = add_exclude(out, r->excludes->v[i], e);
	for (i = 0; rc == 0 && all && rules_unreal[i] != NULL; i++)
		if (!strv_has(r->roots, rules_unreal[i]))
			rc = grants_add(out, 'x', rules_unreal[i], e);
	if (rc == 0)
		rc = add_lists(r, direct, out, e);
	if (rc == 0)
		return 0;
	out->len = start;
	if (out->cap > 0)
		out->data[start] = '\0';
	return -1;
}
