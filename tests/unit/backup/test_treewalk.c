/* SPDX-License-Identifier: ISC */
/* treewalk.h: in what order, and what changes meanwhile. */
#include "store_tmp.h"

#include <string.h>

#include "base/buf.h"
#include "treewalk.h"
#include "walk.h"

static struct err e;
static struct buf said;

static int
enter(void **state)
{
	e = (struct err)ERR_INIT;
	buf_init(&said, 1 << 20);
	return store_tmp_enter(state);
}

static int
leave(void **state)
{
	buf_clear(&said);
	return store_tmp_leave(state);
}

static void
folder(const char *name)
{
	assert_int_equal(mkdirat(client.fd, name, 0700), 0);
}

static int
begin(void *arg, int fd, const char *path, struct err *why)
{
	(void)why;
	assert_int_equal(buf_addf(&said, "[%s ", path), 0);
	/* arg: a name that comes now. */
	if (arg != NULL) {
		int made = openat(fd, arg, O_WRONLY | O_CREAT, 0600);

		assert_true(made != -1);
		close(made);
	}
	return strcmp(path, "/not/") != 0;
}

static int
one(void *arg, int fd, const char *path, const char *name,
    const struct stat *st, struct err *why)
{
	(void)arg;
	(void)fd;
	(void)path;
	(void)why;
	assert_int_equal(buf_addf(&said, "%s ", name), 0);
	return S_ISDIR(st->st_mode) && strcmp(name, "passed") != 0;
}

static int
end(void *arg, int fd, const char *path, struct err *why)
{
	(void)arg;
	(void)fd;
	(void)path;
	(void)why;
	assert_int_equal(buf_adds(&said, "] "), 0);
	return 0;
}

static void
walk(void *arg)
{
	const struct treewalk t = { .root = client.fd, .start = "/",
		.begin = begin, .one = one, .end = end, .arg = arg };

	if (treewalk_run(&t, &e) == -1)
		fail_msg("%s", e.msg);
}

static void
all_names_of_a_folder_come_before_what_is_in_its_folders(void **state)
{
	(void)state;
	folder("b");
	folder("b/z");
	put("b/y", "y");
	folder("b-");
	put("b-/x", "x");
	put("a", "a");
	folder("not");
	put("not/x", "x");
	folder("passed");
	put("passed/x", "x");
	walk(NULL);
	assert_string_equal(said.data, "[/ a b b- not passed ] [/b/ y z ] "
	    "[/b/z/ ] [/b-/ x ] [/not/ ");
}

/* So that who begins by looking at a folder knows that no name which comes is
 * younger than that. */
static void
names_are_read_before_a_folder_begins(void **state)
{
	static char late[] = "late";

	(void)state;
	folder("a");
	put("a/b", "b");
	walk(late);
	assert_string_equal(said.data, "[/ a ] [/a/ b ] ");
}

static void
of_a_large_folder_each_name_comes_once(void **state)
{
	const unsigned n = WALK_PART + WALK_PART / 4;
	char name[32];
	unsigned i;
	size_t len;

	(void)state;
	for (i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "%06u", i);
		assert_int_equal(symlinkat("x", client.fd, name), 0);
	}
	walk(NULL);
	len = strlen("[/ ");
	assert_int_equal(said.len, len + n * 7 + strlen("] "));
	for (i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "%06u ", i);
		assert_memory_equal(said.data + len + i * 7, name, 7);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, enter, leave)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(all_names_of_a_folder_come_before_what_is_in_its_folders),
		T(names_are_read_before_a_folder_begins),
		T(of_a_large_folder_each_name_comes_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
