/* SPDX-License-Identifier: ISC */
/* Under valgrind, which doesn't know openat2, all of it goes part by part; a
 * path above PATH_MAX does so everywhere. */
#include "../unit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/beneath.h"

static char dir[] = "/tmp/beneath.XXXXXX";
static int top;

/* dir/a/b/file, dir/a/link -> b, dir/up -> ..; cmocka runs setup per group. */
static int
make(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL ||
	    (top = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC)) == -1)
		return -1;
	return mkdirat(top, "a", 0755) | mkdirat(top, "a/b", 0755) |
	    close(openat(top, "a/b/file", O_CREAT | O_WRONLY, 0644)) |
	    symlinkat("b", top, "a/link") | symlinkat("..", top, "up");
}

static int
unmake(void **state)
{
	(void)state;
	return unlinkat(top, "a/link", 0) | unlinkat(top, "up", 0) |
	    unlinkat(top, "a/b/file", 0) |
	    unlinkat(top, "a/b", AT_REMOVEDIR) |
	    unlinkat(top, "a", AT_REMOVEDIR) | close(top) | rmdir(dir);
}

/* errno of an attempt, 0 when it was opened. */
static int
opens(const char *path, int flags, unsigned more)
{
	int fd = beneath_open(top, path, flags, more);

	if (fd == -1)
		return errno;
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	close(fd);
	return 0;
}

static void
what_lies_below_opens(void **state)
{
	(void)state;
	assert_int_equal(opens("a/b/file", O_RDONLY, 0), 0);
	assert_int_equal(opens("/a/b/file", O_RDONLY, 0), 0);
	assert_int_equal(opens("/a//b/", O_RDONLY | O_DIRECTORY, 0), 0);
	assert_int_equal(opens("", O_RDONLY | O_DIRECTORY, 0), 0);
	assert_int_equal(opens("/", O_PATH, RESOLVE_NO_XDEV), 0);
	assert_int_equal(opens("a/b/none", O_RDONLY, 0), ENOENT);
	assert_int_equal(opens("a/b/file/x", O_RDONLY, 0), ENOTDIR);
	assert_int_equal(opens("a/b/file/", O_RDONLY, 0), ENOTDIR);
	assert_int_equal(opens("a/b/file", O_RDONLY | O_DIRECTORY, 0),
	    ENOTDIR);
}

static void
no_link_is_followed(void **state)
{
	struct stat st;
	int fd;

	(void)state;
	assert_int_equal(opens("a/link/file", O_RDONLY, 0), ELOOP);
	assert_int_equal(opens("a/link", O_RDONLY, 0), ELOOP);
	assert_int_equal(opens("up", O_RDONLY, 0), ELOOP);
	fd = beneath_open(top, "a/link", O_PATH, 0);
	assert_int_not_equal(fd, -1);
	assert_int_equal(fstat(fd, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	close(fd);
}

static void
nothing_leads_out(void **state)
{
	int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	assert_int_equal(opens("../x", O_PATH, 0), EXDEV);
	assert_int_equal(opens("..", O_PATH, 0), EXDEV);
	assert_int_equal(opens("a/../../x", O_PATH, 0), EXDEV);
	assert_int_not_equal(root, -1);
	assert_int_equal(beneath_open(root, "proc/self", O_PATH,
	    RESOLVE_NO_XDEV), -1);
	assert_int_equal(errno, EXDEV);
	close(root);
}

static void
a_long_path_goes_part_by_part(void **state)
{
	int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	char path[PATH_MAX + 64];
	size_t i;

	(void)state;
	memset(path, '/', sizeof(path));
	memcpy(path, "a/b/", 4);
	memcpy(path + PATH_MAX + 4, "file", sizeof("file"));
	assert_int_equal(opens(path, O_RDONLY, 0), 0);
	memcpy(path + PATH_MAX + 4, "fil/", 5);
	assert_int_equal(opens(path, O_RDONLY, 0), ENOENT);
	memcpy(path + PATH_MAX + 4, "self", 5);
	memcpy(path, "proc", 4);
	assert_int_equal(beneath_open(root, path, O_PATH, RESOLVE_NO_XDEV),
	    -1);
	assert_int_equal(errno, EXDEV);
	i = (size_t)beneath_open(root, path, O_PATH, 0);
	assert_int_not_equal((int)i, -1);
	close((int)i);
	close(root);
	memcpy(path + PATH_MAX + 4, "file/", 6);
	memcpy(path, "a/b/", 4);
	assert_int_equal(opens(path, O_RDONLY, 0), ENOTDIR);
	memcpy(path, "a/link/", 7);
	assert_int_equal(opens(path, O_RDONLY, 0), ELOOP);
	memcpy(path, "a/../a/", 7);
	assert_int_equal(opens(path, O_RDONLY, 0), EXDEV);
	for (i = 0; i < NAME_MAX + 1; i++)
		path[i] = 'n';
	assert_int_equal(opens(path, O_RDONLY, 0), ENAMETOOLONG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_lies_below_opens),
		cmocka_unit_test(no_link_is_followed),
		cmocka_unit_test(nothing_leads_out),
		cmocka_unit_test(a_long_path_goes_part_by_part),
	};

	return cmocka_run_group_tests(tests, make, unmake);
}
