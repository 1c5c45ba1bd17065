/* SPDX-License-Identifier: ISC */
/* descend.h, and store_loose.h, which goes through trees by it. What btrfs
 * does, tests/system/test_backup_links.py has. */
#include "store_tmp.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "descend.h"
#include "store_loose.h"

#define DEEP 2200	/* "d/" each: more than PATH_MAX */
#define WIDE 200
#define LEVELS 5

static struct err e;
static struct buf seen;
static unsigned count;
static int tree;

static int
enter(void **state)
{
	if (store_tmp_enter(state) == -1 ||
	    mkdirat(client.fd, ".incoming", 0700) == -1)
		return -1;
	tree = openat(client.fd, ".incoming", O_RDONLY | O_DIRECTORY |
	    O_CLOEXEC);
	e = (struct err)ERR_INIT;
	buf_init(&seen, 1 << 20);
	count = 0;
	return tree != -1 ? 0 : -1;
}

static int
leave(void **state)
{
	close(tree);
	buf_clear(&seen);
	return store_tmp_leave(state);
}

static void
make(const char *name, mode_t mode)
{
	assert_int_equal(mkdirat(tree, name, mode), 0);
}

static void
file(const char *name)
{
	char path[300];

	snprintf(path, sizeof(path), ".incoming/%s", name);
	put(path, name);
}

