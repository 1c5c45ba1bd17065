/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include <sys/wait.h>

#include "keyproc.h"

static struct err e;

/* sh -c script, with len bytes at in; its stdout into out. */
static struct keyproc_end
run(const char *script, const char *in, size_t len, struct buf *out)
{
	char *argv[] = { "sh", "-c", (char *)(uintptr_t)script, NULL };
	struct keyproc p = { .argv = argv, .in = in, .in_len = len,
		.timeout_ms = 60000 };
	struct keyproc_end end;

	buf_init(out, 4096);
	if (keyproc_run(&p, out, &end, &e) == -1)
		fail_msg("%s", e.msg);
	return end;
}

/* As all keys of a large site are. */
static void
many_megabytes_reach_its_standard_input(void **state)
{
	const size_t len = (size_t)20 << 20;
	char *in = malloc(len);
	struct keyproc_end end;
	struct buf out;

	assert_non_null(in);
	memset(in, 'k', len);
	end = run("wc -c", in, len, &out);
	assert_int_equal(keyproc_why(&end, "sh", &e), 0);
	assert_int_equal(strtoul(out.data, NULL, 10), len);
	buf_clear(&out);
	free(in);
}

static void
nothing_may_be_sent_too(void **state)
{
	struct keyproc_end end;
	struct buf out;

	end = run("wc -c", "", 0, &out);
	assert_int_equal(keyproc_why(&end, "sh", &e), 0);
	assert_string_equal(out.data, "0\n");
	buf_clear(&out);
}

/* What is left of a time may be nothing. */
static void
no_time_is_not_for_ever(void **state)
{
	char *argv[] = { "sh", "-c", "exec sleep 1000", NULL };
	struct keyproc p = { .argv = argv, .in = "", .in_len = 0 };
	struct keyproc_end end;
	struct buf out;

	buf_init(&out, 100);
	assert_int_equal(keyproc_run(&p, &out, &end, &e), 0);
	assert_true(end.timed_out);
	assert_int_equal(keyproc_why(&end, "sleep", &e), -1);
	assert_err(&e, ERR_TIMEOUT, "took too long");
	buf_clear(&out);
}

/* Root runs programs as git: they are not to reach root's terminal. */
static void
it_has_no_terminal_of_ours(void **state)
{
	struct keyproc_end end;
	struct buf out;
	long pid, session;
	char *rest;

	end = run("read p c s ppid grp sid tty rest </proc/self/stat; "
	    "echo $p $sid $tty", "", 0, &out);
	assert_int_equal(keyproc_why(&end, "sh", &e), 0);
	/* It leads its session, which has no terminal. */
	pid = strtol(out.data, &rest, 10);
	session = strtol(rest, &rest, 10);
	assert_int_equal(session, pid);
	assert_string_equal(rest, " 0\n");
	buf_clear(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_megabytes_reach_its_standard_input),
		cmocka_unit_test(nothing_may_be_sent_too),
		cmocka_unit_test(no_time_is_not_for_ever),
		cmocka_unit_test(it_has_no_terminal_of_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
