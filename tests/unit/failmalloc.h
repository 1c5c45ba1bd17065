/* SPDX-License-Identifier: ISC */
/*
 * failmalloc: make the n-th allocation from now on fail, once. For a test
 * that is linked with failmalloc_dep (tests/unit/base/meson.build), which
 * wraps the allocating functions that our own code calls; libc's calls within
 * itself and other shared libraries stay as they are. One inclusion a test
 * program. To walk through every allocation of a function:
 *
 *	for (n = 1;; n++) {
 *		failmalloc_arm(n);
 *		rc = f(...);
 *		if (!failmalloc_disarm())
 *			break;			it made fewer than n
 *		assert_int_equal(rc, -1);	and what f must keep to
 *	}
 *	assert_true(n > 1);			it made some at all
 */
#ifndef POSTERN_FAILMALLOC_H
#define POSTERN_FAILMALLOC_H

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

static unsigned long failmalloc_left;	/* 0: not armed */
static bool failmalloc_failed;

static inline void
failmalloc_arm(unsigned long n)
{
	failmalloc_left = n;
	failmalloc_failed = false;
}

/* Whether an allocation was made to fail since failmalloc_arm(). */
static inline bool
failmalloc_disarm(void)
{
	failmalloc_left = 0;
	return failmalloc_failed;
}

static inline bool
failmalloc_now(void)
{
	if (failmalloc_left == 0 || --failmalloc_left > 0)
		return false;
	failmalloc_failed = true;
	errno = ENOMEM;
	return true;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__real_reallocarray(void *p, size_t n, size_t size);
char *__real_strdup(const char *s);
char *__real_strndup(const char *s, size_t n);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t n);
int __wrap_vasprintf(char **ret, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));
int __wrap___vasprintf_chk(char **ret, int flag, const char *fmt, va_list ap)
	__attribute__((format(printf, 3, 0)));

void *
__wrap_malloc(size_t size)
{
	return failmalloc_now() ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return failmalloc_now() ? NULL : __real_calloc(n, size);
}

void *
__wrap_realloc(void *p, size_t size)
{
	return failmalloc_now() ? NULL : __real_realloc(p, size);
}

void *
__wrap_reallocarray(void *p, size_t n, size_t size)
{
	return failmalloc_now() ? NULL : __real_reallocarray(p, n, size);
}

char *
__wrap_strdup(const char *s)
{
	return failmalloc_now() ? NULL : __real_strdup(s);
}

char *
__wrap_strndup(const char *s, size_t n)
{
	return failmalloc_now() ? NULL : __real_strndup(s, n);
}

/* Fortified or not, both end here: by vsnprintf, so that it doesn't matter
 * which of the two this libc has. */
int
__wrap_vasprintf(char **ret, const char *fmt, va_list ap)
{
	va_list again;
	char *p;
	int n;

	if (failmalloc_now())
		return -1;
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0 || (p = __real_malloc((size_t)n + 1)) == NULL)
		return -1;
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	*ret = p;
	return n;
}

int
__wrap___vasprintf_chk(char **ret, int flag, const char *fmt, va_list ap)
{
	return __wrap_vasprintf(ret, fmt, ap);
}

#endif
