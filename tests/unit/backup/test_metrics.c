/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "failmalloc.h"
#include "metrics.h"
#include "sys/file.h"

#define P "postern_backup_job_"

static char path[] = "/tmp/postern-metrics-XXXXXX";

static const struct metrics good = { .run_s = 1700000000, .status = 0,
	.seconds = 12, .good_s = 1700000000, .files = 34, .bytes = 56789,
	.added = 123, .vanished = 7, .changed = 3 };

static void
a_line_for_each_with_its_help_and_type(void **state)
{
	struct err e = ERR_INIT;
	struct buf b;

	(void)state;
	buf_init(&b, METRICS_MAX);
	assert_int_equal(metrics_emit(&good, "home", &b, &e), 0);
	assert_non_null(strstr(b.data, "# HELP " P "snapshot_bytes What they "
	    "hold.\n# TYPE " P "snapshot_bytes gauge\n"
	    P "snapshot_bytes{backup_job=\"home\"} 56789\n"));
	assert_non_null(strstr(b.data, "\n" P "last_run_status{backup_job="
	    "\"home\"} 0\n"));
	buf_clear(&b);
}

static void
what_never_was_has_no_line(void **state)
{
	const struct metrics m = { .run_s = 1700000000, .status = 75 };
	struct err e = ERR_INIT;
	struct buf b;

	(void)state;
	buf_init(&b, METRICS_MAX);
	assert_int_equal(metrics_emit(&m, "home", &b, &e), 0);
	assert_non_null(strstr(b.data, "status{backup_job=\"home\"} 75\n"));
	assert_null(strstr(b.data, "success"));
	assert_null(strstr(b.data, "snapshot"));
	buf_clear(&b);
}

static void
it_reads_what_it_has_written_and_nothing_else(void **state)
{
	struct metrics m = { .files = 7 };
	struct err e = ERR_INIT;
	struct buf b;

	(void)state;
	buf_init(&b, METRICS_MAX);
	assert_int_equal(metrics_emit(&good, "home", &b, &e), 0);
	metrics_parse(b.data, &m);
	assert_memory_equal(&m, &good, sizeof(m));
	buf_clear(&b);
	m = (struct metrics){ .files = 7 };
	metrics_parse("", &m);
	metrics_parse("\n\n" P "snapshot_files", &m);
	metrics_parse(P "snapshot_files{backup_job=\"x\"} -3\n", &m);
	metrics_parse(P "snapshot_files{backup_job=\"x\"} 3.5\n", &m);
	metrics_parse(P "snapshot_files{backup_job=\"x\"} 3", &m);
	metrics_parse("x" P "snapshot_files{backup_job=\"x\"} 3\n", &m);
	metrics_parse(P "snapshot_files_{backup_job=\"x\"} 3\n", &m);
	assert_int_equal(m.files, 7);
	metrics_parse(P "snapshot_files{backup_job=\"x\"} 3\n", &m);
	assert_int_equal(m.files, 3);
}

static void
a_failed_run_leaves_what_the_last_good_one_was(void **state)
{
	const struct metrics failed = { .run_s = 1700009999, .status = 1,
		.seconds = 3 };
	struct metrics m = { 0 };
	struct err e = ERR_INIT;
	struct stat st;
	struct buf b;

	(void)state;
	close(mkstemp(path));
	assert_int_equal(metrics_write(path, "home", &failed, &e), 0);
	assert_int_equal(metrics_write(path, "home", &good, &e), 0);
	assert_int_equal(metrics_write(path, "home", &failed, &e), 0);
	buf_init(&b, METRICS_MAX);
	assert_int_equal(file_read(path, &b, &e), 0);
	metrics_parse(b.data, &m);
	assert_int_equal(m.run_s, failed.run_s);
	assert_int_equal(m.status, 1);
	assert_int_equal(m.seconds, 3);
	assert_int_equal(m.good_s, good.good_s);
	assert_int_equal(m.files, good.files);
	assert_int_equal(m.added, good.added);
	assert_int_equal(m.vanished, 7);
	assert_int_equal(m.changed, 3);
	/* node_exporter is somebody else. */
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
	buf_clear(&b);
	unlink(path);
	assert_int_equal(metrics_write("/nowhere/x", "home", &good, &e), -1);
	assert_err(&e, ERR_SYS, "/nowhere");
}

static void
without_memory_it_says_so(void **state)
{
	struct err e = ERR_INIT;
	struct buf b;
	int rc;

	(void)state;
	buf_init(&b, METRICS_MAX);
	failmalloc_arm(1);
	rc = metrics_emit(&good, "home", &b, &e);
	assert_true(failmalloc_disarm());
	assert_int_equal(rc, -1);
	assert_int_equal(e.code, ERR_MEM);
	buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_for_each_with_its_help_and_type),
		cmocka_unit_test(what_never_was_has_no_line),
		cmocka_unit_test(it_reads_what_it_has_written_and_nothing_else),
		cmocka_unit_test(
		    a_failed_run_leaves_what_the_last_good_one_was),
		cmocka_unit_test(without_memory_it_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
