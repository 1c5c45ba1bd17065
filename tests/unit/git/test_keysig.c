/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "keysig.h"

#define BEGIN	"-----BEGIN SSH SIGNATURE-----\n"
#define END	"-----END SSH SIGNATURE-----\n"
/* By ssh-keygen -Y sign. */
#define SIG BEGIN \
    "U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgvfPijC7cus3YWBpRCevs4lvhEf\n" \
    "c+XL+GvEU6i9ZQ7rUAAAABeAAAAAAAAAAGc2hhNTEyAAAAUwAAAAtzc2gtZWQyNTUxOQAA\n" \
    "AEA=\n" END

static struct err e;

static int
find(const char *s, size_t n, size_t *len)
{
	e = (struct err)ERR_INIT;
	*len = 999;
	return keysig_find(s, n, len, &e);
}

static void
a_signature_is_found_whatever_pieces_it_comes_in(void **state)
{
	static const char text[] = SIG "-----BEGIN POSTERN GIT KEYS-----\n";
	size_t n, len;

	for (n = 0; n < sizeof(text); n++) {
		if (find(text, n, &len) == -1)
			fail_msg("%zu: %s", n, e.msg);
		assert_int_equal(len, n < strlen(SIG) ? 0 : strlen(SIG));
	}
}

static void
what_can_not_become_one_is_refused_at_once(void **state)
{
	static const struct { const char *s, *why; } t[] = {
		{ "x", "does not begin" }, { "\n", "does not begin" },
		{ "-----BEGIN POSTERN", "does not begin" },
		{ "-----BEGIN SSH SIGNATURE-----\r\n", "does not begin" },
		{ BEGIN "\n", "no base64" }, { BEGIN "AA AA\n", "no base64" },
		{ BEGIN "AAAA\r\n", "no base64" }, { BEGIN END, "no base64" },
		{ BEGIN "AAAA\n\n", "no base64" },
		{ BEGIN "AAAA\n-----END X", "another mark" },
		{ BEGIN "AAAA\n" BEGIN, "another mark" },
		{ BEGIN "AAAA\n" "-----END SSH SIGNATURE-----\r\n",
		    "another mark" },
		{ BEGIN "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		    "AAAAAAAAAAAAAAAAAAAAAAAAAA", "too long" },
	};
	static char flood[KEYSIG_MAX + 1];
	size_t i, len;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		if (find(t[i].s, strlen(t[i].s), &len) != -1)
			fail_msg("taken: %s", t[i].s);
		assert_err(&e, ERR_PEER, t[i].why);
		assert_int_equal(len, 999);
	}
	assert_int_equal(find(BEGIN "AA\0A", strlen(BEGIN) + 4, &len), -1);
	assert_err(&e, ERR_PEER, "no base64");
	memset(flood, 'A', sizeof(flood));
	memcpy(flood, BEGIN, strlen(BEGIN));
	for (i = strlen(BEGIN) + 70; i < sizeof(flood); i += 71)
		flood[i] = '\n';
	assert_int_equal(find(flood, KEYSIG_MAX - 1, &len), 0);
	assert_int_equal(len, 0);
	assert_int_equal(find(flood, KEYSIG_MAX, &len), -1);
	assert_err(&e, ERR_PEER, "does not end");
	/* An end beyond the maximum does not count. */
	assert_int_equal(find(flood, sizeof(flood), &len), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_signature_is_found_whatever_pieces_it_comes_in),
		cmocka_unit_test(what_can_not_become_one_is_refused_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
