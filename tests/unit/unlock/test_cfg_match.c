/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "cfg.h"

static int
load(void *arg, const char *name, struct buf *out, struct err *e)
{
	(void)name;
	(void)e;
	return buf_adds(out, arg);
}

/* The configuration of one group with these statements; cfg_clear() it. */
static struct cfg
with(const char *body, const char *more)
{
	struct cfg c = { 0 };
	struct err e = ERR_INIT;
	char *text = NULL;

	assert_true(asprintf(&text, "group g { host h1 h2; key k; %s }\n%s",
		body, more) > 0);
	if (cfg_parse("x", "h1", load, text, &c, &e) == -1)
		fail_msg("%s", e.msg);
	free(text);
	return c;
}

static bool
matches(const char *body, const char *path)
{
	struct cfg c = with(body, "prefix p { on h1: /one/; on h*: /two; } "
		"prefix r { on h1: /; }");
	bool rc = cfg_match(&c, &c.groups[0], "h1", path);

	cfg_clear(&c);
	return rc;
}

static void
cfg_match_takes_the_last_pattern_that_matches(void **state)
{
	(void)state;
	assert_true(matches("include /a;", "/a/b/c"));
	assert_true(matches("include /a/;", "/a"));
	assert_false(matches("include /a;", "/ab"));
	assert_false(matches("include /a; exclude /a/b;", "/a/b/c"));
	assert_true(matches("exclude /a/b; include /a;", "/a/b/c"));
	assert_true(matches("include /a; exclude /a/b; include /a/b/c;",
		"/a/b/c"));
	assert_false(matches("", "/a"));
}

static void
cfg_match_lets_stars_cross_slashes_beside_two(void **state)
{
	(void)state;
	assert_true(matches("include /a/*/c;", "/a/b/c/d"));
	assert_false(matches("include /a/*c;", "/a/b/c"));
	assert_true(matches("include /a/**c;", "/a/b/c"));
	assert_true(matches("include /*x/**c;", "/a/b/x/y/c"));
}

static void
cfg_match_needs_a_path_beside_basenames(void **state)
{
	(void)state;
	assert_false(matches("include *.txt;", "/a.txt"));
	assert_false(matches("include /a; exclude *.txt;", "/a/b.txt"));
	assert_true(matches("include /a; exclude *.txt;", "/a/b.txt/c"));
	assert_true(matches("include /a; exclude *; include b;", "/a/b"));
	assert_true(matches("include /a; exclude a/b;", "/a/b"));
}

static void
cfg_match_leaves_compare_patterns_out(void **state)
{
	(void)state;
	assert_false(matches("compare /a;", "/a"));
	assert_true(matches("compare /a /b;", "/a"));
	assert_false(matches("compare /a /b;", "/b"));
}

static void
cfg_match_knows_a_file_by_its_prefixes(void **state)
{
	(void)state;
	assert_true(matches("include %p%/a;", "/one/a/b"));
	assert_true(matches("include %p%;", "/one"));
	assert_false(matches("include %p%/a;", "/two/a"));
	assert_false(matches("include %p%/a;", "/oneself/a"));
	assert_false(matches("include %q%/a;", "/one/a"));
	assert_true(matches("include %?%/a;", "/one/a"));
	assert_true(matches("include %p%; exclude /one/a;", "/one/a"));
	assert_true(matches("include %r%/a;", "/a"));
}

static void
cfg_match_asks_for_membership(void **state)
{
	struct cfg c = with("include /a %p%;",
		"prefix p { on h1: /one; on h2: /two; }");

	(void)state;
	assert_true(cfg_match(&c, &c.groups[0], "h2", "/two/x"));
	assert_false(cfg_match(&c, &c.groups[0], "h2", "/one/x"));
	assert_false(cfg_match(&c, &c.groups[0], "h3", "/a"));
	assert_false(cfg_enter(&c, &c.groups[0], "h3", "/"));
	cfg_clear(&c);
}

static bool
enters(const char *body, const char *path)
{
	struct cfg c = with(body, "prefix p { on h1: /x/y; }");
	bool rc = cfg_enter(&c, &c.groups[0], "h1", path);

	cfg_clear(&c);
	return rc;
}

