/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "base/strv.h"
#include "failmalloc.h"

static void
a_zeroed_struct_is_an_empty_vector(void **state)
{
	struct strv s = { 0 };

	assert_false(strv_has(&s, ""));
	strv_clear(&s);
	assert_null(s.v);
}

static void
words_are_copied_and_the_vector_ends_in_null(void **state)
{
	char word[] = "one";
	char *const more[] = { (char []){ "x" }, (char []){ "y" }, NULL };
	struct strv s = { 0 };
	int i;

	assert_int_equal(strv_add(&s, word), 0);
	word[0] = 'X';
	assert_int_equal(strv_addf(&s, "n=%d", 5), 0);
	assert_int_equal(strv_addv(&s, more), 0);
	for (i = 0; i < 100; i++)
		assert_int_equal(strv_add(&s, ""), 0);
	assert_int_equal(s.n, 104);
	assert_string_equal(s.v[0], "one");
	assert_string_equal(s.v[1], "n=5");
	assert_string_equal(s.v[3], "y");
	assert_null(s.v[104]);
	strv_clear(&s);
	assert_int_equal(s.n, 0);
}

static void
the_count_is_capped(void **state)
{
	struct strv s = { .max = 2 };

	assert_int_equal(strv_add(&s, "a"), 0);
	assert_int_equal(strv_add(&s, "b"), 0);
	assert_int_equal(strv_add(&s, "c"), -1);
	assert_int_equal(strv_addf(&s, "c"), -1);
	assert_int_equal(s.n, 2);
	strv_clear(&s);
	assert_int_equal(s.max, 2);
}

static void
has_compares_whole_words(void **state)
{
	struct strv s = { 0 };

	strv_add(&s, "host1");
	assert_true(strv_has(&s, "host1"));
	assert_false(strv_has(&s, "host"));
	assert_false(strv_has(&s, "Host1"));
	strv_clear(&s);
}

static void
out_of_memory_adds_nothing(void **state)
{
	unsigned long n;
	int i, rc = 0;

	for (i = 0; i < 2; i++) {
		for (n = 1;; n++) {
			struct strv s = { 0 };

			failmalloc_arm(n);
			rc = i == 0 ? strv_add(&s, "w") :
			    strv_addf(&s, "%s", "w");
			if (!failmalloc_disarm()) {
				strv_clear(&s);
				break;
			}
			assert_int_equal(rc, -1);
			assert_int_equal(s.n, 0);
			strv_clear(&s);
		}
		assert_int_equal(rc, 0);
		/* The word and the vector. */
		assert_int_equal(n, 3);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_zeroed_struct_is_an_empty_vector),
		cmocka_unit_test(words_are_copied_and_the_vector_ends_in_null),
		cmocka_unit_test(the_count_is_capped),
		cmocka_unit_test(has_compares_whole_words),
		cmocka_unit_test(out_of_memory_adds_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
