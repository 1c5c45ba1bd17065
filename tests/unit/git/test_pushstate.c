/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "place.h"
#include "pushstate.h"
#include "sys/lock.h"

/* Not 0: what write(2) fails with from now on, as on a disk that is full. The
 * build has our calls come here. */
static int full;

ssize_t __real_write(int fd, const void *data, size_t len);
ssize_t __wrap_write(int fd, const void *data, size_t len);

ssize_t
__wrap_write(int fd, const void *data, size_t len)
{
	if (full == 0)
		return __real_write(fd, data, len);
	errno = full;
	return -1;
}

static int
write_full(int error, const char *name, const char *text, size_t len,
    struct err *e)
{
	int rc;

	*e = (struct err)ERR_INIT;
	full = error;
	rc = pushstate_write(at(name), text, len, e);
	full = 0;
	return rc;
}

static ino_t
inode(const char *name)
{
	struct stat st;

	assert_int_equal(stat(at(name), &st), 0);
	return st.st_ino;
}

static void
pushstate_replaces_a_file_and_keeps_it_to_itself(void **state)
{
	struct stat st;

	put("f", "a longer text\n");
	assert_int_equal(pushstate_write(at("f"), "12\n", 3, NULL), 0);
	assert_string_equal(got_file("f"), "12\n");
	assert_int_equal(stat(at("f"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void
pushstate_on_a_full_disk_writes_into_a_files_own_room(void **state)
{
	static const int errors[] = { ENOSPC, EDQUOT };
	struct err e;
	ino_t was;
	size_t i;

	put("f", "a longer text\n");
	was = inode("f");
	for (i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		/* Shorter, and longer: all of it, and nothing of the old. */
		assert_int_equal(write_full(errors[i], "f", "12\n", 3, &e), 0);
		assert_string_equal(got_file("f"), "12\n");
		assert_int_equal(write_full(errors[i], "f", "a text that is "
		    "longer than before\n", 34, &e), 0);
		assert_string_equal(got_file("f"), "a text that is longer "
		    "than before\n");
	}
	assert_int_equal(inode("f"), was);
	/* With space again it is a new file, whole at any time. */
	assert_int_equal(pushstate_write(at("f"), "1\n", 2, NULL), 0);
	assert_int_not_equal(inode("f"), was);
}

static void
pushstate_on_a_full_disk_takes_no_more_room(void **state)
{
	char *text = calloc(1, 70000);
	struct stat st;
	struct err e;

	assert_non_null(text);
	memset(text, 'x', 70000);
	put("f", "old\n");
	put("empty", "");
	assert_int_equal(stat(at("f"), &st), 0);
	assert_in_range(st.st_blksize, 1, 65536);
	/* One more than its blocks have; and just what they have. */
	assert_int_equal(write_full(ENOSPC, "f", text,
	    (size_t)st.st_blksize + 1, &e), -1);
	assert_err(&e, ERR_SYS, "No space left");
	assert_int_equal(e.sys_errno, ENOSPC);
	assert_string_equal(got_file("f"), "old\n");
	assert_int_equal(write_full(ENOSPC, "empty", "1\n", 2, &e), -1);
	assert_string_equal(got_file("empty"), "");
	assert_int_equal(write_full(ENOSPC, "none", "1\n", 2, &e), -1);
	assert_int_equal(access(at("none"), F_OK), -1);
	assert_int_equal(write_full(ENOSPC, "f", text,
	    (size_t)st.st_blksize, &e), 0);
	assert_int_equal(stat(at("f"), &st), 0);
	assert_int_equal(st.st_size, st.st_blksize);
	free(text);
}

static void
pushstate_on_a_disk_that_fails_leaves_the_file(void **state)
{
	struct err e;

	put("f", "old\n");
	assert_int_equal(write_full(EIO, "f", "new\n", 4, &e), -1);
	assert_int_equal(e.sys_errno, EIO);
	assert_string_equal(got_file("f"), "old\n");
}

static void
pushstate_on_a_full_disk_goes_along_no_link(void **state)
{
	struct err e;

	put("f", "old\n");
	assert_int_equal(symlink("f", at("link")), 0);
	assert_int_equal(write_full(ENOSPC, "link", "new\n", 4, &e), -1);
	assert_string_equal(got_file("f"), "old\n");
	/* Nor does it wait for a reader. */
	assert_int_equal(mkfifo(at("fifo"), 0600), 0);
	assert_int_equal(write_full(ENOSPC, "fifo", "new\n", 4, &e), -1);
}

static void
pushstate_says_what_it_can_not_write(void **state)
{
	struct err e = ERR_INIT;

	assert_int_equal(pushstate_write(at("none/f"), "1\n", 2, &e), -1);
	assert_err(&e, ERR_SYS, "No such file or directory");
	assert_int_equal(pushstate_write(at("none/f"), "1\n", 2, NULL), -1);
}

static void
pushstate_sweeps_what_was_left_and_nothing_else(void **state)
{
	put(".postern.0123456789abcdef", "half");
	put(".postern.x", "");
	put(".posternx", "mine");
	put("pushed", "1 1 1 ok\n");
	assert_int_equal(mkdir(at(".postern.d"), 0700), 0);
	pushstate_sweep(at("."));
	pushstate_sweep(at("none"));
	assert_int_equal(access(at(".postern.0123456789abcdef"), F_OK), -1);
	assert_int_equal(access(at(".postern.x"), F_OK), -1);
	assert_string_equal(got_file(".posternx"), "mine");
	assert_string_equal(got_file("pushed"), "1 1 1 ok\n");
	assert_int_equal(rmdir(at(".postern.d")), 0);
}

static void
pushstate_puts_a_file_under_the_lock_of_sweeps(void **state)
{
	struct err e = ERR_INIT;
	char lock[600];
	int fd;

	snprintf(lock, sizeof(lock), "%s", at(PUSHSTATE_LOCK));
	put("f", "old\n");
	assert_int_equal(lock_take(lock, 0, &fd, &e), 0);
	assert_int_equal(pushstate_put(at("."), "f", "new\n", 4, 0, &e), -1);
	assert_int_equal(e.code, ERR_BUSY);
	assert_string_equal(got_file("f"), "old\n");
	close(fd);
	assert_int_equal(pushstate_put(at("."), "f", "new\n", 4, 0, &e), 0);
	assert_string_equal(got_file("f"), "new\n");
	/* And it is free again. */
	assert_int_equal(lock_take(lock, 0, &fd, &e), 0);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		in_place(pushstate_replaces_a_file_and_keeps_it_to_itself),
		in_place(
		    pushstate_on_a_full_disk_writes_into_a_files_own_room),
		in_place(pushstate_on_a_full_disk_takes_no_more_room),
		in_place(pushstate_on_a_disk_that_fails_leaves_the_file),
		in_place(pushstate_on_a_full_disk_goes_along_no_link),
		in_place(pushstate_says_what_it_can_not_write),
		in_place(pushstate_sweeps_what_was_left_and_nothing_else),
		in_place(pushstate_puts_a_file_under_the_lock_of_sweeps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
