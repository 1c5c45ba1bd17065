/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include <stdio.h>

#include "failmalloc.h"
#include "mounts.h"

#define LINE(path)	"36 35 98:0 / " path " rw,noatime master:1 - ext4 d rw\n"
#define BIN(path, end)	"36 35 98:0 / " path end

static void
below(const char *text, const struct strv *roots, const char *const *want)
{
	struct strv got = { 0 };
	struct err e = ERR_INIT;
	size_t i;

	assert_int_equal(mounts_below(text, strlen(text), roots, &got, &e), 0);
	for (i = 0; want[i] != NULL; i++) {
		assert_true(i < got.n);
		assert_string_equal(got.v[i], want[i]);
	}
	assert_int_equal(got.n, i);
	strv_clear(&got);
}

static void
what_is_mounted_below_a_root_is_found(void **state)
{
	static char *words[] = { "/srv/data", "/home", "/home/x/in/it", NULL };
	static const char *const want[] = { "/home/x\\y", "/srv/data/m n",
		"/srv/data/mnt", NULL };
	struct strv roots = { 0 };

	assert_int_equal(strv_addv(&roots, words), 0);
	below(LINE("/") LINE("/srv") LINE("/srv/data") LINE("/srv/database")
	    LINE("/srv/data/mnt/below") LINE("/srv/data/mnt")
	    LINE("/srv/data/mnt") LINE("/srv/data/m\\040n")
	    LINE("/home/x\\134y") LINE("/home/x") LINE("/home/x/in")
	    LINE("/home/x/in/it"), &roots, want);
	strv_clear(&roots);
}

static void
what_is_no_mount_point_is_passed_over(void **state)
{
	static char *words[] = { "/", NULL };
	static const char *const want[] = { "/a", "/x\\9", NULL };
	struct strv roots = { 0 };

	assert_int_equal(strv_addv(&roots, words), 0);
	below("\n \n36\n36 35 98:0 /\n" BIN("", "\n") BIN("a", "\n")
	    BIN("//b", "\n") BIN("/b/../c", "\n") BIN("/b\\000c", "\n")
	    BIN("/x\\9", "\n") BIN("/a", ""), &roots, want);
	strv_clear(&roots);
}

/* The lines that are there of those of a list, by their mount points. */
static void
what_touches_the_roots_is_told_apart(void **state)
{
	static char *roots_of[] = { "/srv/data", "/home", NULL };
	static char *all_of[] = { "/", NULL };
	static char *out[] = { "/srv/data/out/", "cache", NULL };
	static const char text[] = LINE("/") LINE("/srv/data") LINE("/boot")
	    LINE("/srv/data/m\\040n") LINE("/srv/data/out/x")
	    LINE("/home/me/cache/d/e") LINE("/srv/database") "odd\n"
	    LINE("/run/user/7");
	static const char some[] = LINE("/") LINE("/srv/data")
	    LINE("/srv/data/m\\040n") "odd\n";
	static const char most[] = LINE("/") LINE("/srv/data") LINE("/boot")
	    LINE("/srv/data/m\\040n") LINE("/srv/data/out/x")
	    LINE("/home/me/cache/d/e") LINE("/srv/database") "odd\n";
	struct strv roots = { 0 }, all = { 0 }, excludes = { 0 }, no = { 0 };
	struct exclude x, none;
	struct err e = ERR_INIT;
	struct buf b;

	assert_int_equal(strv_addv(&roots, roots_of), 0);
	assert_int_equal(strv_addv(&all, all_of), 0);
	assert_int_equal(strv_addv(&excludes, out), 0);
	assert_int_equal(exclude_init(&x, &roots, &excludes, &e), 0);
	assert_int_equal(exclude_init(&none, &all, &no, &e), 0);
	buf_init(&b, MOUNTS_TEXT);
	assert_int_equal(mounts_touching(text, sizeof(text) - 1, &roots, &x,
	    &b, &e), 0);
	assert_string_equal(b.data, some);
	buf_clear(&b);
	assert_int_equal(mounts_touching(text, sizeof(text) - 1, &all, &none,
	    &b, &e), 0);
	assert_string_equal(b.data, most);
	buf_clear(&b);
	exclude_clear(&x);
	exclude_clear(&none);
	strv_clear(&roots);
	strv_clear(&all);
	strv_clear(&excludes);
}

/* Of 2000 the shortest: what a request has room for. */
static void
of_very_many_the_shortest_are_taken(void **state)
{
	static char text[400000], *words[] = { "/", NULL };
	struct strv roots = { 0 }, got = { 0 };
	struct err e = ERR_INIT;
	size_t i, n = 0, sum = 0;

	for (i = 0; i < 2000; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
		    LINE("/var/lib/%0100zu"), i);
	n += (size_t)snprintf(text + n, sizeof(text) - n, LINE("/mnt"));
	assert_true(n < sizeof(text));
	assert_int_equal(strv_addv(&roots, words), 0);
	assert_int_equal(mounts_below(text, n, &roots, &got, &e), 0);
	assert_string_equal(got.v[0], "/mnt");
	for (i = 0; i < got.n; i++)
		sum += strlen(got.v[i]) + sizeof("mount \n") - 1;
	assert_true(got.n > 100 && sum <= MOUNTS_MAX);
	strv_clear(&got);
	strv_clear(&roots);
}

static void
no_mount_is_lost_when_memory_is_out(void **state)
{
	static const char text[] = LINE("/mnt") LINE("/srv/x");
	static char *words[] = { "/", NULL };
	struct strv roots = { 0 }, got;
	struct err e;
	unsigned long n;
	int rc;

	assert_int_equal(strv_addv(&roots, words), 0);
	for (n = 1;; n++) {
		got = (struct strv){ 0 };
		e = (struct err)ERR_INIT;
		failmalloc_arm(n);
		rc = mounts_below(text, sizeof(text) - 1, &roots, &got, &e);
		if (!failmalloc_disarm())
			break;
		assert_int_equal(rc, -1);
		assert_int_equal(e.code, ERR_MEM);
		strv_clear(&got);
	}
	assert_int_equal(rc, 0);
	assert_int_equal(got.n, 2);
	assert_true(n > 3);
	strv_clear(&got);
	strv_clear(&roots);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_mounted_below_a_root_is_found),
		cmocka_unit_test(what_is_no_mount_point_is_passed_over),
		cmocka_unit_test(what_touches_the_roots_is_told_apart),
		cmocka_unit_test(of_very_many_the_shortest_are_taken),
		cmocka_unit_test(no_mount_is_lost_when_memory_is_out),
	};

	return cmocka_run_group_tests_name("mounts", tests, NULL, NULL);
}
