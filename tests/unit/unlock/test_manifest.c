/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "manifest.h"

#define SUM_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SUM_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define END "z 0\0"

/* A literal with NULs inside, without the last one that C adds. */
#define LIT(s) (s), sizeof(s) - 1

static int
parse(struct manifest *m, const char *data, size_t len, struct err *e)
{
	manifest_init(m);
	if (manifest_feed(m, data, len, e) == -1)
		return -1;
	return manifest_end(m, e);
}

static void
refused(const char *data, size_t len, const char *why)
{
	struct manifest m;
	struct err e = ERR_INIT;

	assert_int_equal(parse(&m, data, len, &e), -1);
	assert_int_equal(e.code, ERR_PEER);
	if (strstr(e.msg, why) == NULL)
		fail_msg("'%s' does not say '%s'", e.msg, why);
	manifest_clear(&m);
}

static void
good(struct manifest *m, const char *data, size_t len)
{
	struct err e = ERR_INIT;

	if (parse(m, data, len, &e) == -1)
		fail_msg("%s", e.msg);
}

static void
manifest_reads_every_record(void **state)
{
	struct manifest m;

	good(&m, LIT("o d 755 0 0 4096\0/srv\0\0"
	    "o f 4755 1 2 3\0/srv/b\0\0" "o c 600 0 0 0\0/srv/n\0\0"
	    "o l 777 0 0 1\0/srv/a\0b\0" SUM_A "  /srv/b\0"
	    "r 1:3 /srv/n\0" "e find: no\0" "z 1\0"));
	assert_int_equal(m.n, 4);
	assert_int_equal(m.status, 1);
	assert_string_equal(m.trouble.v[0], "find: no");
	assert_string_equal(m.v[0].path, "/srv");
	assert_string_equal(m.v[1].target, "b");
	assert_int_equal(m.v[2].mode, 04755);
	assert_int_equal(m.v[2].uid, 1);
	assert_int_equal(m.v[2].gid, 2);
	assert_int_equal(m.v[2].size, 3);
	assert_true(m.v[2].hashed);
	assert_int_equal(m.v[2].sha256[31], 0xaa);
	assert_string_equal(m.v[3].target, "1:3");
	manifest_clear(&m);
}

static void
manifest_does_not_care_how_the_stream_is_cut(void **state)
{
	static const char s[] = "o f 644 0 0 1\0/a\nb  c\0\0"
	    SUM_A "  /a\nb  c\0" END;
	struct err e = ERR_INIT;
	struct manifest m;
	size_t i;

	manifest_init(&m);
	for (i = 0; i < sizeof(s) - 1; i++)
		assert_int_equal(manifest_feed(&m, s + i, 1, &e), 0);
	assert_int_equal(manifest_end(&m, &e), 0);
	assert_int_equal(m.n, 1);
	assert_string_equal(m.v[0].path, "/a\nb  c");
	assert_true(m.v[0].hashed);
	manifest_clear(&m);
}

static void
manifest_notices_a_cut_stream_at_every_byte(void **state)
{
	static const char s[] = "o f 644 0 0 1\0/a\0\0" SUM_A "  /a\0" END;
	struct err e = ERR_INIT;
	struct manifest m;
	size_t i;

	for (i = 0; i < sizeof(s) - 1; i++) {
		assert_int_equal(parse(&m, s, i, &e), -1);
		manifest_clear(&m);
	}
	good(&m, s, sizeof(s) - 1);
	manifest_clear(&m);
}

static void
manifest_refuses_what_is_not_the_format(void **state)
{
	refused(LIT("o f 648 0 0 1\0/a\0\0" END), "numbers");
	refused(LIT("o f 10000 0 0 1\0/a\0\0" END), "numbers");
	refused(LIT("o f 644 -1 0 1\0/a\0\0" END), "numbers");
	refused(LIT("o f 644 0 4294967296 1\0/a\0\0" END), "numbers");
	refused(LIT("o f 644 0 0 99999999999999999999\0/a\0\0" END),
	    "numbers");
	refused(LIT("o f 644 0 0 1 \0/a\0\0" END), "numbers");
	refused(LIT("o f 644 0 0 \0/a\0\0" END), "numbers");
	refused(LIT("o ff 644 0 0 1\0/a\0\0" END), "type");
	refused(LIT("o f 644 0 0 1\0/a\0x\0" END), "target");
	refused(LIT("x 1\0" END), "unknown");
	refused(LIT("\0" END), "hash");
	refused(LIT("ab\0" END), "hash");
	refused(LIT(SUM_A "\0" END), "hash's path");
	refused(LIT(SUM_A "  /a\0" END), "did not list");
	refused(LIT("o d 755 0 0 1\0/a\0\0" SUM_A "  /a\0" END),
	    "did not list");
	refused(LIT("o f 644 0 0 1\0/a\0\0" "r 1:3 /a\0" END),
	    "did not list");
	refused(LIT("z 0\0z 0\0"), "after its end");
	refused(LIT("z -1\0"), "its end");
}

