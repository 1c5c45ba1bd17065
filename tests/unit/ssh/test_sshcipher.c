/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "ssh/sshcipher.h"

static void
only_the_same_list_in_the_same_order_is_the_same(void **state)
{
	static const char plain[] = "user root\nciphers a,b\nmacs a,b\n";

	assert_true(sshcipher_same("ciphers a,b\n", plain));
	assert_true(sshcipher_same("port 22\nciphers a,b", plain));
	assert_false(sshcipher_same("ciphers b,a\n", plain));
	assert_false(sshcipher_same("ciphers a\n", plain));
	assert_false(sshcipher_same("ciphers a,b,c\n", plain));
	assert_false(sshcipher_same("xciphers a,b\n", plain));
	assert_false(sshcipher_same("xciphers a,b\n", "xciphers a,b\n"));
	assert_false(sshcipher_same("", ""));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    only_the_same_list_in_the_same_order_is_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
