/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "remote/remote.h"

static void remote_script_finds_each_by_name(void **state)
{
	static const char *const names[] = {
		"receive", "push", "push-fifo", "holder",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *text = remote_script(names[i]);

		assert_non_null(text);
		assert_non_null(strstr(text, "say() {\n"));
	}
	assert_null(remote_script("common"));
	assert_null(remote_script(""));
}

static void remote_script_never_ends_its_own_transport(void **state)
{
	const struct remote_script *s;

	for (s = remote_scripts; s->name; s++) {
		size_t len = strlen(s->text);

		assert_int_equal(s->text[len - 1], '\n');
		assert_null(strstr(s->text, "\n#END\n"));
		assert_null(strstr(s->text, "SPDX"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(remote_script_finds_each_by_name),
		cmocka_unit_test(remote_script_never_ends_its_own_transport),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
