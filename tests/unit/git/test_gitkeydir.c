/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gitkeydir.h"

static char dir[] = "/tmp/gitkeydir.XXXXXX";
static const char *const files[] = { "alice.pub", "x/bob@laptop.pub",
	"x/y/carol.pub", "erin@b.com.pub", "x/notes.txt",
	"zzz-marked-for-add-fay.pub", ".x/gus@home.pub", NULL };

/* In libc's place: a file system that doesn't say what an entry is. */
static bool silent;

struct dirent *
readdir(DIR *d)
{
	struct dirent *(*real)(DIR *);
	struct dirent *de;

	*(void **)&real = dlsym(RTLD_NEXT, "readdir64");
	assert_non_null(real);
	de = real(d);
	if (de != NULL && silent)
		de->d_type = DT_UNKNOWN;
	return de;
}

static int
setup(void **state)
{
	char path[200];
	size_t i;
	int fd;

	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/x", dir);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/x/y", dir);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/.x", dir);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/x/fifo@a.pub", dir);
	mkfifo(path, 0600);
	for (i = 0; files[i] != NULL; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		fd = open(path, O_WRONLY | O_CREAT, 0600);
		if (fd == -1)
			return -1;
		close(fd);
	}
	snprintf(path, sizeof(path), "%s/linked.pub", dir);
	return symlink("alice.pub", path);
}

static int
teardown(void **state)
{
	char path[200];
	size_t i;

	for (i = 0; files[i] != NULL; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		unlink(path);
	}
	snprintf(path, sizeof(path), "%s/linked.pub", dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/x/fifo@a.pub", dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/.x", dir);
	rmdir(path);
	snprintf(path, sizeof(path), "%s/x/y", dir);
	rmdir(path);
	snprintf(path, sizeof(path), "%s/x", dir);
	rmdir(path);
	return rmdir(dir);
}

static void
users_are_found_as_gitolite_names_them(void **state)
{
	static const char *const have[] = { "alice", "bob", "carol",
		"erin@b.com", "gus" };
	static const char *const lack[] = { "bob@laptop", "notes", "fay",
		"linked", "x", "erin", "alic", "alice.pub", "mallory",
		"fifo" };
	size_t i;

	for (i = 0; i < sizeof(have) / sizeof(*have); i++)
		assert_int_equal(gitkeydir_has(dir, have[i], NULL), 1);
	for (i = 0; i < sizeof(lack) / sizeof(*lack); i++)
		assert_int_equal(gitkeydir_has(dir, lack[i], NULL), 0);
}

static void
they_are_where_the_file_system_does_not_say_what_is_a_folder(void **state)
{
	silent = true;
	users_are_found_as_gitolite_names_them(state);
	silent = false;
}

static void
a_missing_keydir_is_an_error_and_no_answer(void **state)
{
	struct err e = ERR_INIT;

	assert_int_equal(gitkeydir_has("/nonexistent", "alice", &e), -1);
	assert_err(&e, ERR_SYS, "/nonexistent");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(users_are_found_as_gitolite_names_them),
		cmocka_unit_test(
		    they_are_where_the_file_system_does_not_say_what_is_a_folder),
		cmocka_unit_test(a_missing_keydir_is_an_error_and_no_answer),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
