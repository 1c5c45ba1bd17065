/* SPDX-License-Identifier: ISC */
/* What goes to a child and comes from it. */
#include <sys/wait.h>

#include "childrun.h"

static void
an_over_long_line_is_cut_and_said_to_be(void **state)
{
	struct run *r = *state;
	struct child_spec s = sh_spec(r, "echo 123456789; echo 1234");

	s.line_max = 4;
	start(r, &s);
	finish(r);
	assert_string_equal(r->out.data, "1:1234...|1:1234|");
}

static void
a_child_that_closes_its_stdin_early_goes_on(void **state)
{
	static char big[500000];
	struct run *r = *state;
	struct child_spec s = sh_spec(r, "exec <&-; echo on; exit 4");

	start(r, &s);
	assert_int_equal(child_send(r->child, big, sizeof(big), NULL), 0);
	assert_int_equal(child_send_secret(r->child, big, 5, on_done, r,
	    NULL), 0);
	finish(r);
	assert_string_equal(r->out.data, "1:on|");
	assert_int_equal(WEXITSTATUS(r->status), 4);
	assert_int_equal(r->done, 1);
}

static void
what_follows_the_line_is_raw(void **state)
{
	struct run *r = *state;
	struct child_spec s = sh_spec(r,
	    "printf 'hello\\nraw\\na\\0b\\n'; cat; echo err >&2");

	r->raw_at = "raw";
	start(r, &s);
	assert_int_equal(child_send(r->child, "echoed\n", 7, NULL), 0);
	child_close_stdin(r->child);
	assert_int_equal(child_send(r->child, "no", 2, NULL), -1);
	finish(r);
	assert_string_equal(r->out.data, "1:hello|1:raw|");
	assert_string_equal(r->err.data, "2:err|");
	assert_int_equal(r->raw.len, 11);
	assert_memory_equal(r->raw.data, "a\0b\nechoed\n", 11);
	assert_int_equal(r->eofs, 1);
}

static void
a_secret_is_written_in_its_place_and_done_is_called_once(void **state)
{
	struct run *r = *state;
	struct child_spec s = sh_spec(r, "cat");
	struct err e = ERR_INIT;
	static char key[] = "KEY";

	start(r, &s);
	child_send(r->child, "a\n", 2, &e);
	child_send_secret(r->child, key, 3, on_done, r, &e);
	child_send(r->child, "\nb\n", 3, &e);
	assert_int_equal(child_queued(r->child), 8);
	assert_int_equal(r->done, 0);
	child_close_stdin(r->child);
	finish(r);
	assert_string_equal(r->out.data, "1:a|1:KEY|1:b|");
	assert_int_equal(r->done, 1);
}

static void
freeing_gives_a_secret_back(void **state)
{
	struct run *r = *state;
	struct child_spec s = sh_spec(r, "cat");

	start(r, &s);
	child_send_secret(r->child, "key", 3, on_done, r, NULL);
	child_free(r->child);
	r->child = NULL;
	assert_int_equal(r->done, 1);
}

static void
close_stdin(void *arg)
{
	struct run *r = arg;

	r->done++;
	child_close_stdin(r->child);
}

static void
stdin_can_be_closed_when_a_secret_is_given_back(void **state)
{
	struct run *r = *state;
	struct child_spec s = sh_spec(r, "cat");

	start(r, &s);
	assert_int_equal(child_send_secret(r->child, "key\n", 4, close_stdin,
	    r, NULL), 0);
	finish(r);
	assert_string_equal(r->out.data, "1:key|");
	assert_int_equal(r->done, 1);
}

static void
free_child(void *arg)
{
	struct run *r = arg;

	r->done++;
	child_free(r->child);
	r->child = NULL;
}

static void
closing_stdin_gives_back_an_empty_secret(void **state)
{
	struct run *r = *state;
	struct child_spec s = sh_spec(r, "cat");

	start(r, &s);
	assert_int_equal(child_send_secret(r->child, "", 0, free_child, r,
	    NULL), 0);
	child_close_stdin(r->child);
	assert_null(r->child);
	assert_int_equal(r->done, 1);
}

static void
an_empty_secret_is_given_back_when_nothing_follows(void **state)
{
	struct run *r = *state;
	struct child_spec s = sh_spec(r, "cat");

	start(r, &s);
	assert_int_equal(child_send_secret(r->child, "", 0, close_stdin, r,
	    NULL), 0);
	assert_int_equal(child_send(r->child, "", 0, NULL), 0);
	finish(r);
	assert_int_equal(r->done, 1);
}

static void
more_than_the_cap_is_refused(void **state)
{
	struct run *r = *state;
	struct child_spec s = sh_spec(r, "cat");
	struct err e = ERR_INIT;

	s.out_max = 10;
	start(r, &s);
	assert_int_equal(child_send(r->child, "12345678", 8, &e), 0);
	assert_int_equal(child_send(r->child, "12345678", 8, &e), -1);
	assert_int_equal(e.code, ERR_MEM);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(an_over_long_line_is_cut_and_said_to_be),
		T(a_child_that_closes_its_stdin_early_goes_on),
		T(what_follows_the_line_is_raw),
		T(a_secret_is_written_in_its_place_and_done_is_called_once),
		T(freeing_gives_a_secret_back),
		T(stdin_can_be_closed_when_a_secret_is_given_back),
		T(closing_stdin_gives_back_an_empty_secret),
		T(an_empty_secret_is_given_back_when_nothing_follows),
		T(more_than_the_cap_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
