/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "failmalloc.h"
#include "unread.h"

#define FAILED	"rsync: [sender] send_files failed to open "
#define DENIED	": Permission denied (13)"
#define END23	"rsync error: some files/attrs were not transferred (see " \
	"previous errors) (code 23) at main.c(1852) [sender=3.5.0]"

static void
lines(struct unread *u, const char *const *v)
{
	*u = (struct unread){ .strange = false };
	for (; *v != NULL; v++)
		unread_line(u, *v, false);
}

static void
files_that_could_not_be_opened_are_named(void **state)
{
	static const char *const t[] = {
		FAILED "\"/srv/data/new\" (in root)" DENIED,
		FAILED "\"/srv/a \" (in root)\"" DENIED,
		"file has vanished: \"/srv/data/gone\" (in root)",
		END23, NULL
	};
	struct err e = ERR_INIT;
	struct unread u;
	struct buf b;

	lines(&u, t);
	assert_true(unread_only(&u, UNREAD_PARTIAL));
	assert_false(unread_only(&u, UNREAD_VANISHED));
	assert_false(unread_only(&u, 12));
	assert_int_equal(u.files.n, 2);
	assert_string_equal(u.files.v[0], "/srv/data/new");
	assert_string_equal(u.files.v[1], "/srv/a \" (in root)");
	buf_init(&b, 4096);
	assert_int_equal(unread_grants(&u, &b, &e), 0);
	assert_string_equal(b.data, "r /srv/data/new\n"
	    "r /srv/a\\040\"\\040(in\\040root)\n");
	buf_clear(&b);
	unread_clear(&u);
}

static void
anything_else_is_strange(void **state)
{
	static const char *const t[] = {
		FAILED "\"/a\" (in root): Input/output error (5)",
		FAILED "\"/a\" (in root): Permission denied (1",
		FAILED "\"\"" DENIED, FAILED "/a" DENIED,
		"rsync: [sender] opendir \"/a\" (in root) failed" DENIED,
		"rsync: [receiver] mkstemp \"/a\" failed" DENIED,
		"rsync: [generator] failed to set times on \"/a\"" DENIED,
		"rsync: [sender] read errors mapping \"/a\"" DENIED,
		"ERROR: a failed verification -- update retained.",
		"IO error encountered -- skipping file deletion",
		"rsync error: error in file IO (code 11) at x.c(1)", "x",
	};
	static const char *const ok[] = { FAILED "\"/a\"" DENIED, NULL };
	struct unread u;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		lines(&u, ok);
		assert_true(unread_only(&u, UNREAD_PARTIAL));
		unread_line(&u, t[i], false);
		if (unread_only(&u, UNREAD_PARTIAL))
			fail_msg("passed over: %s", t[i]);
		unread_clear(&u);
	}
	lines(&u, ok);
	unread_line(&u, ok[0], true);
	assert_false(unread_only(&u, UNREAD_PARTIAL));
	unread_clear(&u);
	/* Nothing at all is no excuse. */
	assert_false(unread_only(&u, UNREAD_PARTIAL));
}

static void
a_flood_of_them_is_a_failure(void **state)
{
	char line[256];
	struct unread u = { .strange = false };
	int i;

	for (i = 0; i < UNREAD_MAX; i++) {
		snprintf(line, sizeof(line), FAILED "\"/%d\"" DENIED, i);
		unread_line(&u, line, false);
	}
	assert_true(unread_only(&u, UNREAD_PARTIAL));
	unread_line(&u, line, false);
	assert_false(unread_only(&u, UNREAD_PARTIAL));
	assert_int_equal(u.files.n, UNREAD_MAX);
	unread_clear(&u);
}

static void
out_of_memory_is_no_excuse(void **state)
{
	static const char *const ok[] = { FAILED "\"/a\"" DENIED, NULL };
	struct unread u;
	unsigned long n;

	for (n = 1;; n++) {
		failmalloc_arm(n);
		lines(&u, ok);
		if (!failmalloc_disarm())
			break;
		assert_false(unread_only(&u, UNREAD_PARTIAL));
		unread_clear(&u);
	}
	assert_true(n > 1);
	assert_true(unread_only(&u, UNREAD_PARTIAL));
	unread_clear(&u);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_that_could_not_be_opened_are_named),
		cmocka_unit_test(anything_else_is_strange),
		cmocka_unit_test(a_flood_of_them_is_a_failure),
		cmocka_unit_test(out_of_memory_is_no_excuse),
	};

	return cmocka_run_group_tests_name("unread", tests, NULL, NULL);
}
