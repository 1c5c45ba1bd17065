/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <signal.h>
#include <unistd.h>

#include "failmalloc.h"
#include "sys/file.h"

/* Each test works in a folder of its own, which is also its cwd. */
static char dir[] = "/tmp/postern-test-XXXXXX";

static int
enter_folder(void **state)
{
	memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
	umask(022);
	return mkdtemp(dir) == NULL || chdir(dir) == -1 ? -1 : 0;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
	return remove(path);
}

static int
leave_folder(void **state)
{
	if (chdir("/") == -1)
		return -1;
	return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void
put(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
	assert_int_equal(fclose(f), 0);
}

static void
holds(const char *path, const char *text)
{
	struct err e = ERR_INIT;
	struct buf b;

	buf_init(&b, 100000);
	if (file_read(path, &b, &e) == -1)
		fail_msg("%s", e.msg);
	assert_string_equal(b.data, text);
	buf_clear(&b);
}

static unsigned
files_here(void)
{
	DIR *d = opendir(".");
	unsigned n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n - 2;
}

static void
read_appends_the_whole_file(void **state)
{
	struct err e = ERR_INIT;
	char big[20001];
	struct buf b;

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	put("f", big);
	assert_int_equal(symlink("f", "l"), 0);
	buf_init(&b, 20003);
	buf_adds(&b, "abc");
	assert_int_equal(file_read("l", &b, &e), 0);
	assert_int_equal(b.len, 20003);
	assert_string_equal(b.data + 3, big);
	buf_clear(&b);
}

static void
read_refuses_what_is_too_large_or_no_text_file(void **state)
{
	struct err e = ERR_INIT;
	struct buf b;

	buf_init(&b, 10);
	buf_adds(&b, "abc");
	put("f", "12345678");
	assert_int_equal(file_read("f", &b, &e), -1);
	assert_err(&e, ERR_CONFIG, "f: larger than 7 bytes");
	assert_int_equal(file_read(".", &b, &e), -1);
	assert_err(&e, ERR_CONFIG, "not a regular file");
	assert_int_equal(mkfifo("p", 0600), 0);
	assert_int_equal(file_read("p", &b, &e), -1);
	assert_err(&e, ERR_CONFIG, "not a regular file");
	assert_int_equal(file_write("n", "a\0b", 3, 0600, NULL, &e), 0);
	assert_int_equal(file_read("n", &b, &e), -1);
	assert_err(&e, ERR_CONFIG, "NUL");
	assert_int_equal(file_read("none", &b, &e), -1);
	assert_int_equal(e.code, ERR_SYS);
	assert_int_equal(e.sys_errno, ENOENT);
	assert_string_equal(b.data, "abc");
	buf_clear(&b);
}

static void
read_out_of_memory_leaves_the_buffer(void **state)
{
	struct err e = ERR_INIT;
	struct buf b;

	put("f", "text");
	buf_init(&b, 100);
	failmalloc_arm(1);
	assert_int_equal(file_read("f", &b, &e), -1);
	assert_true(failmalloc_disarm());
	assert_int_equal(e.code, ERR_MEM);
	assert_string_equal(b.data, "");
}

static void
write_replaces_with_the_mode_and_leaves_nothing_else(void **state)
{
	struct err e = ERR_INIT;
	struct stat a, b;

	umask(077);
	assert_int_equal(file_write("f", "one", 3, 0644, NULL, &e), 0);
	holds("f", "one");
	assert_int_equal(stat("f", &a), 0);
	assert_int_equal(a.st_mode & 07777, 0644);
	assert_int_equal(file_write("f", "", 0, 0600, NULL, &e), 0);
	holds("f", "");
	assert_int_equal(stat("f", &b), 0);
	assert_int_equal(b.st_mode & 07777, 0600);
	assert_int_not_equal(a.st_ino, b.st_ino);
	assert_int_equal(files_here(), 1);
}

static void
write_keeps_the_old_content_as_backup(void **state)
{
	struct err e = ERR_INIT;

	assert_int_equal(file_write("f", "1", 1, 0600, "f.old", &e), 0);
	assert_int_equal(access("f.old", F_OK), -1);
	assert_int_equal(file_write("f", "2", 1, 0600, "f.old", &e), 0);
	holds("f.old", "1");
	assert_int_equal(file_write("f", "3", 1, 0600, "f.old", &e), 0);
	holds("f.old", "2");
	holds("f", "3");
	assert_int_equal(link("f", "same"), 0);
	assert_int_equal(file_write("f", "4", 1, 0600, "same", &e), 0);
	holds("same", "3");
	assert_int_equal(files_here(), 3);
}

static void
write_refuses_symlinks_and_folders(void **state)
{
	struct err e = ERR_INIT;

	put("target", "old");
	assert_int_equal(symlink("target", "l"), 0);
	assert_int_equal(mkdir("d", 0755), 0);
	assert_int_equal(file_write("l", "new", 3, 0600, NULL, &e), -1);
	assert_err(&e, ERR_UNSAFE, "symbolic link");
	assert_int_equal(file_write("d", "new", 3, 0600, NULL, &e), -1);
	assert_err(&e, ERR_UNSAFE, "not a regular file");
	assert_int_equal(file_write("d/", "new", 3, 0600, NULL, &e), -1);
	assert_int_equal(e.code, ERR_UNSAFE);
	assert_int_equal(file_write("none/f", "new", 3, 0600, NULL, &e), -1);
	assert_int_equal(e.sys_errno, ENOENT);
	holds("target", "old");
	assert_int_equal(files_here(), 3);
}

static void
a_write_that_fails_leaves_the_old_file_alone(void **state)
{
	struct rlimit old, rl;
	struct err e = ERR_INIT;
	char big[8192];

	memset(big, 'x', sizeof(big));
	put("f", "old");
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	rl = old;
	rl.rlim_cur = 4096;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &rl), 0);
	assert_int_equal(file_write("f", big, sizeof(big), 0600, "b", &e), -1);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(e.sys_errno, EFBIG);
	holds("f", "old");
	assert_int_equal(mkdir("d", 0755), 0);
	assert_int_equal(file_write("f", "new", 3, 0600, "d", &e), -1);
	assert_int_equal(e.code, ERR_SYS);
	assert_int_equal(file_write("f", "new", 3, 0600, "no/b", &e), -1);
	holds("f", "old");
	assert_int_equal(files_here(), 2);
}

