/* SPDX-License-Identifier: ISC */
#include "keyend.h"

#include <string.h>
#include <syslog.h>

struct in_force {
	const struct authindex *x;
	const struct keylist *base;
};

/* Whether a line of ours (authgen_line()) ends its command with id. */
static bool
line_is(const char *line, size_t len, const char *id)
{
	const char *quote = memchr(line, '"', len), *end;
	size_t n = strlen(id);

	end = quote != NULL ? memchr(quote + 1, '"', (size_t)(line + len -
	    quote) - 1) : NULL;
	return end != NULL && (size_t)(end - quote) > n + 1 &&
	    end[-(ptrdiff_t)n - 1] == ' ' &&
	    memcmp(end - n, id, n) == 0;
}

static bool
id_has_key(const struct authindex *x, const char *id)
{
	const char *p = x->text, *end = x->text + x->text_len, *nl;

	for (; p < end; p = nl + 1) {
		nl = memchr(p, '\n', (size_t)(end - p));
		if (nl == NULL)
			return false;
		if (line_is(p, (size_t)(nl - p), id))
			return true;
	}
	return false;
}

bool
keyend_keeps(const struct authindex *x, const struct keylist *base,
    const struct session *s)
{
	unsigned char fp[KEYLINE_FP];
	const char *line;
	size_t i, len;

	if (strcmp(s->fp, "-") == 0)
		return id_has_key(x, s->id);
	if (keyline_fp_parse(s->fp, fp, NULL) == -1)
		return false;
	for (i = 0; base != NULL && i < base->n; i++)
		if (memcmp(base->v[i].fp, fp, sizeof(fp)) == 0)
			return true;
	return authindex_find(x, fp, &line, &len, NULL) == 0 &&
	    line != NULL && line_is(line, len, s->id);
}

static bool
keeps(void *arg, const struct session *s)
{
	const struct in_force *f = arg;

	return keyend_keeps(f->x, f->base, s);
}

static void
ended(void *arg, const struct session *s)
{
	(void)arg;
	syslog(LOG_NOTICE, "session %s of %s (%s) ended: its key is not in "
	    "force any more", s->sid, s->id, s->fp);
}

int
keyend_run(const char *dir, const struct authindex *x,
    const struct keylist *base, size_t *ret_n, struct err *e)
{
	struct in_force f = { x, base };

	return sessions_sweep(dir, keeps, ended, &f, ret_n, e);
}
