/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include <fcntl.h>
#include <unistd.h>

#include "failmalloc.h"
#include "late.h"
#include "onename.h"
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
		FAILED "\"/\\#001 \\#134#012 \\#377 \\#99\"" DENIED,
		"file has vanished: \"/srv/data/gone\" (in root)",
		END23, NULL
	};
	struct err e = ERR_INIT;
	struct unread u;
	struct buf b;

	lines(&u, t);
	assert_true(unread_only(&u));
	assert_int_equal(u.files.n, 3);
	assert_int_equal(u.n_vanished, 1);
	assert_int_equal(unread_left(&u), 4);
	assert_string_equal(u.files.v[0], "/srv/data/new");
	assert_string_equal(u.files.v[1], "/srv/a \" (in root)");
	assert_string_equal(u.files.v[2], "/\001 \\#012 \377 \\#99");
	buf_init(&b, 4096);
	assert_int_equal(unread_grants(&u, &b, &e), 0);
	assert_string_equal(b.data, "r /srv/data/new\n"
	    "r /srv/a\\040\"\\040(in\\040root)\n"
	    "r /\\001\\040\\134#012\\040\377\\040\\134#99\n");
	buf_clear(&b);
	unread_clear(&u);
}

#define MAPPING	"rsync: [sender] read errors mapping "
#define ENDED	": No data available (61)"

/* rsync reads such a file once more, and may tell of it once more. */
static void
what_vanished_and_what_changed_is_counted_and_named(void **state)
{
	static const char *const t[] = {
		"file has vanished: \"/srv/gone\" (in root)",
		MAPPING "\"/srv/log\" (in root)" ENDED,
		"directory has vanished: \"/srv/\\#001 dir\" (in root)",
		MAPPING "\"/srv/other\"" ENDED,
		MAPPING "\"/srv/log\" (in root)" ENDED,
		END23, NULL
	};
	static const char *const two[] = {
		MAPPING "\"/a\"" ENDED, FAILED "\"/b\"" DENIED, NULL };
	char said[1024] = "as it was", again[1024];
	struct err e = ERR_INIT;
	struct unread u;
	struct buf b;
	unsigned i;

	lines(&u, two + 2);
	late_name(&u, said, sizeof(said));
	assert_string_equal(said, "as it was");
	lines(&u, t);
	assert_true(unread_only(&u));
	assert_int_equal(u.files.n, 0);
	assert_int_equal(u.n_vanished, 2);
	assert_int_equal(u.n_changed, 2);
	assert_int_equal(u.n_again, 1);
	assert_string_equal(u.again.v[0], "/srv/log");
	late_name(&u, said, sizeof(said));
	assert_string_equal(said, "vanished: /srv/gone, /srv/\\x01 dir; "
	    "changed while they were read: /srv/log, /srv/other");
	buf_init(&b, 4096);
	assert_int_equal(unread_emit(&u, &b, &e), 0);
	unread_clear(&u);
	assert_int_equal(unread_parse(b.data, b.len, &u, &e), 0);
	assert_int_equal(unread_left(&u), 2);
	assert_int_equal(u.n_changed, 2);
	late_name(&u, again, sizeof(again));
	assert_string_equal(said, again);
	buf_clear(&b);
	unread_clear(&u);
	lines(&u, two);
	late_name(&u, said, sizeof(said));
	assert_string_equal(said, "left to the next run: /b; "
	    "changed while they were read: /a");
	/* A cut line tells no name. */
	unread_line(&u, t[0], true);
	assert_int_equal(u.n_vanished, 1);
	assert_int_equal(u.vanished.n, 0);
	for (i = 0; i < 2000; i++)
		unread_line(&u, t[0], false);
	assert_int_equal(u.n_vanished, 2001);
	assert_int_equal(u.vanished.n, UNREAD_MAX);
	late_name(&u, said, sizeof(said));
	assert_true(strlen(said) < sizeof(said));
	assert_non_null(strstr(said, " more (-v names them)"));
	assert_true(unread_only(&u));
	unread_clear(&u);
}

