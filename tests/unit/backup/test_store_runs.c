/* SPDX-License-Identifier: ISC */
/* The lines of runs, what status makes of them, and a snapshot's record. */
#include "store_tmp.h"

#include "../failmalloc.h"
#include "store_rec.h"
#include "store_runs.h"
#include "store_text.h"

#define DAY	86400

static const struct store_run full = { 1700000000, "run", "warn",
    "laptop.2023-11-14.1700000000", 12, 345, 6,
    "3 files vanished\n\\ \377 -" };

static void
a_run_is_one_line_and_reads_back(void **state)
{
	static const char want[] = "1700000000 run warn "
	    "laptop.2023-11-14.1700000000 12 345 6 "
	    "3\\040files\\040vanished\\012\\134\\040\377\\040-\n";
	struct store_run none = { 5, "verify", "failed" }, dash = none, got;
	struct err e = ERR_INIT;
	struct buf b;

	buf_init(&b, 4096);
	assert_int_equal(store_runs_emit(&full, &b, &e), 0);
	assert_string_equal(b.data, want);
	assert_int_equal(store_runs_line(b.data, b.len - 1, &got), 0);
	assert_memory_equal(&got, &full, sizeof(full));
	buf_clear(&b);
	assert_int_equal(store_runs_emit(&none, &b, &e), 0);
	assert_string_equal(b.data, "5 verify failed - 0 0 0 -\n");
	assert_int_equal(store_runs_line(b.data, b.len - 1, &got), 0);
	assert_memory_equal(&got, &none, sizeof(none));
	buf_clear(&b);
	snprintf(dash.message, sizeof(dash.message), "-");
	assert_int_equal(store_runs_emit(&dash, &b, &e), 0);
	assert_int_equal(store_runs_line(b.data, b.len - 1, &got), 0);
	assert_string_equal(got.message, "-");
	buf_clear(&b);
	none.op[0] = 'R';
	assert_int_equal(store_runs_emit(&none, &b, &e), -1);
	assert_int_equal(e.code, ERR_CONFIG);
	assert_int_equal(b.len, 0);
	/* The longest message, all of it escaped, is a line. */
	memset(dash.message, 1, sizeof(dash.message) - 1);
	assert_int_equal(store_runs_emit(&dash, &b, &e), 0);
	assert_true(b.len < STORE_RUNS_LINE);
	assert_int_equal(store_runs_line(b.data, b.len - 1, &got), 0);
	assert_memory_equal(&got, &dash, sizeof(dash));
	buf_clear(&b);
}

static void
what_is_no_run_is_passed_over(void **state)
{
	static const char *const bad[] = { "", " ", "5", "5 run ok - 0 0 0",
	    "5 run ok - 0 0 0 - -", "x run ok - 0 0 0 -", "5 RUN ok - 0 0 0 -",
	    "-5 run ok - 0 0 0 -", "5 run ok - 0 -1 0 -",
	    "5 run ok - 0 0 0 \\08", "5 run ok - 0 0 0 \\000",
	    "5 run ok - 0 0 0 \\400", "5 run ok - 0 0 0 a\tb",
	    "5  run ok - 0 0 0 -", "5 run ok - 18446744073709551616 0 0 -",
	    "253402300800 run ok - 0 0 0 -",
	    "5 aaaaaaaaaaaaaaaa ok - 0 0 0 -" };
	static const char text[] = "5 run ok - 0 0 0 -\n\nrubbish\n"
	    "\0\0\0\n6 run failed - 0 0 0 no\\040space\n7 run ok - 0 0";
	struct store_runs r;
	struct store_run one;
	struct err e = ERR_INIT;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (store_runs_line(bad[i], strlen(bad[i]), &one) == 0)
			fail_msg("'%s' was taken", bad[i]);
	assert_int_equal(store_runs_parse(text, sizeof(text) - 1, &r, &e),
	    0);
	assert_int_equal(r.n, 2);
	assert_int_equal(r.bad, 4);
	assert_string_equal(r.v[1].message, "no space");
	store_runs_clear(&r);
	assert_int_equal(store_runs_parse("", 0, &r, &e), 0);
	assert_int_equal(r.n, 0);
}

static void
only_the_last_runs_are_read(void **state)
{
	struct store_runs r;
	struct err e = ERR_INIT;
	struct buf b;
	int i;

	buf_init(&b, 1 << 20);
	for (i = 0; i < STORE_RUNS_MAX + 7; i++)
		assert_int_equal(buf_addf(&b, "%d run ok - 0 0 0 -\n", i), 0);
	assert_int_equal(store_runs_parse(b.data, b.len, &r, &e), 0);
	assert_int_equal(r.n, STORE_RUNS_MAX);
	assert_int_equal(r.v[0].time_s, 7);
	assert_int_equal(r.bad, 0);
	store_runs_clear(&r);
	buf_clear(&b);
}

