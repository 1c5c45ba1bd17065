/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "bar.h"

static void
it_grows_from_nothing_to_all(void **state)
{
	static const struct { uint64_t bytes, total; const char *want; } t[] = {
		{ 0, 1024, "[--------------------]   0%  0 B of 1.0 KiB" },
		{ 512, 1024, "[##########----------]  50%  512 B of 1.0 KiB" },
		{ 1023, 1024, "[###################-]  99%  1023 B of 1.0 KiB" },
		{ 1024, 1024, "[####################] 100%  1.0 KiB of 1.0 KiB" },
		{ 4096, 1024, "[####################] 100%  4.0 KiB of 1.0 KiB" },
		{ 7, 0, "7 B" },
		{ UINT64_MAX, UINT64_MAX,
		    "[####################] 100%  16.0 EiB of 16.0 EiB" },
		{ UINT64_MAX / 2, UINT64_MAX,
		    "[##########----------]  50%  8.0 EiB of 16.0 EiB" },
	};
	char out[BAR_TEXT];
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		bar_text(t[i].bytes, t[i].total, out);
		assert_string_equal(out, t[i].want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_grows_from_nothing_to_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
