/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "recvargs.h"

static int
check(struct err *e, const char *option, const char *source,
    const char *target)
{
	char *argv[] = { (char *)option, (char *)source, (char *)target,
		NULL };

	return recvargs_check(argv, e);
}

static void
recvargs_take_what_a_backup_and_a_restore_need(void **state)
{
	static const char *const options[] = { "-aHAXS", "--numeric-ids",
		"--fake-super", "--link-dest=../one.2026-01-01.1767225600",
		"--delete", "--partial-dir=.partial", "--modify-window=-1",
		"--info=progress2,stats2", "--out-format=%i %n%L",
		"--bwlimit=1.5M", "--compress-choice=zstd", "--inplace",
		"--no-whole-file", "--no-inc-recursive", "--timeout=60",
		"--filter=+x security.capability", "--filter=-x security.*",
		"--exclude=/a b", "--super" };
	struct err e = ERR_INIT;
	size_t i;

	for (i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (check(&e, options[i], "x::root/a b", ".incoming/") == -1)
			fail_msg("%s", e.msg);
	assert_int_equal(check(&e, "-a", "x::root", "."), 0);
	assert_int_equal(check(&e, "-a", "x:/a b", "."), 0);
}

static void
recvargs_refuse_what_runs_or_opens_something_else(void **state)
{
	static const char *const options[] = { "-e", "--rsh=/bin/sh", "-M--x",
		"--remote-option=x", "--rsync-path=x", "--daemon", "--server",
		"--sender", "--config=/x", "--log-file=/x", "--files-from=x",
		"--exclude-from=x", "--include-from=/etc/shadow", "-f",
		"--filter=merge /etc/shadow", "--filter=. /etc/shadow",
		"--filter=: x", "--filter=dir-merge x", "--filter=!",
		"--write-batch=x", "--read-batch=x", "--only-write-batch=x",
		"--password-file=x", "--early-input=x", "--link-dest=/x",
		"--link-dest=~/x", "--temp-dir=/tmp", "--partial-dir=/x", "-T",
		"--link-dest", "--delete=yes", "--modify-window=x",
		"--remove-source-files", "-L", "-k", "-K", "--copy-devices",
		"--write-devices", "-s", "--", "-", "--info=a b",
		"--delet", "--no-such", "--chown=0:0", "-aB", "-F", "-C" };
	struct err e = ERR_INIT;
	size_t i;

	for (i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (check(&e, options[i], "x::root", ".") == 0)
			fail_msg("'%s' was taken", options[i]);
		assert_err(&e, ERR_USAGE, options[i]);
	}
}

static void
recvargs_refuse_other_sources_and_folders(void **state)
{
	static const char *const sources[] = { "y::root", "x:", "x:a", "x::rootx",
		"/etc", "rsync://x/root", "", "::root" };
	static const char *const targets[] = { "/abs", "..", "a/../b", "../a",
		"h:x", "x::root", "", "-x" };
	struct err e = ERR_INIT;
	char *one[] = { (char []){ "x::root" }, NULL };
	size_t i;

	for (i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		assert_int_equal(check(&e, "-a", sources[i], "."), -1);
		assert_err(&e, ERR_USAGE, "is neither x::root");
	}
	for (i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		assert_int_equal(check(&e, "-a", "x::root", targets[i]), -1);
		assert_err(&e, ERR_USAGE, "no folder below");
	}
	assert_int_equal(check(&e, "-a", "x::root", "a..b/..c/"), 0);
	assert_int_equal(recvargs_check(one, &e), -1);
	assert_err(&e, ERR_USAGE, "a source and a folder");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    recvargs_take_what_a_backup_and_a_restore_need),
		cmocka_unit_test(
		    recvargs_refuse_what_runs_or_opens_something_else),
		cmocka_unit_test(recvargs_refuse_other_sources_and_folders),
	};

	return cmocka_run_group_tests_name("recvargs", tests, NULL, NULL);
}