static void
mkdirs_makes_the_missing_parents(void **state)
{
	struct err e = ERR_INIT;
	struct stat st;

	umask(077);
	assert_int_equal(file_mkdirs("a/b//c/", 0700, &e), 0);
	assert_int_equal(stat("a/b", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	assert_int_equal(stat("a/b/c", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(file_mkdirs("a/b/c", 0755, &e), 0);
	assert_int_equal(stat("a/b/c", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(file_mkdirs("/", 0755, &e), 0);
}

static void
mkdirs_refuses_what_is_no_folder(void **state)
{
	struct err e = ERR_INIT;

	put("f", "");
	assert_int_equal(file_mkdirs("./f/x", 0755, &e), -1);
	assert_err(&e, ERR_UNSAFE, "./f: not a folder");
	assert_int_equal(symlink("nowhere", "l"), 0);
	assert_int_equal(file_mkdirs("l/x", 0755, &e), -1);
	assert_int_equal(e.code, ERR_SYS);
	assert_int_equal(access("nowhere", F_OK), -1);
}

/* In the test's folder. */
static int
root_only(const char *name, struct err *e)
{
	char path[512];

	snprintf(path, sizeof(path), "%s%s", dir, name);
	return file_root_only(path, e);
}

static void
need_root(void)
{
	/* Only root can make files of other owners. */
	if (geteuid() != 0) {
		if (getenv("CI") != NULL)
			fail_msg("needs root");
		skip();
	}
}

static void
root_only_accepts_what_root_alone_can_change(void **state)
{
	struct err e = ERR_INIT;

	need_root();
	assert_int_equal(file_mkdirs("a/b", 0755, &e), 0);
	put("a/b/f", "");
	if (root_only("/a/b/f", &e) == -1)
		fail_msg("%s", e.msg);
	assert_int_equal(root_only("/a//b/", &e), 0);
	assert_int_equal(file_root_only("/", &e), 0);
}

static void
root_only_names_the_first_bad_part(void **state)
{
	struct err e = ERR_INIT;

	need_root();
	assert_int_equal(file_mkdirs("a/b", 0755, &e), 0);
	put("a/b/f", "");
	assert_int_equal(chown("a", 1, 0), 0);
	assert_int_equal(root_only("/a/b/f", &e), -1);
	assert_err(&e, ERR_UNSAFE, "/a: belongs to uid 1");
	assert_int_equal(chown("a", 0, 0), 0);
	assert_int_equal(chmod("a/b", 0775), 0);
	assert_int_equal(root_only("/a/b/f", &e), -1);
	assert_err(&e, ERR_UNSAFE, "/a/b: others");
	assert_int_equal(chmod("a/b", 0755), 0);
	assert_int_equal(chmod("a/b/f", 0602), 0);
	assert_int_equal(root_only("/a/b/f", &e), -1);
	assert_err(&e, ERR_UNSAFE, "/a/b/f: others");
	assert_int_equal(symlink("a", "l"), 0);
	assert_int_equal(root_only("/l/b", &e), -1);
	assert_err(&e, ERR_UNSAFE, "/l: is a symbolic link");
	assert_int_equal(root_only("/a/none", &e), -1);
	assert_int_equal(e.sys_errno, ENOENT);
	assert_int_equal(root_only("/a/../a", &e), -1);
	assert_err(&e, ERR_UNSAFE, "..");
	assert_int_equal(file_root_only("a", &e), -1);
	assert_err(&e, ERR_UNSAFE, "absolute");
}

static void
root_only_forgives_a_sticky_folder_further_up(void **state)
{
	struct err e = ERR_INIT;

	need_root();
	assert_int_equal(file_mkdirs("s/d", 0755, &e), 0);
	put("s/d/f", "");
	put("s/f", "");
	assert_int_equal(chmod("s", 01777), 0);
	assert_int_equal(root_only("/s/d/f", &e), 0);
	assert_int_equal(root_only("/s/f", &e), -1);
	assert_err(&e, ERR_UNSAFE, "/s: others");
	assert_int_equal(root_only("/s/f/", &e), -1);
	assert_int_equal(root_only("/s", &e), -1);
	assert_int_equal(chmod("s", 0777), 0);
	assert_int_equal(root_only("/s/d/f", &e), -1);
}

static int
below(const char *folder, const char *rest, struct err *e)
{
	struct buf b;
	int rc;

	*e = (struct err)ERR_INIT;
	buf_init(&b, 100);
	rc = file_read_below(folder, rest, &b, e);
	assert_string_equal(b.data, rc == 0 ? "text" : "");
	buf_clear(&b);
	return rc;
}

static void
read_below_takes_no_link_on_its_way(void **state)
{
	struct err e;

	assert_int_equal(file_mkdirs("top/a/b", 0755, NULL), 0);
	put("top/a/b/f", "text");
	put("top/f", "text");
	assert_int_equal(symlink("f", "top/l"), 0);
	assert_int_equal(symlink("a", "top/d"), 0);
	assert_int_equal(symlink("top", "link"), 0);
	assert_int_equal(below("top", "f", &e), 0);
	assert_int_equal(below("top", "a/b/f", &e), 0);
	assert_int_equal(below("top", "l", &e), -1);
	assert_err(&e, ERR_UNSAFE, "top/l: a symbolic link");
	assert_int_equal(below("top", "d/b/f", &e), -1);
	assert_err(&e, ERR_UNSAFE, "top/d/b/f: a symbolic link");
	assert_int_equal(below("link", "f", &e), -1);
	assert_err(&e, ERR_UNSAFE, "link: a symbolic link");
	assert_int_equal(below("link//", "f", &e), -1);
	assert_err(&e, ERR_UNSAFE, "link//: a symbolic link");
	assert_int_equal(below("top/", "f", &e), 0);
	assert_int_equal(below("none", "f", &e), -1);
	assert_int_equal(e.sys_errno, ENOENT);
	assert_int_equal(below("top", "a/none", &e), -1);
	assert_int_equal(e.sys_errno, ENOENT);
}

static void
read_below_wants_a_regular_file(void **state)
{
	struct err e;

	assert_int_equal(file_mkdirs("top/a", 0755, NULL), 0);
	assert_int_equal(mkfifo("top/fifo", 0600), 0);
	put("top/f", "text");
	assert_int_equal(below("top", "fifo", &e), -1);
	assert_err(&e, ERR_CONFIG, "top/fifo: not a regular file");
	assert_int_equal(below("top", "a", &e), -1);
	assert_err(&e, ERR_CONFIG, "top/a: not a regular file");
	assert_int_equal(below("top", "f/g", &e), -1);
	assert_int_equal(e.sys_errno, ENOTDIR);
	assert_int_equal(below("top", "../top/f", &e), -1);
	assert_int_equal(below("top", "", &e), -1);
	assert_err(&e, ERR_CONFIG, "not a regular file");
}

#define IN_FOLDER(f) \
	cmocka_unit_test_setup_teardown(f, enter_folder, leave_folder)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(read_appends_the_whole_file),
		IN_FOLDER(read_refuses_what_is_too_large_or_no_text_file),
		IN_FOLDER(read_below_takes_no_link_on_its_way),
		IN_FOLDER(read_below_wants_a_regular_file),
		IN_FOLDER(read_out_of_memory_leaves_the_buffer),
		IN_FOLDER(write_replaces_with_the_mode_and_leaves_nothing_else),
		IN_FOLDER(write_keeps_the_old_content_as_backup),
		IN_FOLDER(write_refuses_symlinks_and_folders),
		IN_FOLDER(a_write_that_fails_leaves_the_old_file_alone),
		IN_FOLDER(mkdirs_makes_the_missing_parents),
		IN_FOLDER(mkdirs_refuses_what_is_no_folder),
		IN_FOLDER(root_only_accepts_what_root_alone_can_change),
		IN_FOLDER(root_only_names_the_first_bad_part),
		IN_FOLDER(root_only_forgives_a_sticky_folder_further_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
