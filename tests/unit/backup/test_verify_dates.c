/* SPDX-License-Identifier: ISC */
/* What a verify leaves in the catalogue: dates, whoever else writes. */
#include "catalogtest.h"

#include <sqlite3.h>
#include <stdlib.h>

#define FILES 400

static void
make_files(const char *snap, int n)
{
	char path[128];
	int i;

	assert_int_equal(mkdir(snap, 0755), 0);
	for (i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/f%03d", snap, i);
		ct_file(path, path + strlen(snap));
	}
	ct_manifest(snap);
}

static int
number(const char *sql)
{
	sqlite3_stmt *st;
	int n;

	assert_int_equal(sqlite3_prepare_v2(ct.db, sql, -1, &st, NULL),
	    SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	n = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	return n;
}

#define VERIFIED "SELECT count(*) FROM entry WHERE verified=6000000"

static void
a_flag_stops_it_and_what_was_read_by_then_counts(void **state)
{
	atomic_bool stop = true;
	struct verify_opts o = { .snapshot = S1, .now = 6000000,
		.since = INT64_MAX, .found = ct_say_found, .stop = &stop };
	struct verify_stats st;

	make_files(S1, 3);
	o.root = open(S1, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(verify_run(&ct, &o, &st, &ct_e), -1);
	assert_err(&ct_e, ERR_REFUSED, "interrupted");
	assert_int_equal(number(VERIFIED), 0);
	close(o.root);
	assert_int_equal(ct_verify(S1).read, 3);
	assert_int_equal(number(VERIFIED), 3);
}

static int
stop_at_once(void *arg, const struct verify_found *f, struct err *e)
{
	atomic_store((atomic_bool *)arg, true);
	return 0;
}

static void
dates_of_a_verify_that_was_stopped_midway_are_kept(void **state)
{
	atomic_bool stop = false;
	struct verify_opts o = { .snapshot = S1, .now = 6000000,
		.since = INT64_MAX, .found = stop_at_once, .arg = &stop,
		.stop = &stop };
	struct verify_stats st;
	int kept;

	make_files(S1, FILES);
	ct_put(S1 "/f100", "/f1OO");
	ct_time(S1 "/f100", 1000);
	o.root = open(S1, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(verify_run(&ct, &o, &st, &ct_e), -1);
	assert_err(&ct_e, ERR_REFUSED, "interrupted");
	close(o.root);
	kept = number(VERIFIED);
	assert_true(kept >= 100 && kept < FILES - 1);
	assert_int_equal(number("SELECT verified FROM file WHERE"
	    " path='/f100'"), 0);
}

static int
write_meanwhile(void *arg, const struct verify_stats *sofar, struct err *e)
{
	sqlite3 *other = NULL;

	assert_int_equal(sqlite3_open("catalog.db", &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE; UPDATE entry"
	    " SET uid=4711 WHERE name='f001'; COMMIT", NULL, NULL, NULL),
	    SQLITE_OK);
	sqlite3_close(other);
	return 0;
}

static void
others_may_write_while_it_reads(void **state)
{
	make_files(S1, 5);
	ct_verify_opts((struct verify_opts){ .snapshot = S1, .now = 6000000,
		.since = INT64_MAX, .progress = write_meanwhile });
	assert_int_equal(number(VERIFIED), 5);
	assert_int_equal(number("SELECT uid FROM entry WHERE name='f001'"),
	    4711);
}

static int
other_content(void *arg, const struct verify_stats *sofar, struct err *e)
{
	sqlite3 *other = NULL;

	assert_int_equal(sqlite3_open("catalog.db", &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "UPDATE entry SET hash=x'00',"
	    " verified=7 WHERE name='f001'", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(other);
	return 0;
}

static void
a_row_that_became_another_keeps_its_own_date(void **state)
{
	make_files(S1, 2);
	ct_verify_opts((struct verify_opts){ .snapshot = S1, .now = 6000000,
		.since = INT64_MAX, .progress = other_content });
	assert_int_equal(number(VERIFIED), 1);
	assert_int_equal(number("SELECT verified FROM entry WHERE"
	    " name='f001'"), 7);
}

static void
a_sample_is_about_its_share_and_the_same_for_one_seed(void **state)
{
	struct verify_opts o = { .snapshot = S1, .now = 6000000,
		.since = INT64_MAX, .sample = 2500, .seed = "some chance" };
	uint64_t n;

	make_files(S1, FILES);
	n = ct_verify_opts(o).read;
	assert_in_range(n, FILES / 8, FILES / 2);
	assert_int_equal(number(VERIFIED), (int)n);
	assert_int_equal(ct_verify_opts(o).read, n);
	assert_int_equal(number(VERIFIED), (int)n);
	o.seed[0]++;
	ct_verify_opts(o);
	assert_true(number(VERIFIED) > (int)n);
}

static void
what_was_wrong_is_counted_and_is_in_each_sample(void **state)
{
	uint64_t wrong = 7;

	make_files(S1, 50);
	ct_ok(verify_wrong(&ct, &wrong, &ct_e));
	assert_int_equal(wrong, 0);
	ct_put(S1 "/f007", "/fOO7");
	ct_time(S1 "/f007", 1000);
	ct_verify(S1);
	assert_string_equal(ct_said.data, "R /f007 1 \n");
	ct_ok(verify_wrong(&ct, &wrong, &ct_e));
	assert_int_equal(wrong, 1);
	ct_verify_opts((struct verify_opts){ .snapshot = S1, .now = 6000001,
		.since = 1, .sample = 1 });
	assert_string_equal(ct_said.data, "R /f007 1 \n");
}

static void
a_path_is_found_by_its_bytes_alone(void **state)
{
	assert_int_equal(mkdir(S1, 0755) | mkdir(S1 "/a", 0755) |
	    mkdir(S1 "/a/[b]*", 0755) | mkdir(S1 "/ab", 0755), 0);
	ct_file(S1 "/a/[b]*/c", "x");
	ct_file(S1 "/a/b1", "x");
	ct_manifest(S1);
	buf_clear(&ct_said);
	ct_ok(query_path(&ct, "/a/[b]*/", false, NULL, ct_say_file, NULL,
	    &ct_e));
	ct_ok(query_path(&ct, "/a/[b", true, NULL, ct_say_file, NULL, &ct_e));
	ct_ok(query_path(&ct, "/a/", true, S1, ct_say_file, NULL, &ct_e));
	ct_ok(query_path(&ct, "/", false, S1, ct_say_file, NULL, &ct_e));
	ct_ok(query_path(&ct, "/a/nothing", false, S1, ct_say_file, NULL,
	    &ct_e));
	assert_string_equal(ct_said.data,
	    "/a/[b]* 1000000 1000000\n"
	    "/a/[b]* 1000000 1000000\n"
	    "/a/[b]*/c 1000000 1000000\n"
	    "/a/[b]* 1000000 1000000\n"
	    "/a/b1 1000000 1000000\n"
	    "/a/[b]*/c 1000000 1000000\n"
	    "/ 1000000 1000000\n");
	assert_int_equal(query_path(&ct, "a", true, NULL, ct_say_file, NULL,
	    &ct_e), -1);
	assert_int_equal(ct_e.code, ERR_USAGE);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, ct_enter, ct_leave)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_flag_stops_it_and_what_was_read_by_then_counts),
		TEST(dates_of_a_verify_that_was_stopped_midway_are_kept),
		TEST(others_may_write_while_it_reads),
		TEST(a_row_that_became_another_keeps_its_own_date),
		TEST(a_sample_is_about_its_share_and_the_same_for_one_seed),
		TEST(what_was_wrong_is_counted_and_is_in_each_sample),
		TEST(a_path_is_found_by_its_bytes_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
