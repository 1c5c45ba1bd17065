/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include <stdio.h>

#include "version.h"

static void
a_version_is_read_as_rsync_says_it(void **state)
{
	static const char *const t[][2] = {
		{ "rsync  version 3.2.7  protocol version 31", "3.2.7" },
		{ "rsync  version 3.2.7pre1  protocol version 31",
		    "3.2.7pre1" },
		{ "rsync  version v3.2.7pre1  protocol version 31",
		    "3.2.7pre1" },
		{ "rsync  version v3.4.1-28-g5ad5bcb0  protocol", "3.4.1" },
		{ "rsync  version 3.5.0", "3.5.0" },
		{ "rsync  version ", NULL }, { "rsync  version vv3.2.7", NULL },
		{ "rsync  version unknown", NULL }, { "openrsync: protocol "
		    "version 29", NULL }, { "rsync  version 3.33333333333333333"
		    "333333333333333", NULL }, { "", NULL },
	};
	char said[VERSION_MAX + 1];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		snprintf(said, sizeof(said), "as it was");
		assert_int_equal(version_line(t[i][0], said),
		    t[i][1] != NULL);
		assert_string_equal(said, t[i][1] != NULL ? t[i][1] :
		    "as it was");
	}
}

static void
holes_in_place_are_made_by_3_3_0_and_later(void **state)
{
	static const char *const can[] = { "3.3.0", "3.3.1", "3.4.0pre1",
		"3.5.0", "3.10.0", "4.0.0", "10.0" };
	static const char *const not[] = { "3.2.7", "3.2.7pre1", "3.3.0pre1",
		"3.3.0dev", "3.1.3", "2.6.9", "3", "3.", "", "x", ".4.0",
		"3.x" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(can) / sizeof(can[0]); i++)
		if (!version_holes(can[i]))
			fail_msg("%s can", can[i]);
	for (i = 0; i < sizeof(not) / sizeof(not[0]); i++)
		if (version_holes(not[i]))
			fail_msg("%s can not", not[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_version_is_read_as_rsync_says_it),
		cmocka_unit_test(holes_in_place_are_made_by_3_3_0_and_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
