/* SPDX-License-Identifier: ISC */
/* Weighing holds a bounded part of a tree, and counts all of it. */
#include "store_tmp.h"

#include <sys/stat.h>

#include "failmalloc.h"
#include "store_weigh.h"
#include "walk.h"
#include "weigh.h"

#define WIDE	(WALK_PART + 3000)
#define BLOCK	512

static void
folder(int dirfd, const char *name)
{
	assert_int_equal(mkdirat(dirfd, name, 0700), 0);
}

static uint64_t
size_of(const char *name)
{
	struct stat st;

	assert_int_equal(fstatat(client.fd, name, &st, AT_SYMLINK_NOFOLLOW),
	    0);
	return (uint64_t)st.st_blocks * BLOCK;
}

/* More folders than are listed at a time, a file in some; and in the midst
 * one with folders of its own. */
static void
all_of_a_wide_folder_is_weighed(void **state)
{
	struct err e = ERR_INIT;
	struct store_weight got;
	uint64_t want = 0;
	char name[64];
	size_t i;

	(void)state;
	folder(client.fd, ".incoming");
	for (i = 0; i < WIDE; i++) {
		snprintf(name, sizeof(name), ".incoming/d%06zu", i);
		folder(client.fd, name);
		want += size_of(name);
		if (i % 1000 != 0)
			continue;
		snprintf(name, sizeof(name), ".incoming/d%06zu/sub", i);
		folder(client.fd, name);
		want += size_of(name);
		snprintf(name, sizeof(name), ".incoming/d%06zu/sub/f", i);
		put(name, "x");
		want += size_of(name);
	}
	assert_int_equal(store_weigh(&client, "", NULL, &got, &e), 0);
	assert_int_equal(got.bytes, want);
	assert_int_equal(got.all_bytes, want);
	/* Its own folder is one of them. */
	assert_int_equal(got.names, 1 + WIDE + 2 * ((WIDE + 999) / 1000));
	assert_int_equal(got.inodes, got.names);
}

static void
what_is_as_in_the_snapshot_before_takes_nothing(void **state)
{
	static const char was[] = "laptop.2023-11-14.1700000000";
	struct err e = ERR_INIT;
	struct store_weight got;

	(void)state;
	folder(client.fd, was);
	put("laptop.2023-11-14.1700000000/same", "s");
	/* Nothing has been left, and then something. */
	assert_int_equal(store_weigh_left(&client, &got, &e), 0);
	folder(client.fd, ".incoming");
	folder(client.fd, ".incoming/sub");
	put(".incoming/new", "new");
	assert_int_equal(linkat(client.fd, "laptop.2023-11-14.1700000000/same",
	    client.fd, ".incoming/same", 0), 0);
	assert_int_equal(store_weigh_left(&client, &got, &e), 1);
	assert_int_equal(got.bytes, size_of(".incoming/new") +
	    size_of(".incoming/sub"));
}

/* Of three names of one file each is a third of it. */
static void
what_was_linked_takes_no_inode(void **state)
{
	static const char was[] = "laptop.2023-11-14.1700000000";
	struct err e = ERR_INIT;
	struct store_weight got;

	(void)state;
	folder(client.fd, was);
	put("laptop.2023-11-14.1700000000/same", "s");
	folder(client.fd, ".incoming");
	put(".incoming/1", "new");
	assert_int_equal(linkat(client.fd, ".incoming/1", client.fd,
	    ".incoming/2", 0), 0);
	assert_int_equal(linkat(client.fd, ".incoming/1", client.fd,
	    ".incoming/3", 0), 0);
	assert_int_equal(linkat(client.fd, "laptop.2023-11-14.1700000000/same",
	    client.fd, ".incoming/same", 0), 0);
	assert_int_equal(store_weigh(&client, was, NULL, &got, &e), 0);
	assert_int_equal(got.inodes, 2);
	assert_int_equal(got.names, 5);
	assert_in_range(got.bytes, size_of(".incoming/1") - 2,
	    size_of(".incoming/1"));
	assert_int_equal(got.all_bytes, 3 * size_of(".incoming/1") +
	    size_of(".incoming/same"));
}

static void
a_path_that_no_rsync_makes_is_refused(void **state)
{
	struct store_weight got;
	struct err e = ERR_INIT;
	char name[251];
	int fd, next, i;

	(void)state;
	memset(name, 'n', 250);
	name[250] = '\0';
	folder(client.fd, ".incoming");
	fd = openat(client.fd, ".incoming", O_RDONLY | O_DIRECTORY);
	for (i = 0; i < 70; i++) {
		assert_int_not_equal(fd, -1);
		folder(fd, name);
		next = openat(fd, name, O_RDONLY | O_DIRECTORY);
		close(fd);
		fd = next;
	}
	close(fd);
	assert_int_equal(store_weigh(&client, "", NULL, &got, &e), -1);
	assert_err(&e, ERR_REFUSED, "a path of more than 16384 bytes");
}

static void
memory_that_is_out_is_said_wherever_that_is(void **state)
{
	struct store_weight got;
	struct err e = ERR_INIT;
	unsigned long n;
	int rc;

	(void)state;
	folder(client.fd, ".incoming");
	folder(client.fd, ".incoming/a");
	folder(client.fd, ".incoming/a/b");
	folder(client.fd, ".incoming/c");
	for (n = 1;; n++) {
		failmalloc_arm(n);
		rc = store_weigh(&client, "", NULL, &got, &e);
		if (!failmalloc_disarm())
			break;
		assert_int_equal(rc, -1);
		assert_int_equal(e.code, ERR_MEM);
	}
	assert_int_equal(rc, 0);
	assert_true(n > 4);
}

/* Three files of two names each, when only one of them is remembered. */
static void
files_beyond_those_remembered_count_by_their_names(void **state)
{
	struct strv roots = { 0 }, excludes = { 0 };
	struct weigh_spec w = { .roots = &roots, .excludes = &excludes,
		.lines = 9, .links = 1 };
	struct weigh_result r = { 0 };
	struct err e = ERR_INIT;
	uint64_t want = 0;
	char text[8193], name[32], other[32];
	size_t i;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	folder(client.fd, "one");
	folder(client.fd, "two");
	for (i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "one/%zu", i);
		snprintf(other, sizeof(other), "two/%zu", i);
		put(name, text);
		assert_int_equal(linkat(client.fd, name, client.fd, other,
		    0), 0);
		want += size_of(name);
	}
	assert_int_equal(strv_add(&roots, client.path), 0);
	assert_int_equal(weigh_run(&w, &r, &e), 0);
	assert_int_equal(r.bytes, want);
	/* Two files are shared, and one counts where it was met first. */
	assert_int_equal(r.n, 3);
	assert_int_equal(r.folders[0].bytes, want);
	assert_int_equal(r.folders[1].bytes, want / 3 * 2);
	assert_int_equal(r.folders[2].bytes, want / 3);
	weigh_clear(&r);
	strv_clear(&roots);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, store_tmp_enter, \
	store_tmp_leave)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(all_of_a_wide_folder_is_weighed),
		TEST(what_is_as_in_the_snapshot_before_takes_nothing),
		TEST(what_was_linked_takes_no_inode),
		TEST(a_path_that_no_rsync_makes_is_refused),
		TEST(memory_that_is_out_is_said_wherever_that_is),
		TEST(files_beyond_those_remembered_count_by_their_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
