/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include <string.h>

#include "reply.h"

static int
parse(const char *text, struct reply *r, struct err *e)
{
	return reply_parse(text, strlen(text), r, e);
}

/* --json says it again, in which numbers have a sign. */
static void
a_number_that_json_would_make_a_negative_one_is_none(void **state)
{
	struct reply r = { .vanished = 7 };
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(parse("status 24\nvanished 18446744073709551615\n",
	    &r, &e), -1);
	assert_err(&e, ERR_PEER, "vanished is no number");
	assert_int_equal(parse("status 0\nbytes 9223372036854775808\n", &r,
	    &e), -1);
	assert_int_equal(r.vanished, 7);
	assert_int_equal(parse("status 24\nvanished 9223372036854775807\n",
	    &r, &e), 0);
	assert_true((int64_t)r.vanished == INT64_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_number_that_json_would_make_a_negative_one_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