static ino_t
inode(int fd, const char *name)
{
	struct stat st;

	assert_int_equal(fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st.st_ino;
}

static int
note(void *arg, int dirfd, const char *name, const struct stat *st,
    struct err *why)
{
	const char *skip = arg;

	count++;
	assert_true(inode(dirfd, name) == st->st_ino);
	if (skip != NULL)
		assert_int_equal(buf_addf(&seen, "%s ", name), 0);
	return skip == NULL || strcmp(name, skip) != 0;
}

static int
go(const char *skip)
{
	const struct descend d = { .root = tree, .where = "tree",
		.one = note, .arg = (void *)(uintptr_t)skip };

	return descend_run(&d, &e);
}

static void
files_come_before_folders_and_each_by_name(void **state)
{
	make("b", 0700);
	make("a", 0700);
	make("a/z", 0700);
	make("no", 0700);
	file("c");
	file("a/z/1");
	file("a/zz");
	file("b/\xff");
	file("no/inside");
	assert_int_equal(symlinkat("a", tree, "link"), 0);
	assert_int_equal(go("no"), 0);
	assert_string_equal(seen.data, "a b c link no z zz 1 \xff ");
	assert_int_equal(count, 9);
}

static int
stop(void *arg, int dirfd, const char *name, const struct stat *st,
    struct err *why)
{
	return ++count == 2 ? err_set(why, ERR_BUSY, "enough") : 1;
}

static void
whoever_looks_may_end_it(void **state)
{
	const struct descend d = { .root = tree, .where = "t", .one = stop };

	make("a", 0700);
	file("a/1");
	file("a/2");
	assert_int_equal(descend_run(&d, &e), -1);
	assert_err(&e, ERR_BUSY, "enough");
	assert_int_equal(count, 2);
}

static int
take_away(void *arg, int dirfd, const char *name, const struct stat *st,
    struct err *why)
{
	count++;
	(void)unlinkat(tree, "b", AT_REMOVEDIR);
	return 1;
}

static void
what_vanishes_is_passed_over(void **state)
{
	const struct descend d = { .root = tree, .where = "t",
		.one = take_away };

	make("a", 0700);
	make("b", 0700);
	file("a/1");
	assert_int_equal(descend_run(&d, &e), 0);
	assert_int_equal(count, 2);
	assert_int_equal(e.code, ERR_NONE);
}

static void
a_tree_deeper_than_a_path_is_long_is_gone_through(void **state)
{
	int fd = dup(tree), next, i;

	for (i = 0; i < DEEP; i++) {
		assert_int_equal(mkdirat(fd, "d", 0700), 0);
		next = openat(fd, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(next != -1);
		close(fd);
		fd = next;
	}
	close(fd);
	assert_int_equal(go(NULL), 0);
	assert_int_equal(count, DEEP);
}

/* More bytes of names than are held, and more names than are listed at once:
 * each comes, though some of them twice. */
static void
wide_folders_come_in_parts(void **state)
{
	struct descend d = { .root = tree, .where = "t", .one = note };
	static const size_t limits[][2] = { { 0, 0 }, { 1, 0 }, { 2000, 0 },
	    { 0, 2 }, { 0, 30 }, { 2000, 30 } };
	char path[100] = "", *at = path;
	size_t i;
	int n;

	for (i = 0; i < LEVELS; i++, at = path + strlen(path)) {
		for (n = 0; n < WIDE; n++) {
			snprintf(at, 30, "folder-%03d", n);
			make(path, 0700);
			snprintf(at, 30, "folder-%03d/f", n);
			file(path);
		}
		snprintf(at, 30, "folder-%03d/", WIDE / 2);
	}
	for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		d.max = limits[i][0];
		d.part = limits[i][1];
		count = 0;
		assert_int_equal(descend_run(&d, &e), 0);
		if (i == 0)
			assert_int_equal(count, 2 * WIDE * LEVELS);
		else	/* Each folder is looked at again at most once a way. */
			assert_in_range(count, 2 * WIDE * LEVELS,
			    2 * WIDE * LEVELS * (LEVELS + 1));
	}
}

static void
a_name_of_a_snapshots_inode_is_removed(void **state)
{
	make("sub", 0700);
	file("sub/own");
	file("one");
	assert_int_equal(mkdirat(client.fd, "snap", 0700), 0);
	put("snap/old", "old");
	assert_int_equal(linkat(client.fd, "snap/old", tree, "old", 0), 0);
	assert_int_equal(linkat(client.fd, "snap/old", tree, "sub/too", 0),
	    0);
	assert_int_equal(linkat(tree, "one", tree, "sub/two", 0), 0);
	assert_int_equal(store_loosen(tree, "t", STORE_HARDLINK, &e), 0);
	assert_false(there(tree, "old"));
	assert_false(there(tree, "sub/too"));
	assert_true(there(client.fd, "snap/old"));
	assert_true(there(tree, "sub/own"));
	/* One name of its own file stays: what came is not lost. */
	assert_int_equal(there(tree, "one") + there(tree, "sub/two"), 1);
}

/* No file system of this machine shares blocks but btrfs: so the other names
 * are removed, and the first one keeps the inode. */
static void
the_first_name_keeps_the_inode(void **state)
{
	char name[32], other[32];
	ino_t one, b;
	int i;

	make("a", 0700);
	file("a/one");
	file("b");
	assert_int_equal(linkat(tree, "b", tree, "a/two", 0), 0);
	assert_int_equal(linkat(tree, "a/one", tree, "a/three", 0), 0);
	assert_int_equal(symlinkat("x", tree, "a/l"), 0);
	assert_int_equal(linkat(tree, "a/l", tree, "a/m", 0), 0);
	one = inode(tree, "a/one");
	b = inode(tree, "b");
	for (i = 0; i < 200; i++) {	/* the set of them grows */
		snprintf(name, sizeof(name), "a/x%03d", i);
		snprintf(other, sizeof(other), "a/x%03d'", i);
		file(name);
		assert_int_equal(linkat(tree, name, tree, other, 0), 0);
	}
	assert_int_equal(store_loosen(tree, "t", STORE_BTRFS, &e), 0);
	assert_true(inode(tree, "b") == b);
	assert_true(inode(tree, "a/one") == one);
	assert_true(there(tree, "a/l"));
	for (i = 0; i < 3; i++) {
		static const char *const others[] = { "a/two", "a/three",
		    "a/m" };
		struct stat st;

		if (fstatat(tree, others[i], &st, AT_SYMLINK_NOFOLLOW) == 0)
			assert_int_equal(st.st_nlink, 1);
	}
	assert_false(there(tree, ".postern-0"));
	assert_false(there(tree, "a/.postern-0"));
}

static void
parts_of_files_are_removed_wherever_they_are(void **state)
{
	make("a", 0700);
	make("a/.postern-partial", 0700);
	make(".postern-partial", 0700);
	make("a/b", 0700);
	file("a/.postern-partial/x");
	file(".postern-partial/y");
	file("a/b/.postern-partial");
	assert_int_equal(store_tidy(tree, "t", &e), 0);
	assert_false(there(tree, "a/.postern-partial"));
	assert_false(there(tree, ".postern-partial"));
	/* That is a file of the client's. */
	assert_true(there(tree, "a/b/.postern-partial"));
}

#define T(f) cmocka_unit_test_setup_teardown(f, enter, leave)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(files_come_before_folders_and_each_by_name),
		T(whoever_looks_may_end_it),
		T(what_vanishes_is_passed_over),
		T(a_tree_deeper_than_a_path_is_long_is_gone_through),
		T(wide_folders_come_in_parts),
		T(a_name_of_a_snapshots_inode_is_removed),
		T(the_first_name_keeps_the_inode),
		T(parts_of_files_are_removed_wherever_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