static void
the_state_is_of_the_last_runs(void **state)
{
	struct store_run v[] = {
		{ 1 * DAY, "run", "ok" },
		{ 2 * DAY, "verify", "ok" },
		{ 3 * DAY, "run", "failed" },
		{ 4 * DAY, "run", "warn" },
		{ 5 * DAY, "run", "failed" },
		{ 5 * DAY + 5, "restore", "ok" },
		{ 6 * DAY, "run", "refused" },
		{ 6 * DAY, "verify", "failed" },
	};
	struct store_runs r = { .v = v };
	struct store_runs_state s;

	store_runs_state(&r, 9 * DAY, &s);
	assert_null(s.last);
	assert_null(s.good);
	assert_int_equal(s.silent_s, -1);
	assert_false(s.verify_bad);
	r.n = 2;
	store_runs_state(&r, 9 * DAY, &s);
	assert_ptr_equal(s.good, &v[0]);
	assert_int_equal(s.silent_s, 8 * DAY);
	assert_false(s.verify_bad);
	r.n = 8;
	store_runs_state(&r, 9 * DAY, &s);
	assert_ptr_equal(s.last, &v[6]);
	assert_ptr_equal(s.good, &v[3]);
	assert_int_equal(s.failures, 2);
	assert_int_equal(s.silent_s, 5 * DAY);
	assert_ptr_equal(s.verify, &v[7]);
	assert_true(s.verify_bad);
	/* The clock was set back. */
	store_runs_state(&r, DAY, &s);
	assert_int_equal(s.silent_s, 0);
}

static void
the_calendar_has_a_mark_a_day(void **state)
{
	struct store_run v[] = {
		{ 1 * DAY - 1, "run", "ok" },
		{ 1 * DAY, "run", "failed" },
		{ 2 * DAY, "run", "failed" },
		{ 2 * DAY + 9, "run", "ok" },
		{ 3 * DAY - 1, "run", "failed" },
		{ 4 * DAY, "prune", "ok" },
		{ 5 * DAY, "run", "warn" },
		{ 6 * DAY, "run", "ok" },
	};
	static const enum store_runs_day want[] = { STORE_DAY_FAILED,
	    STORE_DAY_OK, STORE_DAY_NONE, STORE_DAY_NONE, STORE_DAY_OK };
	enum store_runs_day days[5];
	struct store_runs r = { .v = v, .n = 8 };

	store_runs_calendar(&r, 5 * DAY + 7, days, 5);
	assert_memory_equal(days, want, sizeof(want));
}

static void
a_torn_line_is_ended_by_the_next_run(void **state)
{
	struct store_runs r;
	struct err e = ERR_INIT;
	int fd;

	assert_int_equal(store_runs_read(&client, &r, &e), 0);
	assert_int_equal(r.n, 0);
	assert_int_equal(store_runs_add(&client, &full, &e), 0);
	fd = openat(client.admin_fd, "runs", O_WRONLY | O_APPEND);
	assert_int_equal(write(fd, "1700", 4), 4);
	close(fd);
	assert_int_equal(store_runs_read(&client, &r, &e), 0);
	assert_int_equal(r.n, 1);
	assert_int_equal(r.bad, 1);
	store_runs_clear(&r);
	assert_int_equal(store_runs_add(&client, &full, &e), 0);
	assert_int_equal(store_runs_read(&client, &r, &e), 0);
	assert_int_equal(r.n, 2);
	assert_int_equal(r.bad, 1);
	assert_memory_equal(&r.v[1], &full, sizeof(full));
	store_runs_clear(&r);
}

static void
a_long_file_of_runs_is_read_from_its_end(void **state)
{
	struct store_runs r;
	struct err e = ERR_INIT;
	int fd, i;

	fd = openat(client.admin_fd, "runs", O_WRONLY | O_CREAT, 0600);
	for (i = 0; i < 5000; i++)
		assert_true(dprintf(fd, "%d run ok - 0 0 0 %01000d\n", i, 0) >
		    0);
	close(fd);
	assert_int_equal(store_runs_read(&client, &r, &e), 0);
	assert_true(r.n > 4000 && r.n < 5000);
	assert_int_equal(r.bad, 0);
	assert_int_equal(r.v[r.n - 1].time_s, 4999);
	store_runs_clear(&r);
}

static void
a_file_of_runs_that_is_none_is_refused(void **state)
{
	struct store_runs r;
	struct err e = ERR_INIT;

	assert_int_equal(symlinkat("snap", client.admin_fd, "runs"), 0);
	assert_int_equal(store_runs_add(&client, &full, &e), -1);
	assert_err(&e, ERR_UNSAFE, "/runs: is a symbolic link");
	assert_int_equal(store_runs_read(&client, &r, &e), -1);
	assert_err(&e, ERR_UNSAFE, "/runs: is a symbolic link");
	assert_int_equal(unlinkat(client.admin_fd, "runs", 0), 0);
	assert_int_equal(mkfifoat(client.admin_fd, "runs", 0600), 0);
	assert_int_equal(store_runs_add(&client, &full, &e), -1);
	assert_err(&e, ERR_UNSAFE, "/runs: not a regular file");
}

