/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "failmalloc.h"
#include "rules.h"

/* roots and excludes: separated by '|'. */
static void
fill(struct strv *v, const char *list)
{
	char copy[9000], *s = copy, *word;

	snprintf(copy, sizeof(copy), "%s", list);
	while ((word = strsep(&s, "|")) != NULL)
		if (list[0] != '\0')
			assert_int_equal(strv_add(v, word), 0);
}

struct given {
	struct strv roots, excludes;
	struct rules r;
};

static struct rules *
given(struct given *g, const char *roots, const char *excludes)
{
	*g = (struct given){ 0 };
	fill(&g->roots, roots);
	fill(&g->excludes, excludes);
	g->r = (struct rules){ &g->roots, &g->excludes };
	return &g->r;
}

static void
given_clear(struct given *g)
{
	strv_clear(&g->roots);
	strv_clear(&g->excludes);
}

static void
the_rules_are_those_of_the_header(void **state)
{
	static const struct { const char *roots, *excludes, *want; } t[] = {
		{ "/home", "", "+ /home\n+ /home/**\n- *\n" },
		{ "/", "", "- /dev/*\n- /proc/*\n- /run/*\n- /sys/*\n"
		    "+ /**\n- *\n" },
		{ "/a b/c", "*.o|/a b/c/x y", "- *.o\n- /a b/c/x y\n"
		    "+ /a b/\n+ /a b/c\n+ /a b/c/**\n- *\n" },
		{ "/etc/fstab", "", "+ /etc/\n+ /etc/fstab\n"
		    "+ /etc/fstab/**\n- *\n" },
		/* A parent once; a root within another. */
		{ "/srv/a|/srv/b|/srv/a/x", "", "+ /srv/\n+ /srv/a\n"
		    "+ /srv/a/**\n+ /srv/b\n+ /srv/b/**\n+ /srv/a/\n"
		    "+ /srv/a/x\n+ /srv/a/x/**\n- *\n" },
		/* Roots within what is never read stand before it. */
		{ "/|/run/user", "", "+ /run/\n+ /run/user\n+ /run/user/**\n"
		    "- /dev/*\n- /proc/*\n- /run/*\n- /sys/*\n+ /**\n- *\n" },
		{ "/sys", "", "+ /sys\n+ /sys/**\n- *\n" },
		/* What rsync reads as a wildcard, and where it does not. */
		{ "/a*b/c", "", "+ /a\\*b/\n+ /a\\*b/c\n+ /a\\*b/c/**\n- *\n" },
		{ "/a\\b", "", "+ /a\\b\n+ /a\\\\b/**\n- *\n" },
		{ "/a\\*", "", "+ /a\\\\\\*\n+ /a\\\\\\*/**\n- *\n" },
		{ "/q?[z]", "", "+ /q\\?\\[z]\n+ /q\\?\\[z]/**\n- *\n" },
		{ "/\xff", "", "+ /\xff\n+ /\xff/**\n- *\n" },
		{ "/x", "!|# y|+ z| lead|trail ", "- !\n- # y\n- + z\n"
		    "-  lead\n- trail \n+ /x\n+ /x/**\n- *\n" },
	};
	struct err e = ERR_INIT;
	struct given g;
	struct buf out;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		buf_init(&out, RULES_TEXT_MAX);
		if (rules_text(given(&g, t[i].roots, t[i].excludes), &out, &e)
		    == -1)
			fail_msg("%s: %s", t[i].roots, e.msg);
		assert_string_equal(out.data, t[i].want);
		buf_clear(&out);
		given_clear(&g);
	}
}

