/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "failmalloc.h"
#include "weigh.h"

static char top[] = "/tmp/postern-walk-XXXXXX";
static struct strv roots, excludes;
static struct weigh_result r;
static struct err e;

static void
file(const char *name, size_t kib)
{
	char path[256], block[1024];
	int fd;

	memset(block, 'x', sizeof(block));
	snprintf(path, sizeof(path), "%s/%s", top, name);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_not_equal(fd, -1);
	for (; kib > 0; kib--)
		assert_int_equal(write(fd, block, sizeof(block)), 1024);
	assert_int_equal(fsync(fd), 0);
	close(fd);
}

static void
folder(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", top, name);
	assert_int_equal(mkdir(path, 0700), 0);
}

static int
make(void **state)
{
	char a[256], b[256];

	(void)state;
	if (mkdtemp(top) == NULL)
		return -1;
	folder("big");
	folder("big/deep");
	folder("small");
	folder("cache");
	folder("small/cache");
	file("big/deep/one", 512);
	file("big/two", 256);
	file("small/three", 64);
	file("cache/four", 1024);
	file("small/cache/five", 128);
	file("small/x.o", 32);
	snprintf(a, sizeof(a), "%s/big/two", top);
	snprintf(b, sizeof(b), "%s/small/two", top);
	if (link(a, b) == -1)
		return -1;
	snprintf(b, sizeof(b), "%s/small/away", top);
	return symlink("/usr", b);
}

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *f)
{
	(void)st;
	(void)flag;
	(void)f;
	return remove(path);
}

static int
unmake(void **state)
{
	(void)state;
	weigh_clear(&r);
	strv_clear(&roots);
	strv_clear(&excludes);
	return nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void
walk(size_t lines, const char *exclude)
{
	struct weigh_spec w = { .roots = &roots, .excludes = &excludes,
		.lines = lines, .one_file_system = true };

	weigh_clear(&r);
	strv_clear(&roots);
	strv_clear(&excludes);
	strv_add(&roots, top);
	if (exclude != NULL)
		strv_add(&excludes, exclude);
	assert_int_equal(weigh_run(&w, &r, &e), 0);
}

static void
is(size_t i, const char *name, uint64_t kib)
{
	assert_true(i < r.n);
	assert_string_equal(r.folders[i].path + strlen(top), name);
	/* A file system may take some more for it. */
	assert_in_range(r.folders[i].bytes, kib << 10, (kib << 10) + 65536);
}

static void
weigh_lists_the_largest_folders_first(void **state)
{
	(void)state;
	walk(10, NULL);
	assert_in_range(r.bytes, 2016 << 10, 2200 << 10);
	is(0, "", 2016);
	is(1, "/cache", 1024);
	assert_int_equal(r.folders[0].files, 13);
	assert_int_equal(r.unread, 0);
	walk(1, NULL);
	assert_int_equal(r.n, 1);
	is(0, "", 2016);
}

static void
weigh_leaves_out_what_is_excluded(void **state)
{
	char path[256];

	(void)state;
	snprintf(path, sizeof(path), "%s/cache", top);
	walk(10, path);
	assert_in_range(r.bytes, 992 << 10, 1100 << 10);
	walk(10, "cache/");
	assert_in_range(r.bytes, 864 << 10, 960 << 10);
	walk(10, "*.o");
	assert_in_range(r.bytes, 1984 << 10, 2050 << 10);
}

/* small/two is big/two, whichever is met first. */
static void
weigh_counts_a_file_with_two_names_once(void **state)
{
	(void)state;
	walk(10, "cache");
	assert_in_range(r.bytes, 864 << 10, 960 << 10);
	walk(10, "big");
	assert_in_range(r.bytes, 1504 << 10, 1600 << 10);
}

static void
weigh_excluded_goes_by_path_or_by_pattern(void **state)
{
	static const struct {
		const char *pattern, *path;
		bool folder, want;
	} rows[] = {
		{ "/a/b", "/a/b", false, true },
		{ "/a/b", "/x/a/b", false, false },
		{ "/a/b", "/a/bc", true, false },
		{ "*.o", "/a/b.o", false, true },
		{ "*.o", "/a.o/b", false, false },
		{ "b", "/a/b", true, true },
		{ "b/", "/a/b", true, true },
		{ "b/", "/a/b", false, false },
		{ "a/b", "/x/a/b", false, true },
		{ "a/b", "/xa/b", false, false },
		{ "/a/*", "/a/b", false, true },
		{ "/a/*/c", "/a/b/c", false, true },
		{ "/a/*", "/a/b/c", false, false },
		{ "/a/**", "/a/b/c", false, true },
		{ "?", "/ab", false, false },
		{ "[ab]", "/x/b", false, true },
	};
	struct strv v = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		strv_add(&v, rows[i].pattern);
		if (weigh_excluded(&v, rows[i].path, rows[i].folder) !=
		    rows[i].want)
			fail_msg("%s against %s", rows[i].pattern,
			    rows[i].path);
		strv_clear(&v);
	}
}

static void
weigh_says_when_a_root_is_not_there(void **state)
{
	struct weigh_spec w = { .roots = &roots, .excludes = &excludes,
		.lines = 1 };

	(void)state;
	strv_clear(&roots);
	strv_add(&roots, "/nonexistent/x");
	assert_int_equal(weigh_run(&w, &r, &e), -1);
	assert_err(&e, ERR_SYS, "root /nonexistent/x");
}

static void
weigh_says_when_memory_is_out_wherever_that_is(void **state)
{
	struct weigh_spec w = { .roots = &roots, .excludes = &excludes,
		.lines = 10 };
	unsigned long n;
	int rc;

	(void)state;
	strv_clear(&roots);
	strv_clear(&excludes);
	strv_add(&roots, top);
	for (n = 1;; n++) {
		weigh_clear(&r);
		failmalloc_arm(n);
		rc = weigh_run(&w, &r, &e);
		if (!failmalloc_disarm())
			break;
		assert_int_equal(rc, -1);
		assert_int_equal(e.code, ERR_MEM);
	}
	assert_int_equal(rc, 0);
	assert_true(n > 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(weigh_lists_the_largest_folders_first),
		cmocka_unit_test(weigh_leaves_out_what_is_excluded),
		cmocka_unit_test(weigh_counts_a_file_with_two_names_once),
		cmocka_unit_test(weigh_excluded_goes_by_path_or_by_pattern),
		cmocka_unit_test(weigh_says_when_a_root_is_not_there),
		cmocka_unit_test(weigh_says_when_memory_is_out_wherever_that_is),
	};

	return cmocka_run_group_tests(tests, make, unmake);
}