static void
a_record_reads_back_as_it_was(void **state)
{
	struct store_rec r = { .rsync = "3.2.7", .mode = "channel",
	    .backend = STORE_BTRFS, .partial = true, .one_fs = true,
	    .files = 1, .bytes = 2, .added = 3, .seconds = 4 }, got;
	struct err e = ERR_INIT;
	struct buf b;

	buf_init(&b, STORE_REC_MAX);
	strv_add(&r.roots, "/");
	strv_add(&r.roots, "/a b\n\377\\");
	strv_add(&r.excludes, "*.o");
	assert_int_equal(store_rec_emit(&r, &b, &e), 0);
	assert_string_equal(b.data, "version 1\nstate partial\nmode channel\n"
	    "backend btrfs\nrsync 3.2.7\nroot /\n"
	    "root /a\\040b\\012\377\\134\nexclude *.o\n"
	    "one-file-system yes\nreal-metadata no\nfiles 1\nbytes 2\nadded 3\nseconds 4\n");
	/* What a later version may add. */
	assert_int_equal(buf_adds(&b, "colour blue\n"), 0);
	assert_int_equal(store_rec_parse(b.data, b.len, "x", &got, &e), 0);
	assert_int_equal(got.roots.n, 2);
	assert_string_equal(got.roots.v[1], "/a b\n\377\\");
	assert_string_equal(got.excludes.v[0], "*.o");
	assert_string_equal(got.rsync, "3.2.7");
	assert_int_equal(got.backend, STORE_BTRFS);
	assert_true(got.partial && got.one_fs);
	assert_int_equal(got.added, 3);
	store_rec_clear(&got);
	store_rec_clear(&r);
	buf_clear(&b);
}

static void
a_broken_record_says_where(void **state)
{
	static const struct { const char *text, *why; } bad[] = {
		{ "", "x: no line 'version'" },
		{ "version 2\n", "x: no value for 'version'" },
		{ "version 1\nversion 1\n", "x: a second 'version'" },
		{ "version 1\nfiles -1\n", "no value for 'files'" },
		{ "version 1\nstate good\n", "no value for 'state'" },
		{ "version 1\nbackend zfs\n", "no value for 'backend'" },
		{ "version 1\none-file-system maybe\n", "no value for" },
		{ "version 1\nfiles 1", "x: " },
		{ "version 1\nfiles\n", "x: " },
		{ "version 1\nmode 0123456789012345678901234567890123456789"
		    "012345678901234567890123\n",
		    "no value for 'mode'" },
	};
	struct store_rec got;
	struct err e = ERR_INIT;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(store_rec_parse(bad[i].text,
		    strlen(bad[i].text), "x", &got, &e), -1);
		assert_err(&e, ERR_CONFIG, bad[i].why);
	}
}

static void
without_memory_a_parser_says_so(void **state)
{
	static const char rec[] = "version 1\nroot /\nexclude a\\040b\n";
	static const char runs[] = "5 run ok a\\040 0 0 0 b\n";
	struct store_rec got;
	struct store_runs r;
	struct err e = ERR_INIT;
	unsigned long n;
	int rc;

	for (n = 1;; n++) {
		failmalloc_arm(n);
		rc = store_rec_parse(rec, sizeof(rec) - 1, "x", &got, &e);
		if (!failmalloc_disarm())
			break;
		assert_int_equal(rc, -1);
		assert_int_equal(e.code, ERR_MEM);
	}
	assert_true(n > 2);
	store_rec_clear(&got);
	failmalloc_arm(1);
	assert_int_equal(store_runs_parse(runs, sizeof(runs) - 1, &r, &e),
	    -1);
	assert_true(failmalloc_disarm());
	assert_int_equal(e.code, ERR_MEM);
}

#define T(f) cmocka_unit_test_setup_teardown(f, store_tmp_enter, \
	store_tmp_leave)

int
main(void)
{
	const struct CMUnitTest all[] = {
		cmocka_unit_test(a_run_is_one_line_and_reads_back),
		cmocka_unit_test(what_is_no_run_is_passed_over),
		cmocka_unit_test(only_the_last_runs_are_read),
		cmocka_unit_test(the_state_is_of_the_last_runs),
		cmocka_unit_test(the_calendar_has_a_mark_a_day),
		cmocka_unit_test(a_record_reads_back_as_it_was),
		cmocka_unit_test(a_broken_record_says_where),
		cmocka_unit_test(without_memory_a_parser_says_so),
		T(a_torn_line_is_ended_by_the_next_run),
		T(a_long_file_of_runs_is_read_from_its_end),
		T(a_file_of_runs_that_is_none_is_refused),
	};

	return cmocka_run_group_tests(all, NULL, NULL);
}
