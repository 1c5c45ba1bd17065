/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include <string.h>

#include "answer.h"

static void
feed(struct answer *a, const char *s)
{
	answer_feed(a, s, strlen(s));
}

static void
answer_keeps_the_last_refusal(void **state)
{
	struct answer a = { 0 };

	(void)state;
	feed(&a, "OK (cmd_finished).\nPermission denied!\nOK\n");
	assert_string_equal(a.last, "Permission denied!");
	feed(&a, "File is also marked dirty here!\n");
	assert_string_equal(a.last, "File is also marked dirty here!");
}

static void
answer_joins_a_line_that_comes_in_pieces(void **state)
{
	struct answer a = { 0 };

	(void)state;
	feed(&a, "Perm");
	feed(&a, "ission den");
	assert_string_equal(a.last, "");
	feed(&a, "ied!\n");
	assert_string_equal(a.last, "Permission denied!");
}

static void
answer_passes_over_binary_data_and_long_lines(void **state)
{
	struct answer a = { 0 };
	char longer[ANSWER_MAX + 2];

	(void)state;
	memset(longer, 'A', sizeof(longer));
	longer[sizeof(longer) - 1] = '\n';
	answer_feed(&a, longer, sizeof(longer));
	answer_feed(&a, "Abc\0def\n", 8);
	answer_feed(&a, "Abc\033[31mdef\n", 12);
	feed(&a, "v1:0:0\n");
	assert_string_equal(a.last, "");
	feed(&a, "Real answer\n");
	assert_string_equal(a.last, "Real answer");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answer_keeps_the_last_refusal),
		cmocka_unit_test(answer_joins_a_line_that_comes_in_pieces),
		cmocka_unit_test(answer_passes_over_binary_data_and_long_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