static void
manifest_refuses_paths_that_lead_elsewhere(void **state)
{
	refused(LIT("o f 644 0 0 1\0a\0\0" END), "not plain");
	refused(LIT("o f 644 0 0 1\0\0\0" END), "not plain");
	refused(LIT("o f 644 0 0 1\0/a/../b\0\0" END), "not plain");
	refused(LIT("o f 644 0 0 1\0/a/..\0\0" END), "not plain");
	refused(LIT("o f 644 0 0 1\0/./a\0\0" END), "not plain");
	refused(LIT("o f 644 0 0 1\0//a\0\0" END), "not plain");
	refused(LIT("o f 644 0 0 1\0/a/\0\0" END), "not plain");
}

static void
manifest_bounds_a_path(void **state)
{
	char s[MANIFEST_PATH_MAX + 64];
	struct err e = ERR_INIT;
	struct manifest m;

	memset(s, 'x', sizeof(s));
	s[0] = '/';
	s[MANIFEST_PATH_MAX + 1] = '\0';
	manifest_init(&m);
	assert_int_equal(manifest_feed(&m, LIT("o f 644 0 0 1\0"), &e), 0);
	assert_int_equal(manifest_feed(&m, s, MANIFEST_PATH_MAX + 2, &e), -1);
	manifest_clear(&m);

	s[MANIFEST_PATH_MAX] = '\0';
	manifest_init(&m);
	assert_int_equal(manifest_feed(&m, LIT("o f 644 0 0 1\0"), &e), 0);
	assert_int_equal(manifest_feed(&m, s, MANIFEST_PATH_MAX + 1, &e), 0);
	manifest_clear(&m);
}

static void
manifest_ends_at_its_limit_of_objects(void **state)
{
	static const char s[] = "o f 644 0 0 1\0/a\0\0";
	struct err e = ERR_INIT;
	struct manifest m;
	size_t i;

	manifest_init(&m);
	for (i = 0; i < MANIFEST_MAX; i++)
		assert_int_equal(manifest_feed(&m, s, sizeof(s) - 1, &e), 0);
	assert_int_equal(manifest_feed(&m, s, sizeof(s) - 1, &e), -1);
	assert_non_null(strstr(e.msg, "too many"));
	manifest_clear(&m);
}

static void
manifest_keeps_one_of_a_path_that_came_twice(void **state)
{
	struct manifest m;

	good(&m, LIT("o f 644 0 0 1\0/a\0\0" "o f 600 0 0 1\0/a\0\0"
	    SUM_A "  /a\0" END));
	assert_int_equal(m.n, 1);
	assert_true(m.v[0].hashed);
	manifest_clear(&m);
}

/* Collects "missing /a; different /b (mode)". */
static int
tell(void *arg, const struct manifest_delta *d)
{
	static const char *const kinds[] = { "missing", "extra",
		"different" };
	const struct manifest_entry *x = d->here != NULL ? d->here : d->there;
	struct buf *out = arg;

	buf_addf(out, "%s%s %s", out->len > 0 ? "; " : "", kinds[d->kind],
	    x->path);
	if (d->kind == MANIFEST_DIFFERENT) {
		buf_adds(out, " (");
		manifest_what(d->what, out);
		buf_addc(out, ')');
	}
	return 0;
}

static void
differs(struct manifest *a, struct manifest *b,
	const struct manifest_rules *r, const char *want)
{
	struct buf out;

	buf_init(&out, 4096);
	assert_int_equal(manifest_diff(a, b, r, tell, &out), 0);
	assert_string_equal(out.data, want);
	buf_clear(&out);
}

