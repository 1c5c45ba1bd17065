/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "failmalloc.h"
#include "lack.h"

/* What is there belongs to uid 7, and to gid 7, which is ours. */
static bool
owner(void *arg, const char *name, uint32_t uid, uint32_t gid)
{
	return uid == 7 && gid == 7;
}

static void
a_line_is_read_with_its_odd_bytes(void **state)
{
	static const struct { const char *line, *name; } t[] = {
		{ "=.f          |rw-r--r--|7|7|etc/passwd", "etc/passwd" },
		{ "=.d..t......|rwxr-xr-x|0|0|etc/", "etc" },
		{ "=>f+++++++++|rw-r--r--|0|0|a\\#012b\\#134#012",
		    "a\nb\\#012" },
		{ "=>f+++++++++|rw-r--r--|0|DEFAULT|\\#4", "\\#4" },
		{ "=>f+++++++++|rw-r--r--|0|0|a|b\\#777", "a|b\\#777" },
		{ "=>f+++++++++|rw-r--r--|0|0|a\\#01", "a\\#01" },
		{ "=>f+++++++++|rw-r--r--|4294967295|4294967294|x", "x" },
	};
	struct lack_item it;
	size_t i;

	assert_false(lack_parse(t[0].line, &it));
	for (i = 1; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_true(lack_parse(t[i].line, &it));
		assert_string_equal(it.name, t[i].name);
	}
	assert_true(lack_parse(t[3].line, &it));
	assert_int_equal(it.gid, LACK_NOT_OURS);
}

static void
what_is_no_item_is_none(void **state)
{
	static const char *const t[] = { "", "=", "=>f+++++++++",
		"=>f+++++++++|rw-r--r--|", "=>f+++++++++|rw-r--r--|0|0|",
		"=>f+++++++++|rw-r--r--|x|0|a", "=>f+++++++++|rw-r--r--|0|a",
		"=>f+++++++++|rw-r--r--|-1|0|a", "Number of files: 3",
		"=>f+++++++++|rw-r--r--|4294967296|0|a",
		"    12  100%  1.00MB/s    0:00:00" };
	struct lack l = { .n = { 0 } };
	struct lack_item it;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_false(lack_parse(t[i], &it));
		assert_int_equal(lack_line(&l, t[i], "", owner, NULL, NULL),
		    0);
	}
	for (i = 0; i < LACK_KINDS; i++)
		assert_int_equal(l.n[i], 0);
}

static void
each_kind_of_lack_is_found(void **state)
{
	static const struct { const char *line; int kind; } t[] = {
		{ "=.f.........|rw-r--r--|7|7|a", -1 },
		{ "=.d..t......|rwxr-xr-x|7|7|a/", -1 },
		{ "=hf.........|rw-r--r--|7|7|a", -1 },
		{ "=.L.........|rwxrwxrwx|7|7|a", -1 },
		{ "=.L.........|rwsrwxrwx|7|7|a", -1 },
		{ "=.f.........|rwsr-xr-x|7|7|a", LACK_SETID },
		{ "=.d.........|rwxr-Sr-x|7|7|a/", LACK_SETID },
		{ "=.f........x|rwxr-xr-x|7|7|a", LACK_CAPABILITY },
		{ "=.f.........|rw-r--r--|8|7|a", LACK_OWNER },
		{ "=.f.........|rw-r--r--|7|8|a", LACK_OWNER },
		{ "=.f.........|rw-r--r--|7|DEFAULT|a", LACK_OWNER },
		{ "=>f+++++++++|rw-r--r--|8|8|a", LACK_MISSING },
		{ "=>f.st......|rw-r--r--|8|8|a", LACK_MISSING },
		{ "=cd+++++++++|rwxr-xr-x|8|8|a/", LACK_MISSING },
		{ "=hf+++++++++|rw-r--r--|8|8|a", LACK_MISSING },
		{ "=cLc.t......|rwxrwxrwx|7|7|a", LACK_MISSING },
		{ "=cD+++++++++|rw-r--r--|8|8|a", LACK_DEVICE },
		{ "skipping non-regular file \"a\"", LACK_DEVICE },
	};
	struct err e = ERR_INIT;
	size_t i;
	int k;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct lack l = { .n = { 0 } };

		assert_int_equal(lack_line(&l, t[i].line, "/base", owner,
		    NULL, &e), 0);
		for (k = 0; k < LACK_KINDS; k++) {
			if (l.n[k] != (k == t[i].kind))
				fail_msg("%s: %s", t[i].line,
				    lack_word((enum lack_kind)k));
			if (k == t[i].kind)
				assert_string_equal(l.names[k].v[0],
				    "/base/a");
		}
		lack_clear(&l);
	}
}

static void
one_file_can_lack_several_things(void **state)
{
	struct lack l = { .n = { 0 } };
	struct err e = ERR_INIT;

	assert_int_equal(lack_line(&l, "=.f........x|rwsr-xr-x|0|0|a", "",
	    owner, NULL, &e), 0);
	assert_int_equal(l.n[LACK_SETID], 1);
	assert_int_equal(l.n[LACK_CAPABILITY], 1);
	assert_int_equal(l.n[LACK_OWNER], 1);
	lack_clear(&l);
}

static void
names_are_bounded_and_all_are_counted(void **state)
{
	struct lack l = { .n = { 0 } };
	struct err e = ERR_INIT;
	size_t i;

	for (i = 0; i < LACK_NAMES_MAX + 5; i++)
		assert_int_equal(lack_line(&l, "=.f.........|rw-r--r--|8|8|a",
		    "", owner, NULL, &e), 0);
	assert_int_equal(l.n[LACK_OWNER], LACK_NAMES_MAX + 5);
	assert_int_equal(l.names[LACK_OWNER].n, LACK_NAMES_MAX);
	lack_clear(&l);
}

static void
each_failing_allocation_is_told(void **state)
{
	unsigned long n;
	int rc;

	for (n = 1;; n++) {
		struct lack l = { .n = { 0 } };
		struct err e = ERR_INIT;

		failmalloc_arm(n);
		rc = lack_line(&l, "=.f.........|rw-r--r--|8|8|a", "", owner,
		    NULL, &e);
		lack_clear(&l);
		if (!failmalloc_disarm())
			break;
		assert_int_equal(rc, -1);
		assert_int_equal(e.code, ERR_MEM);
	}
	assert_int_equal(rc, 0);
	assert_true(n > 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_read_with_its_odd_bytes),
		cmocka_unit_test(what_is_no_item_is_none),
		cmocka_unit_test(each_kind_of_lack_is_found),
		cmocka_unit_test(one_file_can_lack_several_things),
		cmocka_unit_test(names_are_bounded_and_all_are_counted),
		cmocka_unit_test(each_failing_allocation_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
