/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "danger.h"

static void
danger_inside_respects_the_borders_of_names(void **state)
{
	assert_true(danger_inside("/a/b", "/a"));
	assert_true(danger_inside("/a", "/a"));
	assert_true(danger_inside("/a", "/a/"));
	assert_true(danger_inside("/a", "/"));
	assert_false(danger_inside("/ab", "/a"));
	assert_false(danger_inside("/a", "/a/b"));
	assert_null(danger_root("/srv/pub"));
	assert_null(danger_root("/usrlocal"));
	assert_null(danger_root("/home/a/.sshx"));
	assert_non_null(danger_root("/home/a/.ssh/authorized_keys"));
}

static void
danger_root_knows_each_ssh_folder(void **state)
{
	assert_non_null(danger_root("/home/a/.ssh"));
	assert_non_null(danger_root("/home/.sshx/.ssh"));
	assert_non_null(danger_root("/home/.sshx/.ssh/rc"));
	assert_null(danger_root("/home/.sshx/x.ssh"));
}

static void
danger_root_knows_what_root_runs(void **state)
{
	static const char *const paths[] = { "/etc/default/csync2",
		"/etc/sysctl.d", "/etc/dbus-1/system.d", "/etc/security",
		"/var/run/x", "/etc/tmpfiles.d/x.conf", "/var/lib/postern",
		"/root/.bash_profile", "/root", "/etc/rsyslog.d/a" };
	size_t i;

	for (i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		if (danger_root(paths[i]) == NULL)
			fail_msg("%s", paths[i]);
}

static void
danger_plain_takes_paths_that_compare_as_text(void **state)
{
	assert_true(danger_plain("/"));
	assert_true(danger_plain("/a/..b/c../..."));
	assert_true(danger_plain("/a/"));
	assert_false(danger_plain(""));
	assert_false(danger_plain("a"));
	assert_false(danger_plain("//a"));
	assert_false(danger_plain("/a//"));
	assert_false(danger_plain("/a/."));
	assert_false(danger_plain("/a/../b"));
}

static void
danger_deeper_wants_a_folder_in_between(void **state)
{
	assert_true(danger_deeper("/a/b/c", "/a"));
	assert_true(danger_deeper("/a/b/c", "/a/"));
	assert_false(danger_deeper("/a/b", "/a"));
	assert_false(danger_deeper("/a", "/a"));
	assert_false(danger_deeper("/ab/c/d", "/a"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(danger_inside_respects_the_borders_of_names),
		cmocka_unit_test(danger_root_knows_each_ssh_folder),
		cmocka_unit_test(danger_root_knows_what_root_runs),
		cmocka_unit_test(danger_plain_takes_paths_that_compare_as_text),
		cmocka_unit_test(danger_deeper_wants_a_folder_in_between),
	};

	return cmocka_run_group_tests_name("danger", tests, NULL, NULL);
}
