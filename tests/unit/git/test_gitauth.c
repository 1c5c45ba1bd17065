/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "gitauth.h"

/* ssh-keygen -lf of this key says so. */
#define KEY "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICsoQbzMktlcg1F7" \
	"BFTChMLVQcbnCC23jG+Fgkd/HuVx"
#define FP  "SHA256:TNCWi8sqcLzLwiR4Cg3ylmYrul7sNcBgbZ89SdUvxmo"

static void
check(const char *text, const char *want)
{
	char fp[GITWIRE_FP] = "?";

	gitauth_fp(text, strlen(text), fp);
	assert_string_equal(fp, want);
}

static void
the_key_that_let_in_is_found(void **state)
{
	check("publickey " KEY "\n", FP);
	check("publickey " KEY, FP);
	check("password\npublickey " KEY "\n", FP);
	check("publickey " KEY "\nkeyboard-interactive/pam\n", FP);
}

static void
what_is_no_key_is_a_dash(void **state)
{
	check("", "-");
	check("password\n", "-");
	check("publickey", "-");
	check("publickey ssh-ed25519\n", "-");
	check("publickey ssh-ed25519 !!!!\n", "-");
	check("publickey ssh-ed25519 \n", "-");
	check("hostbased " KEY "\n", "-");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_key_that_let_in_is_found),
		cmocka_unit_test(what_is_no_key_is_a_dash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
