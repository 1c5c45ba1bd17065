/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "keybase.h"
#include "keys.h"
#include "place.h"

static struct { size_t n; char text[8][ERR_MSG_MAX]; } told;

static void
on_bad(void *arg, const struct err *why)
{
	assert_ptr_equal(arg, &told);
	assert_true(told.n < 8);
	snprintf(told.text[told.n++], sizeof(told.text[0]), "%s", why->msg);
}

static void
a_line_that_is_no_key_stops_nothing(void **state)
{
	struct keylist l = { 0 };
	struct err e = ERR_INIT;

	put("keys", "# root's\n" LINE(ED) "\n" T_DSA " " K_DSA "\n"
	    LINE(CERT) "\nslip\n\nrestrict,command=\"/p ann\" " LINE(P256));
	assert_int_equal(keybase_read(at("keys"), &l, on_bad, &told, &e), 0);
	assert_int_equal(l.n, 2);
	assert_string_equal(l.v[1].id, "ann");
	assert_int_equal(told.n, 3);
	assert_non_null(strstr(told.text[0], "/keys:3: a DSA key"));
	assert_non_null(strstr(told.text[1], "/keys:4: a certificate"));
	assert_non_null(strstr(told.text[2], "/keys:5: "));
	keylist_clear(&l);
	/* Nobody has to be told. */
	assert_int_equal(keybase_read(at("keys"), &l, NULL, NULL, &e), 0);
	assert_int_equal(l.n, 2);
	keylist_clear(&l);
}

static void
no_file_is_no_key_and_an_unreadable_one_an_error(void **state)
{
	struct keylist l = { 0 };
	struct err e = ERR_INIT;

	assert_int_equal(keybase_read(NULL, &l, NULL, NULL, &e), 0);
	assert_int_equal(keybase_read(at("none"), &l, NULL, NULL, &e), 0);
	assert_int_equal(l.n, 0);
	assert_int_equal(keybase_read(place, &l, NULL, NULL, &e), -1);
	assert_err(&e, ERR_CONFIG, "not a regular file");
	/* No slip in a line. */
	put_n("nul", "x\0y\n", 4);
	assert_int_equal(keybase_read(at("nul"), &l, NULL, NULL, &e), -1);
	assert_err(&e, ERR_CONFIG, "NUL");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		in_place(a_line_that_is_no_key_stops_nothing),
		in_place(no_file_is_no_key_and_an_unreadable_one_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
