/* SPDX-License-Identifier: ISC */
/* Each allocation of a parse fails once: ERR_MEM each time, nothing lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "cfg.h"

static unsigned long fail_at, count;	/* 0: none fails */

static bool
fails(void)
{
	return ++count == fail_at;
}

#define WRAP(ret, name, params, args)					\
	ret __real_##name params;					\
	ret __wrap_##name params;					\
	ret __wrap_##name params					\
	{								\
		return fails() ? NULL : __real_##name args;		\
	}

WRAP(void *, malloc, (size_t n), (n))
WRAP(void *, calloc, (size_t n, size_t size), (n, size))
WRAP(void *, realloc, (void *p, size_t n), (p, n))
WRAP(void *, reallocarray, (void *p, size_t n, size_t size), (p, n, size))
WRAP(char *, strdup, (const char *s), (s))
WRAP(char *, strndup, (const char *s, size_t n), (s, n))

int __real_vasprintf(char **ret, const char *fmt, va_list ap);
int __wrap_vasprintf(char **ret, const char *fmt, va_list ap);
int __wrap_asprintf(char **ret, const char *fmt, ...);

int
__wrap_vasprintf(char **ret, const char *fmt, va_list ap)
{
	return fails() ? -1 : __real_vasprintf(ret, fmt, ap);
}

int
__wrap_asprintf(char **ret, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = fails() ? -1 : __real_vasprintf(ret, fmt, ap);
	va_end(ap);
	return n;
}

static int
load(void *arg, const char *name, struct buf *out, struct err *e)
{
	const char *text = strcmp(name, "inc") == 0 ? "host h1 h2@x" : arg;

	return buf_adds(out, text) == -1 ?
		err_set(e, ERR_MEM, "out of memory") : 0;
}

#define TEXT \
	"nossl a b; database d; tempdir /t; lock-timeout 5; ignore uid;\n" \
	"group {\n" \
	"	config inc; (h3);\n" \
	"	include /x/*/a %p%/y; exclude *.d; key k; auto left;\n" \
	"	backup-directory /b; backup-generations 7;\n" \
	"	action { pattern a b; exec c d; logfile /l; do-local; }\n" \
	"}\n" \
	"group { host h1; key k; }\n" \
	"prefix p { on h1: /one; on *: /two; }\n"

static int
whole(struct cfg *c, struct err *e, struct buf *out,
	struct strv *roots)
{
	static char good[] = TEXT;
	const struct cfg_group *g[1];

	if (cfg_parse("x", "h1", load, good, c, e) == -1)
		return -1;
	g[0] = &c->groups[0];
	if (cfg_key_path(g[0], "/s", out, e) == -1 ||
		cfg_expand(c, "%p%/a", "h1", out, e) == -1 ||
		cfg_path("/s", NULL, NULL, out, e) == -1 ||
		cfg_roots(c, g[0], "h1", roots, e) == -1)
		return -1;
	return cfg_emit_pipe(c, g, 1, "h1", "h2", out, e);
}

static void
cfg_survives_the_failure_of_each_allocation(void **state)
{
	unsigned long n = 0;
	int rc = -1;

	(void)state;
	while (rc == -1) {
		struct cfg c = { 0 };
		struct err e = ERR_INIT;
		struct strv roots = { 0 };
		struct buf out;

		buf_init(&out, 1 << 16);
		count = 0;
		fail_at = ++n;
		rc = whole(&c, &e, &out, &roots);
		fail_at = 0;
		if (rc == -1 && e.code != ERR_MEM)
			assert_string_equal(e.msg, "");
		strv_clear(&roots);
		buf_clear(&out);
		cfg_clear(&c);
	}
	/* Otherwise nothing was wrapped. */
	assert_true(n > 50);
}

static void
cfg_match_without_memory_errs_towards_a_match(void **state)
{
	struct cfg c = { 0 };
	struct err e = ERR_INIT;
	static char s[] = "group g { host h1; key k; include %p%/a/b; }"
		" prefix p { on h1: /one; }";

	(void)state;
	assert_int_equal(cfg_parse("x", "h1", load, s, &c, &e), 0);
	assert_false(cfg_match(&c, &c.groups[0], "h1", "/one/c"));
	count = 0;
	fail_at = 1;
	assert_true(cfg_match(&c, &c.groups[0], "h1", "/one/c"));
	count = 0;
	fail_at = 1;
	assert_true(cfg_enter(&c, &c.groups[0], "h1", "/one/c"));
	fail_at = 0;
	cfg_clear(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cfg_survives_the_failure_of_each_allocation),
		cmocka_unit_test(
			cfg_match_without_memory_errs_towards_a_match),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
