/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "failmalloc.h"
#include "keyrules.h"
#include "lists.h"

static void
an_update_has_to_be_newer_and_not_much_smaller(void **state)
{
	static const struct {
		struct keyrules r;
		uint64_t sequence;
		size_t count;
		const char *why;
	} t[] = {
		{ { 0, 0, 0, 0, false }, 1, 0, NULL },
		{ { 0, 0, 1, 50, false }, 1, 1, NULL },
		{ { 7, 10, 1, 50, false }, 8, 10, NULL },
		{ { 7, 10, 1, 50, false }, 100, 99, NULL },
		{ { 7, 10, 1, 50, false }, 8, 5, NULL },
		{ { 7, 10, 1, 0, false }, 8, 10, NULL },
		{ { 7, 10, 0, 100, false }, 8, 0, NULL },
		{ { 7, 10, 0, 1000, false }, 8, 0, NULL },
		{ { 7, 10, 5, 0, true }, 8, 0, NULL },
		{ { 7, 3, 1, 33, false }, 8, 3, NULL },
		{ { 7, 10, 1, 50, false }, 7, 10, "older than those" },
		{ { 7, 10, 1, 50, false }, 6, 10, "sequence 6, and 7" },
		{ { 7, 10, 1, 50, true }, 7, 10, "older than those" },
		{ { 7, 10, 1, 50, true }, 0, 10, "older than those" },
		{ { UINT64_MAX, 1, 1, 50, true }, UINT64_MAX, 1, "older" },
		{ { 7, 3, 1, 50, false }, 8, 1, NULL },
		{ { 7, 11, 1, 50, false }, 8, 1, NULL },
		{ { 7, 3, 1, 0, false }, 8, 1, NULL },
		{ { 7, 12, 1, 50, false }, 8, 1, "11 of 12 keys would go" },
		{ { 7, 11, 0, 99, false }, 8, 0, "11 of 11 keys" },
		{ { 7, 34, 1, 33, false }, 8, 23, NULL },
		{ { 7, 33, 1, 33, false }, 8, 22, "more than 33 %" },
		{ { 7, 99, 1, 0, false }, 8, 88, "more than 0 %" },
		{ { 0, 0, 1, 50, false }, 1, 0, "only 0 keys" },
		{ { 7, 10, 10, 50, false }, 8, 9, "at least 10" },
	};
	struct err e;
	size_t i;
	int rc;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		e = (struct err)ERR_INIT;
		rc = keyrules_check(&t[i].r, t[i].sequence, t[i].count, &e);
		if ((rc == 0) != (t[i].why == NULL))
			fail_msg("row %zu: %d %s", i, rc, e.msg);
		if (rc == -1)
			assert_err(&e, ERR_REFUSED, t[i].why);
	}
}

static struct { size_t n; char text[8][64]; } dups;

static void
on_dup(void *arg, const struct keylist_key *key,
    const struct keylist_key *first)
{
	if (dups.n < 8)
		snprintf(dups.text[dups.n], sizeof(dups.text[0]), "%s %s, %s "
		    "%s", key->id, key->where, first->id, first->where);
	dups.n++;
}

static void
a_key_is_whose_it_was_first(void **state)
{
	struct keylist l = { 0 }, base = { 0 };
	struct err e = ERR_INIT;
	size_t i;

	memset(&dups, 0, sizeof(dups));
	assert_int_equal(list_add(&base, "", LINE(RSA2), "base:1"), 0);
	assert_int_equal(list_add(&base, "", LINE(RSA2), "base:2"), 0);
	assert_int_equal(list_add(&l, "a", LINE(P256), "a.pub"), 0);
	assert_int_equal(list_add(&l, "b", LINE(ED), "b.pub"), 0);
	assert_int_equal(list_add(&l, "c", LINE(P256), "c.pub"), 0);
	assert_int_equal(list_add(&l, "push", LINE(RSA2), "push.pub"), 0);
	assert_int_equal(list_add(&l, "a", LINE(SKED), "x/a.pub"), 0);
	assert_int_equal(list_add(&l, "d", LINE(P256), "y/d.pub"), 0);
	assert_int_equal(list_add(&l, "push", LINE(RSA2), "z/push.pub"), 0);
	assert_int_equal(keyrules_unique(&l, &base, on_dup, NULL, &e), 0);
	assert_int_equal(dups.n, 4);
	assert_string_equal(dups.text[0], "c c.pub, a a.pub");
	assert_memory_equal(dups.text[1], "push push.pub,  base:", 21);
	assert_string_equal(dups.text[2], "d y/d.pub, a a.pub");
	assert_memory_equal(dups.text[3], "push z/push.pub,  base:", 23);
	assert_int_equal(l.n, 3);
	assert_string_equal(l.v[0].where, "a.pub");
	assert_string_equal(l.v[1].where, "b.pub");
	assert_string_equal(l.v[2].where, "x/a.pub");
	assert_int_equal(base.n, 2);
	keylist_clear(&base);
	assert_int_equal(keyrules_unique(&l, NULL, NULL, NULL, &e), 0);
	assert_int_equal(l.n, 3);
	keylist_clear(&l);
	assert_int_equal(keyrules_unique(&l, &base, on_dup, NULL, &e), 0);

	/* One key ever so often. */
	dups.n = 0;
	for (i = 0; i < 20000; i++)
		assert_int_equal(list_add(&l, "a", LINE(ED), ""), 0);
	assert_int_equal(keyrules_unique(&l, NULL, on_dup, NULL, &e), 0);
	assert_int_equal(l.n, 1);
	assert_int_equal(dups.n, 19999);
	keylist_clear(&l);
}

static void
out_of_memory_leaves_the_list_as_it_was(void **state)
{
	struct keylist l = { 0 };
	struct err e = ERR_INIT;
	unsigned long n;
	int rc;

	assert_int_equal(list_add(&l, "a", LINE(ED), ""), 0);
	assert_int_equal(list_add(&l, "b", LINE(ED), ""), 0);
	for (n = 1;; n++) {
		failmalloc_arm(n);
		rc = keyrules_unique(&l, NULL, NULL, NULL, &e);
		if (!failmalloc_disarm())
			break;
		assert_int_equal(rc, -1);
		assert_int_equal(e.code, ERR_MEM);
		assert_int_equal(l.n, 2);
	}
	assert_int_equal(rc, 0);
	assert_int_equal(n, 5);
	assert_int_equal(l.n, 1);
	keylist_clear(&l);
}

static void
a_list_has_an_end(void **state)
{
	struct keylist l = { 0 };
	struct err e = ERR_INIT;
	struct keyline k;
	size_t i;

	assert_int_equal(keyline_parse(LINE(ED), strlen(LINE(ED)), &k, &e), 0);
	for (i = 0; i < KEYLIST_MAX; i++)
		if (keylist_add(&l, "a", &k, "", &e) == -1)
			fail_msg("%zu: %s", i, e.msg);
	assert_int_equal(keylist_add(&l, "a", &k, "", &e), -1);
	assert_err(&e, ERR_REFUSED, "more than 200000 keys");
	keylist_clear(&l);
	assert_int_equal(l.n, 0);
	keylist_clear(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    an_update_has_to_be_newer_and_not_much_smaller),
		cmocka_unit_test(a_key_is_whose_it_was_first),
		cmocka_unit_test(out_of_memory_leaves_the_list_as_it_was),
		cmocka_unit_test(a_list_has_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
