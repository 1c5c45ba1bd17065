/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store_trim.h"

static char top[] = "/tmp/store_trim.XXXXXX";

static void
folder(int fd, const char *name)
{
	assert_int_equal(mkdirat(fd, name, 0700), 0);
}

static void
file(int fd, const char *name)
{
	int f = openat(fd, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	assert_true(f != -1);
	close(f);
}

static bool
there(int fd, const char *name)
{
	return faccessat(fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void
folders_are_emptied_and_no_link_is_followed(void **state)
{
	static char *words[] = { "/a", "/gone/b", "/file", "/out/n", "/up/n",
		"/in/n", NULL };
	struct strv folders = { 0 };
	struct err e = ERR_INIT;
	int fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd != -1);
	folder(fd, "inc");
	folder(fd, "inc/a");
	folder(fd, "inc/a/sub");
	file(fd, "inc/a/sub/x");
	file(fd, "inc/a/y");
	file(fd, "inc/file");
	folder(fd, "inc/kept");
	folder(fd, "inc/kept/n");
	file(fd, "inc/kept/n/x");
	folder(fd, "beside");
	folder(fd, "beside/n");
	file(fd, "beside/n/x");
	assert_int_equal(symlinkat("../beside", fd, "inc/out"), 0);
	assert_int_equal(symlinkat("..", fd, "inc/up"), 0);
	assert_int_equal(symlinkat("kept", fd, "inc/in"), 0);
	assert_int_equal(symlinkat("/etc", fd, "inc/a/link"), 0);
	assert_int_equal(strv_addv(&folders, words), 0);
	if (store_trim_folders(fd, top, "inc", &folders, &e) == -1)
		fail_msg("%s", e.msg);
	assert_true(there(fd, "inc/a"));
	assert_false(there(fd, "inc/a/sub") || there(fd, "inc/a/y") ||
	    there(fd, "inc/a/link"));
	assert_true(there(fd, "inc/file"));
	assert_true(there(fd, "inc/kept/n/x"));
	assert_true(there(fd, "beside/n/x"));
	strv_clear(&folders);
	close(fd);
}

static int
begin(void **state)
{
	return mkdtemp(top) != NULL ? 0 : -1;
}

static int
end(void **state)
{
	struct err e = ERR_INIT;
	struct strv none = { 0 };
	int fd = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	/* No root at all: all of it goes. */
	(void)store_trim(fd, "/tmp", top + 5, &none, &e);
	close(fd);
	return rmdir(top);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(folders_are_emptied_and_no_link_is_followed),
	};

	return cmocka_run_group_tests_name("store_trim", tests, begin, end);
}