static void
what_no_rule_can_say_is_refused(void **state)
{
	static const struct { const char *roots, *excludes, *why; } t[] = {
		{ "", "", "no root" },
		{ "home", "", "root 'home': is not absolute" },
		{ "/home/", "", "ends in '/'" },
		{ "/home/../etc", "", "a part '..'" },
		{ "/a\nb", "", "root '/a\\x0ab': no rule of rsync can hold" },
		{ "/a\rb", "", "name with a newline" },
		{ "/a", "b\n", "exclude 'b\\x0a': no rule of rsync" },
		{ "/a", "b\r", "name with a newline" },
		{ "/a", "x|", "exclude '': is empty" },
		{ "/a", "/a/../b", "exclude '/a/../b': has a part '..'" },
		{ "/a", "//b", "has '//'" },
		{ "/a", "/", "hides all" },
		{ "/home", "/home", "exclude '/home': hides a whole root" },
		{ "/home", "/home/", "hides a whole root" },
		{ "/home/ann", "/home", "hides a whole root" },
		{ "/|/home/ann", "/home", "hides a whole root" },
		{ "/var/cache/x", "cache", "hides a whole root" },
		{ "/var/cache/x", "cache/", "hides a whole root" },
		{ "/var/cache/x", "c*e", "hides a whole root" },
		{ "/var/cache/x", "var/cache", "hides a whole root" },
		{ "/var/cache/x", "/*/cache", "hides a whole root" },
		{ "/var/cache/x", "/v[a]r/***", "hides a whole root" },
		{ "/home", "*", "hides a whole root" },
	};
	struct err e;
	struct given g;
	struct buf out;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		e = (struct err)ERR_INIT;
		buf_init(&out, RULES_TEXT_MAX);
		if (rules_text(given(&g, t[i].roots, t[i].excludes), &out, &e)
		    != -1)
			fail_msg("%s, %s: taken", t[i].roots, t[i].excludes);
		assert_err(&e, ERR_CONFIG, t[i].why);
		assert_int_equal(out.len, 0);
		assert_int_equal(rules_explain(&g.r, false, &out, &e), -1);
		given_clear(&g);
	}
}

static void
a_pattern_that_leaves_the_roots_alone_is_taken(void **state)
{
	struct err e = ERR_INIT;
	struct given g;

	if (rules_check(given(&g, "/var/cache/x|/home/ann",
	    "ache|cach|/cache|/ann|var/x|home/an?/x|/*/*/x*y|x/y|*.o|/**/q|"
	    "/var/cache/x/y|ar"), &e) == -1)
		fail_msg("%s", e.msg);
	given_clear(&g);
}

static void
a_path_too_long_for_a_rule_is_refused(void **state)
{
	static char path[4097];
	struct err e = ERR_INIT;
	struct given g;

	memset(path, 'x', 4096);
	path[0] = '/';
	path[4092] = '\0';
	assert_int_equal(rules_check(given(&g, path, ""), &e), 0);
	given_clear(&g);
	path[4000] = '*';	/* is written as two bytes */
	assert_int_equal(rules_check(given(&g, path, ""), &e), -1);
	assert_err(&e, ERR_CONFIG, "too long for a rule");
	given_clear(&g);
	memset(path, '?', 4096);
	assert_int_equal(rules_check(given(&g, "/a", path), &e), -1);
	assert_err(&e, ERR_CONFIG, "longer than 4095");
	given_clear(&g);
}

static void
the_kernel_gets_roots_and_literal_excludes(void **state)
{
	static const struct { const char *roots, *excludes, *want; } t[] = {
		{ "/home", "", "r /home\nl /\n" },
		{ "/home", "*.o|/home/*/x|/home/a\\b|mail|/srv/q", "r /home\n"
		    "x /srv/q\nl /\n" },
		{ "/home/a b|/srv", "/home/a b/c/|/srv/d", "r /home/a\\040b\n"
		    "r /srv\nd /home/a\\040b/c\nx /srv/d\nl /\n" },
		{ "/", "", "r /\nx /dev\nx /proc\nx /run\nx /sys\nl /\n" },
		{ "/|/run", "", "r /\nr /run\nx /dev\nx /proc\nx /sys\n"
		    "l /\n" },
		{ "/sys", "", "r /sys\nl /\n" },
	};
	struct err e = ERR_INIT;
	struct given g;
	struct buf out;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		buf_init(&out, RULES_TEXT_MAX);
		if (rules_grants(given(&g, t[i].roots, t[i].excludes), false,
		    &out, &e) == -1)
			fail_msg("%s: %s", t[i].roots, e.msg);
		assert_string_equal(out.data, t[i].want);
		buf_clear(&out);
		given_clear(&g);
	}
	buf_init(&out, RULES_TEXT_MAX);
	assert_int_equal(rules_grants(given(&g, "/home", "/home"), false,
	    &out, &e), -1);
	assert_err(&e, ERR_CONFIG, "hides a whole root");
	assert_int_equal(out.len, 0);
	given_clear(&g);
}