#define HERE "o d 755 0 0 9\0/s\0\0" "o f 644 0 0 1\0/s/a\0\0" \
	"o f 644 0 0 1\0/s/b\0\0" "o l 777 0 0 1\0/s/l\0a\0" \
	SUM_A "  /s/a\0" SUM_A "  /s/b\0" END

static void
manifest_diff_names_what_differs(void **state)
{
	const struct manifest_rules all = { 0 };
	const struct manifest_rules lax = { .ignore_uid = true,
		.ignore_gid = true, .ignore_mod = true };
	struct manifest a, b;

	good(&a, LIT(HERE));
	good(&b, LIT(HERE));
	differs(&a, &b, &all, "");
	manifest_clear(&b);
	good(&b, LIT("o f 600 5 0 1\0/s/a\0\0" "o f 644 0 0 1\0/s/c\0\0"
	    "o l 755 0 6 1\0/s/l\0b\0" "o d 755 0 0 1\0/s\0\0"
	    SUM_B "  /s/a\0" SUM_A "  /s/c\0" END));
	differs(&a, &b, &all, "different /s/a (content, mode, owner); "
	    "missing /s/b; extra /s/c; different /s/l (owner, link target)");
	differs(&a, &b, &lax, "different /s/a (content); "
	    "missing /s/b; extra /s/c; different /s/l (link target)");
	manifest_clear(&b);
	good(&b, LIT("o d 755 0 0 9\0/s\0\0" "o d 644 0 0 1\0/s/a\0\0"
	    "o f 644 0 0 1\0/s/b\0\0" "o l 777 0 0 1\0/s/l\0a\0" END));
	differs(&a, &b, &all, "different /s/a (type); "
	    "different /s/b (not readable)");
	manifest_clear(&a);
	manifest_clear(&b);
}

static void
manifest_diff_compares_the_numbers_of_devices(void **state)
{
	const struct manifest_rules all = { 0 };
	struct manifest a, b;

	good(&a, LIT("o c 600 0 0 0\0/n\0\0" "r 1:3 /n\0" END));
	good(&b, LIT("o c 600 0 0 0\0/n\0\0" "r 1:5 /n\0" END));
	differs(&a, &b, &all, "different /n (content)");
	manifest_clear(&a);
	manifest_clear(&b);
}

static bool
not_b(void *arg, int side, const char *path)
{
	return strcmp(path, side == 0 ? "/s/b" : "/t/b") != 0;
}

static void
manifest_diff_maps_roots_and_leaves_out_what_does_not_belong(void **state)
{
	static const struct manifest_root roots[] = {
		{ "/", "/tt" }, { "/s", "/t" }, { "/s/l", "/t/k" },
	};
	const struct manifest_rules r = { .belongs = not_b };
	struct err e = ERR_INIT;
	struct manifest a, b;

	good(&a, LIT(HERE));
	good(&b, LIT("o d 755 0 0 9\0/t\0\0" "o f 644 0 0 1\0/t/a\0\0"
	    "o f 644 0 0 1\0/t/b\0\0" "o l 777 0 0 1\0/t/k\0a\0"
	    "o f 644 0 0 1\0/ta\0\0" SUM_A "  /t/a\0" SUM_B "  /t/b\0"
	    END));
	assert_int_equal(manifest_map(&b, roots, 3, &e), 0);
	differs(&a, &b, &r, "extra /ta");
	manifest_clear(&a);
	manifest_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(manifest_reads_every_record),
		cmocka_unit_test(manifest_does_not_care_how_the_stream_is_cut),
		cmocka_unit_test(manifest_notices_a_cut_stream_at_every_byte),
		cmocka_unit_test(manifest_refuses_what_is_not_the_format),
		cmocka_unit_test(manifest_refuses_paths_that_lead_elsewhere),
		cmocka_unit_test(manifest_bounds_a_path),
		cmocka_unit_test(manifest_ends_at_its_limit_of_objects),
		cmocka_unit_test(manifest_keeps_one_of_a_path_that_came_twice),
		cmocka_unit_test(manifest_diff_names_what_differs),
		cmocka_unit_test(manifest_diff_compares_the_numbers_of_devices),
		cmocka_unit_test(
		    manifest_diff_maps_roots_and_leaves_out_what_does_not_belong),
	};

	return cmocka_run_group_tests_name("manifest", tests, NULL, NULL);
}
