/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "base/buf.h"
#include "failmalloc.h"

static void
an_empty_buffer_reads_as_an_empty_string(void **state)
{
	struct buf b;

	buf_init(&b, 10);
	assert_string_equal(b.data, "");
	assert_int_equal(b.len, 0);
	buf_clear(&b);
	assert_string_equal(b.data, "");
}

static void
clear_is_legal_on_a_zeroed_struct(void **state)
{
	struct buf b = { 0 };

	buf_clear(&b);
	assert_int_equal(buf_addc(&b, 'x'), -1);
}

static void
everything_that_is_added_stays_in_order(void **state)
{
	struct buf b;

	buf_init(&b, 100);
	assert_int_equal(buf_add(&b, "a\0b", 3), 0);
	assert_int_equal(buf_adds(&b, "cd"), 0);
	assert_int_equal(buf_addc(&b, 'e'), 0);
	assert_int_equal(buf_addf(&b, "%d-%s", 42, "f"), 0);
	assert_int_equal(buf_add(&b, NULL, 0), 0);
	assert_int_equal(b.len, 10);
	assert_memory_equal(b.data, "a\0bcde42-f", 11);
	buf_clear(&b);
}

static void
the_cap_is_reached_and_never_passed(void **state)
{
	struct buf b;
	size_t i;

	buf_init(&b, 1000);
	for (i = 0; i < 1000; i++)
		assert_int_equal(buf_addc(&b, 'x'), 0);
	assert_int_equal(buf_addc(&b, 'y'), -1);
	assert_int_equal(buf_addf(&b, "%s", "y"), -1);
	assert_int_equal(buf_add(&b, "y", SIZE_MAX), -1);
	assert_int_equal(b.len, 1000);
	assert_int_equal(strlen(b.data), 1000);
	assert_true(b.cap <= 1001);
	buf_eat(&b, 1);
	assert_int_equal(buf_addc(&b, 'z'), 0);
	assert_int_equal(b.data[999], 'z');
	buf_clear(&b);
}

static void
eating_leaves_the_rest(void **state)
{
	struct buf b;

	buf_init(&b, 100);
	buf_eat(&b, 0);
	buf_adds(&b, "hello world");
	buf_eat(&b, 6);
	assert_string_equal(b.data, "world");
	buf_eat(&b, 5);
	assert_string_equal(b.data, "");
	assert_int_equal(b.len, 0);
	buf_clear(&b);
}

static void
stealing_hands_over_and_empties(void **state)
{
	struct buf b;
	char *p;

	buf_init(&b, 100);
	buf_adds(&b, "mine");
	p = buf_steal(&b);
	assert_string_equal(p, "mine");
	free(p);
	assert_int_equal(b.len, 0);
	p = buf_steal(&b);
	assert_string_equal(p, "");
	free(p);
	assert_int_equal(buf_adds(&b, "again"), 0);
	buf_clear(&b);
}

static void
out_of_memory_appends_nothing(void **state)
{
	struct buf b;
	char big[200];

	memset(big, 'x', sizeof(big));
	buf_init(&b, 1000);
	failmalloc_arm(1);
	assert_int_equal(buf_adds(&b, "a"), -1);
	assert_true(failmalloc_disarm());
	assert_string_equal(b.data, "");
	assert_int_equal(buf_adds(&b, "abc"), 0);
	failmalloc_arm(1);
	assert_int_equal(buf_add(&b, big, sizeof(big)), -1);
	assert_true(failmalloc_disarm());
	assert_string_equal(b.data, "abc");
	failmalloc_arm(1);
	assert_int_equal(buf_addf(&b, "%200d", 1), -1);
	assert_true(failmalloc_disarm());
	assert_string_equal(b.data, "abc");
	assert_int_equal(b.len, 3);
	buf_clear(&b);
	failmalloc_arm(1);
	assert_null(buf_steal(&b));
	assert_true(failmalloc_disarm());
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_buffer_reads_as_an_empty_string),
		cmocka_unit_test(clear_is_legal_on_a_zeroed_struct),
		cmocka_unit_test(everything_that_is_added_stays_in_order),
		cmocka_unit_test(the_cap_is_reached_and_never_passed),
		cmocka_unit_test(eating_leaves_the_rest),
		cmocka_unit_test(stealing_hands_over_and_empties),
		cmocka_unit_test(out_of_memory_appends_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