static void
a_sender_that_begins_with_the_roots_lists_them_alone(void **state)
{
	static const struct { const char *roots, *excludes, *want; } t[] = {
		{ "/home", "", "r /home\nl /home\n" },
		{ "/home/a b|/srv", "/srv/d", "r /home/a\\040b\nr /srv\n"
		    "x /srv/d\nl /home/a\\040b\nl /srv\n" },
		{ "/", "", "r /\nx /dev\nx /proc\nx /run\nx /sys\nl /\n" },
	};
	struct err e = ERR_INIT;
	struct given g;
	struct buf out;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		buf_init(&out, RULES_TEXT_MAX);
		assert_int_equal(rules_grants(given(&g, t[i].roots,
		    t[i].excludes), true, &out, &e), 0);
		assert_string_equal(out.data, t[i].want);
		buf_clear(&out);
		given_clear(&g);
	}
}

static void
it_says_who_enforces_what(void **state)
{
	struct err e = ERR_INIT;
	struct given g;
	struct buf out;

	buf_init(&out, 65536);
	assert_int_equal(rules_explain(given(&g, "/|/run",
	    "*.o|/home/a\nb|/home/x"), false, &out, &e), -1);
	given_clear(&g);
	assert_int_equal(rules_explain(given(&g, "/|/run",
	    "*.o\x1b|/home/x|/srv/[a]"), false, &out, &e), 0);
	assert_string_equal(out.data,
	    "root /: is read; what is outside of the roots is not, by kernel "
	    "and rsync\n"
	    "root /run: is read; what is outside of the roots is not, by "
	    "kernel and rsync\n"
	    "always /dev: comes along empty, but for roots in it, by kernel "
	    "and rsync\n"
	    "always /proc: comes along empty, but for roots in it, by kernel "
	    "and rsync\n"
	    "always /run: is read: it is a root by name\n"
	    "always /sys: comes along empty, but for roots in it, by kernel "
	    "and rsync\n"
	    "exclude *.o\\x1b: not sent, by rsync alone: it is a pattern\n"
	    "exclude /home/x: not read, by kernel and rsync\n"
	    "exclude /srv/[a]: not sent, by rsync alone: it is a pattern\n");
	buf_clear(&out);
	given_clear(&g);
	assert_int_equal(rules_explain(given(&g, "/home", "/srv|/home/x"),
	    false, &out, &e), 0);
	assert_non_null(strstr(out.data, "exclude /srv: lies in no root: not "
	    "read anyway\nexclude /home/x: not read, by kernel and rsync\n"));
	assert_null(strstr(out.data, "always"));
	buf_clear(&out);
	given_clear(&g);
	/* A sender that the store starts knows of no pattern. */
	assert_int_equal(rules_explain(given(&g, "/home", "*.o|/home/x"),
	    true, &out, &e), 0);
	assert_non_null(strstr(out.data, "exclude *.o: left out by the store's "
	    "rsync alone: it is a pattern\nexclude /home/x: not read, by "
	    "kernel and rsync; names in it are not listed, by the kernel "
	    "where root reads, else by the store's rsync alone\n"));
	buf_clear(&out);
	given_clear(&g);
}

static void
out_of_memory_is_an_error_wherever_it_happens(void **state)
{
	struct err e = ERR_INIT;
	struct given g;
	struct buf out;
	unsigned long n;
	int rc, step;

	given(&g, "/|/a*/b", "*.o|/home/ann/mail");
	for (step = 0; step < 3; step++) {
		for (n = 1;; n++) {
			buf_init(&out, 65536);
			failmalloc_arm(n);
			rc = step == 0 ? rules_text(&g.r, &out, &e) :
			    step == 1 ? rules_explain(&g.r, true, &out, &e) :
			    rules_grants(&g.r, false, &out, &e);
			if (!failmalloc_disarm())
				break;
			assert_int_equal(rc, -1);
			assert_int_equal(e.code, ERR_MEM);
			assert_true(step == 1 || out.len == 0);
			buf_clear(&out);
		}
		assert_int_equal(rc, 0);
		assert_true(n > 1);
		buf_clear(&out);
	}
	given_clear(&g);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_rules_are_those_of_the_header),
		cmocka_unit_test(what_no_rule_can_say_is_refused),
		cmocka_unit_test(
		    a_pattern_that_leaves_the_roots_alone_is_taken),
		cmocka_unit_test(a_path_too_long_for_a_rule_is_refused),
		cmocka_unit_test(the_kernel_gets_roots_and_literal_excludes),
		cmocka_unit_test(
		    a_sender_that_begins_with_the_roots_lists_them_alone),
		cmocka_unit_test(it_says_who_enforces_what),
		cmocka_unit_test(
		    out_of_memory_is_an_error_wherever_it_happens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
