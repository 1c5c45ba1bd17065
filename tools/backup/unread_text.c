/* SPDX-License-Identifier: ISC */
#include "unread.h"

#include <stdint.h>
#include <string.h>

#include "base/num.h"
#include "proc/msgtext.h"

/* A struct unread as a file: from the gate of a one-time sshd to the client. */

static const char n_vanished[] = "n-vanished", n_changed[] = "n-changed";

int
unread_emit(const struct unread *u, struct buf *out, struct err *e)
{
	const struct { const char *key; const struct strv *names; } kinds[] = {
		{ "late", &u->files }, { "vanished", &u->vanished },
		{ "changed", &u->changed } };
	size_t i, n;
	int rc;

	rc = msgtext_add_num(out, n_vanished, u->n_vanished);
	rc |= msgtext_add_num(out, n_changed, u->n_changed);
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		for (n = 0; n < kinds[i].names->n; n++)
			rc |= msgtext_add(out, kinds[i].key,
			    kinds[i].names->v[n]);
	return rc == 0 ? 0 : err_set(e, ERR_MEM, "out of memory");
}

static int
on_line(void *arg, const char *key, const char *value, size_t len,
    struct err *e)
{
	struct unread *u = arg;
	uint64_t n;

	if (strcmp(key, n_vanished) == 0 || strcmp(key, n_changed) == 0) {
		if (num_u64(value, key, 0, UINT32_MAX, &n, e) == -1)
			return -1;
		*(strcmp(key, n_vanished) == 0 ? &u->n_vanished :
		    &u->n_changed) = (size_t)n;
		return 0;
	}
	return strv_add(strcmp(key, "late") == 0 ? &u->files :
	    strcmp(key, "vanished") == 0 ? &u->vanished : &u->changed,
	    value) == 0 ? 0 : err_set(e, ERR_MEM, "out of memory");
}

int
unread_parse(const char *text, size_t len, struct unread *u, struct err *e)
{
	*u = (struct unread){ .files = { .max = UNREAD_MAX },
		.vanished = { .max = UNREAD_MAX },
		.changed = { .max = UNREAD_MAX } };
	if (msgtext_parse(text, len, on_line, u, e) == 0)
		return 0;
	unread_clear(u);
	return -1;
}
