/* SPDX-License-Identifier: ISC */
#include "base/strv.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STRV_MAX 65536

void
strv_clear(struct strv *s)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		free(s->v[i]);
	free(s->v);
	*s = (struct strv){ .max = s->max };
}

/* Takes word, also when it fails. */
static int
take(struct strv *s, char *word)
{
	size_t max = s->max > 0 ? s->max : STRV_MAX;
	size_t cap;
	char **v;

	if (word == NULL || s->n >= max)
		goto fail;
	if (s->n + 2 > s->cap) {
		cap = s->cap > 0 ? s->cap * 2 : 8;
		v = realloc(s->v, cap * sizeof(*v));
		if (v == NULL)
			goto fail;
		s->v = v;
		s->cap = cap;
	}
	s->v[s->n++] = word;
	s->v[s->n] = NULL;
	return 0;
fail:
	free(word);
	return -1;
}

int
strv_add(struct strv *s, const char *word)
{
	return take(s, strdup(word));
}

int
strv_addf(struct strv *s, const char *fmt, ...)
{
	char *word = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&word, fmt, ap);
	va_end(ap);
	return take(s, n < 0 ? NULL : word);
}

int
strv_addv(struct strv *s, char *const *words)
{
	for (; *words != NULL; words++)
		if (strv_add(s, *words) == -1)
			return -1;
	return 0;
}

bool
strv_has(const struct strv *s, const char *word)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (strcmp(s->v[i], word) == 0)
			return true;
	return false;
}
