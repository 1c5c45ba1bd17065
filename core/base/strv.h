/* SPDX-License-Identifier: ISC */
/*
 * strv: a NULL-terminated vector of owned strings, in the shape of argv, with
 * a cap on its count. strv.v may be passed to execv() as it is.
 */
#ifndef POSTERN_STRV_H
#define POSTERN_STRV_H

#include <stdbool.h>
#include <stddef.h>

struct strv {
	char **v;		/* owned, v[n] == NULL; NULL while n == 0 */
	size_t n;
	size_t cap;
	size_t max;		/* 0: 65536 */
};

/* strv_clear(): free everything. Legal on a zeroed struct, which is also a
 * valid empty vector: there is no strv_init(). */
void strv_clear(struct strv *s);

/* Append a copy of s, a format, or each word of a NULL-ended list.
 * 0, or -1 when memory is out or max is reached. */
int strv_add(struct strv *s, const char *word);
int strv_addf(struct strv *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
int strv_addv(struct strv *s, char *const *words);

/* strv_has(): whether word is in s (byte equality). */
bool strv_has(const struct strv *s, const char *word);

#endif
