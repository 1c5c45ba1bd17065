/* SPDX-License-Identifier: ISC */
/* Each allocation of our own fails once (SQLite's and libc's are theirs). */
#include "catalogtest.h"

#include "failmalloc.h"

static void
every_function_survives_a_failing_malloc(void **state)
{
	unsigned long n;
	int rc, step, steps = 6;

	assert_int_equal(mkdir(S1, 0755) | mkdir(S1 "/d", 0755), 0);
	ct_file(S1 "/d/a", "one");
	ct_file(S1 "/b", "two");
	assert_int_equal(link(S1 "/b", S1 "/c"), 0);
	for (step = 0; step < steps; step++) {
		for (n = 1;; n++) {
			struct verify_opts v = { .snapshot = S1,
				.since = INT64_MAX, .found = ct_say_found };
			struct manifest_opts m = { .name = S1, .client = -1 };
			struct manifest_stats ms;
			struct verify_stats vs;

			v.root = m.root = open(S1, O_RDONLY | O_DIRECTORY |
			    O_CLOEXEC);
			buf_clear(&ct_said);
			if (step == 0)
				catalog_close(&ct);
			if (step == 1)
				ct_ok(catalog_remove(&ct, S1, &ct_e));
			ct_e.code = ERR_NONE;
			failmalloc_arm(n);
			switch (step) {
			case 0:
				rc = catalog_open(&ct, "catalog.db", true,
				    &ct_e);
				break;
			case 1:
				rc = manifest_make(&ct, &m, &ms, &ct_e);
				break;
			case 2:
				rc = verify_run(&ct, &v, &vs, &ct_e);
				break;
			case 3:
				rc = query_find(&ct, "/d*/a", NULL,
				    ct_say_file, NULL, &ct_e);
				break;
			case 4:
				rc = query_diff(&ct, S1, S1, ct_say_change,
				    NULL, &ct_e);
				break;
			default:
				/* Its caller's buffer is not counted. */
				rc = query_find(&ct, "d/a", S1, ct_say_file,
				    NULL, &ct_e);
			}
			close(m.root);
			if (!failmalloc_disarm())
				break;
			/* A callback's own buffer may be what failed. */
			if (rc == 0 || (ct_e.code != ERR_MEM &&
			    ct_e.code != ERR_NONE))
				fail_msg("step %d, allocation %lu: %d %s",
				    step, n, rc, ct_e.msg);
		}
		assert_true(n > 1 || step == 4);
		ct_ok(rc);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    every_function_survives_a_failing_malloc, ct_enter,
		    ct_leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