static void
what_came_short_twice_is_looked_at_for_other_names(void **state)
{
	char dir[] = "/tmp/postern-test-XXXXXX", a[64], b[64];
	struct unread u = { .strange = false };
	char line[256];
	int fd;

	assert_non_null(mkdtemp(dir));
	snprintf(a, sizeof(a), "%s/a", dir);
	snprintf(b, sizeof(b), "%s/b", dir);
	fd = open(a, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_not_equal(fd, -1);
	close(fd);
	assert_int_equal(link(a, b), 0);
	snprintf(line, sizeof(line), MAPPING "\"%s\" (in root)" ENDED, a);
	unread_line(&u, line, false);
	/* Once: it came well in the end. */
	assert_true(onename_each(&u));
	unread_line(&u, line, false);
	assert_false(onename_each(&u));
	unlink(b);
	assert_true(onename_each(&u));
	unlink(a);
	assert_false(onename_each(&u));
	rmdir(dir);
	unread_clear(&u);
}

/* Twice read, and neither time as it was sent. */
static void
a_file_that_changed_twice_is_told_by_the_half_that_writes(void **state)
{
	static const char *const not[] = {
		"ERROR: srv/log failed to open",
		"ERROR: srv/log update discarded.",
		"ERROR:  failed verification -- update discarded.",
		("WARNING: srv/log failed verification -- update discarded "
		    "(will try again)."),
		"ERROR:", "",
	};
	char name[PATH_MAX];
	size_t i;

	assert_true(unread_unverified("ERROR: srv/log failed verification -- "
	    "update discarded.", name));
	assert_string_equal(name, "srv/log");
	assert_true(unread_unverified("ERROR: a \\#012 failed verification -- "
	    "update x failed verification -- update put into partial-dir.",
	    name));
	assert_string_equal(name, "a \n failed verification -- update x");
	assert_true(unread_unverified("ERROR: /../etc failed verification -- "
	    "update retained.", name));
	assert_string_equal(name, "/../etc");
	for (i = 0; i < sizeof(not) / sizeof(not[0]); i++)
		if (unread_unverified(not[i], name))
			fail_msg("taken for one: %s", not[i]);
}

/* Where ssh has the same stderr. */
static void
what_a_host_says_at_login_is_not_rsyncs(void **state)
{
	static const char *const not[] = { "", "Authorized use only.",
		"WARNING: all is logged", "***********", "rsync is kept here",
		"stty: 'standard input': Inappropriate ioctl for device" };
	static const char *const own[] = { FAILED "\"/a\"" DENIED, END23,
		"file has vanished: \"/a\"", MAPPING "\"/a\"" ENDED,
		"directory has vanished: \"/a\"",
		("rsync warning: some files vanished before they could be "
		    "transferred (code 24) at main.c(1852) [sender=3.5.0]"),
		"cannot send long-named file \"/a\"",
		"IO error encountered -- skipping file deletion",
		"filename overflows max-path len by 4: a/b",
		"merge-file name overflows: a/.rules" };
	size_t i;

	for (i = 0; i < sizeof(not) / sizeof(not[0]); i++)
		if (unread_rsyncs(not[i]))
			fail_msg("taken for rsync's: %s", not[i]);
	for (i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (!unread_rsyncs(own[i]))
			fail_msg("passed over: %s", own[i]);
}

/* What can't be a name that rsync could have been given. */
static void
a_name_that_is_too_long_is_strange(void **state)
{
	static char line[2 * 4096];
	struct unread u = { .strange = false };

	memset(line, 'a', sizeof(line));
	memcpy(line, FAILED "\"/", sizeof(FAILED "\"/") - 1);
	memcpy(line + sizeof(line) - sizeof("\"" DENIED), "\"" DENIED,
	    sizeof("\"" DENIED));
	unread_line(&u, line, false);
	assert_true(u.strange);
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
		"rsync: [sender] read errors mapping \"/a\": Input/output "
		    "error (5)",
		"rsync: [sender] read errors mapping /a: No data available "
		    "(61)",
		"ERROR: a failed verification -- update retained.",
		"IO error encountered -- skipping file deletion",
		"rsync error: error in file IO (code 11) at x.c(1)", "x",
	};
	static const char *const ok[] = { FAILED "\"/a\"" DENIED, NULL };
	struct unread u;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		lines(&u, ok);
		assert_true(unread_only(&u));
		unread_line(&u, t[i], false);
		if (unread_only(&u))
			fail_msg("passed over: %s", t[i]);
		unread_clear(&u);
	}
	lines(&u, ok);
	unread_line(&u, ok[0], true);
	assert_false(unread_only(&u));
	unread_clear(&u);
	/* Nothing at all is no excuse. */
	assert_false(unread_only(&u));
}

static void
the_half_that_writes_complains_of_its_own(void **state)
{
	static const char *const own[] = {
		"rsync: [receiver] mkstemp \"/a\" failed" DENIED,
		"rsync: [generator] failed to set times on \"/a\"" DENIED,
		"rsync: x", "ERROR: a failed verification -- update retained.",
		"rsync error: error in file IO (code 11) at x.c(1)", "x",
	};
	static const char *const not[] = {
		FAILED "\"/a\"" DENIED, END23, "",
		"rsync: [sender] opendir \"/a\" (in root) failed" DENIED,
		"file has vanished: \"/a\"",
		"directory has vanished: \"/b\"", "rsync warning: some files "
		    "vanished before they could be transferred (code 24) at x",
		"WARNING: a failed verification -- update discarded (will "
		    "try again).",
	};
	size_t i;

	for (i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (!unread_complaint(own[i]))
			fail_msg("passed over: %s", own[i]);
	for (i = 0; i < sizeof(not) / sizeof(not[0]); i++)
		if (unread_complaint(not[i]))
			fail_msg("taken for its own: %s", not[i]);
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
	assert_true(unread_only(&u));
	unread_line(&u, line, false);
	assert_false(unread_only(&u));
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
		assert_false(unread_only(&u));
		unread_clear(&u);
	}
	assert_true(n > 1);
	assert_true(unread_only(&u));
	unread_clear(&u);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_that_could_not_be_opened_are_named),
		cmocka_unit_test(
		    what_vanished_and_what_changed_is_counted_and_named),
		cmocka_unit_test(
		    what_came_short_twice_is_looked_at_for_other_names),
		cmocka_unit_test(
		    a_file_that_changed_twice_is_told_by_the_half_that_writes),
		cmocka_unit_test(what_a_host_says_at_login_is_not_rsyncs),
		cmocka_unit_test(a_name_that_is_too_long_is_strange),
		cmocka_unit_test(anything_else_is_strange),
		cmocka_unit_test(the_half_that_writes_complains_of_its_own),
		cmocka_unit_test(a_flood_of_them_is_a_failure),
		cmocka_unit_test(out_of_memory_is_no_excuse),
	};

	return cmocka_run_group_tests_name("unread", tests, NULL, NULL);
}