static void
cfg_enter_goes_where_csync2_goes(void **state)
{
	(void)state;
	assert_true(enters("include /a/b/c;", "/"));
	assert_true(enters("include /a/b/c;", "/a/b"));
	assert_true(enters("include /a/*/c;", "/a/q"));
	assert_false(enters("include /a/b/c;", "/b"));
	assert_true(enters("include /a;", "/a/b"));
	assert_false(enters("include /a; exclude *.d;", "/a/b.d"));
	assert_true(enters("include /a; exclude /a/b; include /a/b/c;",
		"/a/b"));
	assert_false(enters("include /a/**c;", "/a/b"));
	assert_true(enters("", "/x"));
	assert_true(enters("include %p%/a/b;", "/x/y/a"));
	assert_false(enters("include %p%/a/b;", "/x/y/b"));
}

static void
assert_roots(const char *body, const char *want)
{
	struct cfg c = with(body, "prefix p { on h1: /one; } "
		"prefix q { on h1: /s*r; } prefix root { on h1: /; }");
	struct err e = ERR_INIT;
	struct strv v = { 0 };
	char got[200] = "";
	size_t n = 0;

	assert_int_equal(cfg_roots(&c, &c.groups[0], "h1", &v, &e), 0);
	for (size_t i = 0; i < v.n; i++)
		n += (size_t)snprintf(got + n, sizeof(got) - n, "%s ",
			v.v[i]);
	assert_string_equal(got, want);
	strv_clear(&v);
	cfg_clear(&c);
}

static void
cfg_roots_cover_all_that_can_match(void **state)
{
	(void)state;
	assert_roots("", "");
	assert_roots("include *.txt; exclude /a;", "");
	assert_roots("include /a/b;", "/a/b ");
	assert_roots("include /a/b /a /a/c /ab;", "/a /ab ");
	assert_roots("include /a/b /a/c;", "/a/b /a/c ");
	assert_roots("include /a/x*y/z;", "/a ");
	assert_roots("include /x*;", "/ ");
	assert_roots("include /;", "/ ");
	assert_roots("include /a /;", "/ ");
	assert_roots("include / /a;", "/ ");
	assert_roots("include %p%/a/*;", "/one/a ");
	assert_roots("include %p%;", "/one ");
	assert_roots("include %nix%/a;", "");
	assert_roots("include %q%/a;", "/s*r ");
	assert_roots("include %?%/a;", "/ ");
	assert_roots("include %root%/a;", "/a ");
	assert_roots("include %root%;", "/ ");
	assert_roots("include /a/\\*;", "/a ");
	assert_roots("compare /a;", "");
}

static void
assert_expanded(const char *text, const char *want)
{
	struct cfg c = with("", "prefix p { on h1: /old; } "
		"prefix p { on h[13]: /new/; } prefix p { on h9: /x; } "
		"prefix r { on h1: /; }");
	struct err e = ERR_INIT;
	struct buf b;

	buf_init(&b, 100);
	if (want == NULL) {
		assert_int_equal(cfg_expand(&c, text, "h1", &b, &e), -1);
		assert_int_equal(e.code, ERR_CONFIG);
	} else {
		assert_int_equal(cfg_expand(&c, text, "h1", &b, &e), 0);
		assert_string_equal(b.data, want);
	}
	buf_clear(&b);
	cfg_clear(&c);
}

static void
cfg_expand_takes_the_last_prefix_with_a_path(void **state)
{
	(void)state;
	assert_expanded("/a", "/a");
	assert_expanded("%p%/a", "/new/a");
	assert_expanded("%p", "/new");
	assert_expanded("/%p%", "/%p%");
	assert_expanded("%q%/a", NULL);
	assert_expanded("%", NULL);
	assert_expanded("%r%/a", "/a");
	assert_expanded("%r%", "/");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cfg_match_takes_the_last_pattern_that_matches),
		cmocka_unit_test(cfg_match_lets_stars_cross_slashes_beside_two),
		cmocka_unit_test(cfg_match_needs_a_path_beside_basenames),
		cmocka_unit_test(cfg_match_leaves_compare_patterns_out),
		cmocka_unit_test(cfg_match_knows_a_file_by_its_prefixes),
		cmocka_unit_test(cfg_match_asks_for_membership),
		cmocka_unit_test(cfg_enter_goes_where_csync2_goes),
		cmocka_unit_test(cfg_roots_cover_all_that_can_match),
		cmocka_unit_test(cfg_expand_takes_the_last_prefix_with_a_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
