/* SPDX-License-Identifier: ISC */
/* Who goes on with an .incoming, and what it is weighed against. */
#include "store_tmp.h"

#include "store_begun.h"
#include "store_build.h"
#include "store_weigh.h"

static struct store_build
begin(const char *job)
{
	struct store_build b;
	struct err e = ERR_INIT;

	client.job = job;
	assert_int_equal(store_build_begin(&client, &b, &e), 0);
	return b;
}

static void
a_job_goes_on_with_its_own_only(void **state)
{
	(void)state;
	assert_false(begin("a").resumed);
	put(".incoming/of-a", "a");
	assert_true(begin("a").resumed);
	assert_true(there(client.fd, ".incoming/of-a"));
	assert_false(begin("b").resumed);
	assert_false(there(client.fd, ".incoming/of-a"));
	assert_true(begin("b").resumed);
	/* Without a name it is a job as others are. */
	assert_false(begin(NULL).resumed);
	assert_true(begin(NULL).resumed);
	/* One that an older version has left may be anybody's. */
	assert_int_equal(unlinkat(client.admin_fd, "begun", 0), 0);
	assert_true(begin("a").resumed);
}

static void
what_is_left_is_weighed_against_what_it_was_begun_upon(void **state)
{
	static const char *const was[] = { "laptop.2023-11-14.1700000000",
		"laptop.2023-11-14.1700000001" };
	struct store_begun b = { "a", "laptop.2023-11-14.1700000000" };
	struct store_weight whole, got;
	struct err e = ERR_INIT;
	char name[64];
	size_t i;

	(void)state;
	fake_now += 9;
	for (i = 0; i < 2; i++) {
		assert_int_equal(mkdirat(client.fd, was[i], 0700), 0);
		snprintf(name, sizeof(name), "%s/f", was[i]);
		put(name, "some text");
	}
	assert_int_equal(mkdirat(client.fd, ".incoming", 0700), 0);
	snprintf(name, sizeof(name), "%s/f", was[0]);
	assert_int_equal(linkat(client.fd, name, client.fd, ".incoming/f", 0),
	    0);
	assert_int_equal(store_weigh_left(&client, &whole, &e), 1);
	assert_true(whole.bytes > 0);
	assert_int_equal(store_begun_put(&client, &b, &e), 0);
	assert_int_equal(store_weigh_left(&client, &got, &e), 1);
	assert_int_equal(got.bytes, 0);
	/* It has been removed since. */
	memcpy(b.basis + sizeof("laptop.2023-11-14.") - 1, "1700000009", 10);
	assert_int_equal(store_begun_put(&client, &b, &e), 0);
	assert_int_equal(store_weigh_left(&client, &got, &e), 1);
	assert_int_equal(got.bytes, whole.bytes);
	assert_int_equal(e.code, ERR_NONE);
}

static void
what_is_no_such_file_is_none(void **state)
{
	static const char *const bad[] = { "", "a", "a\n", "a\nb", "a\nb\n",
		"a\n../laptop.2023-11-14.1700000000\n" };
	struct store_begun b;
	size_t i;
	int fd;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		fd = openat(client.admin_fd, "begun", O_WRONLY | O_CREAT |
		    O_TRUNC, 0600);
		assert_true(fd != -1);
		assert_int_equal(write(fd, bad[i], strlen(bad[i])),
		    (ssize_t)strlen(bad[i]));
		close(fd);
		assert_false(store_begun_get(&client, &b));
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, store_tmp_enter, \
	store_tmp_leave)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_job_goes_on_with_its_own_only),
		TEST(what_is_left_is_weighed_against_what_it_was_begun_upon),
		TEST(what_is_no_such_file_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
