/* SPDX-License-Identifier: ISC */
#include "catalogtest.h"

#include <sqlite3.h>
#include <sys/xattr.h>

#include "fakestat.h"
#include "hash.h"
#include "walk.h"

/* S1 has a, d/b; S2 has the same d/b by link, a changed, c new. */
static void
two_snapshots(void)
{
	assert_int_equal(mkdir(S1, 0755) | mkdir(S1 "/d", 0755), 0);
	ct_file(S1 "/a", "one");
	ct_file(S1 "/d/b", "bbb");
	ct_time(S1 "/d", 1000);
	ct_time(S1, 1000);
	ct_manifest(S1);
	assert_int_equal(mkdir(S2, 0755) | mkdir(S2 "/d", 0755), 0);
	ct_file(S2 "/a", "two2");
	assert_int_equal(link(S1 "/d/b", S2 "/d/b"), 0);
	ct_file(S2 "/c", "ccc");
	ct_time(S2 "/d", 1000);
	ct_time(S2, 1000);
}

static int64_t
number(const char *sql)
{
	sqlite3_stmt *st = NULL;
	int64_t n;

	assert_int_equal(sqlite3_prepare_v2(ct.db, sql, -1, &st, NULL), 0);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return n;
}

static void
linked_files_are_neither_read_nor_written_again(void **state)
{
	struct manifest_stats st;

	two_snapshots();
	st = ct_manifest(S2);
	assert_int_equal(st.files, 5);
	assert_int_equal(st.hashed, 2);
	assert_int_equal(st.rows, 2);
	assert_int_equal(number("SELECT count(*) FROM entry"), 6);
	assert_string_equal(ct_find("/d/b"), "/d/b 1000000 2000000\n");
}

static void
a_copy_with_the_same_content_is_read_and_is_the_same_row(void **state)
{
	struct manifest_stats st;

	assert_int_equal(mkdir(S1, 0755) | mkdir(S2, 0755), 0);
	ct_file(S1 "/a", "one");
	ct_file(S2 "/a", "one");
	ct_manifest(S1);
	st = ct_manifest(S2);
	assert_int_equal(st.hashed, 1);
	assert_string_equal(ct_find("/a"), "/a 1000000 2000000\n");
}

static void
diff_names_each_kind_of_change(void **state)
{
	assert_int_equal(mkdir(S1, 0755) | mkdir(S2, 0755), 0);
	ct_file(S1 "/gone", "x");
	ct_file(S1 "/time", "x");
	ct_file(S1 "/mode", "x");
	ct_file(S1 "/kind", "x");
	ct_file(S1 "/xattr", "x");
	ct_file(S1 "/text", "x");
	ct_file(S2 "/new", "x");
	ct_file(S2 "/time", "x");
	ct_time(S2 "/time", 2000);
	ct_file(S2 "/mode", "x");
	assert_int_equal(chmod(S2 "/mode", 0600), 0);
	assert_int_equal(symlink("x", S2 "/kind"), 0);
	ct_time(S2 "/kind", 1000);
	ct_file(S2 "/xattr", "x");
	assert_int_equal(setxattr(S2 "/xattr", "user.a", "b", 1, 0), 0);
	ct_file(S2 "/text", "y");
	ct_time(S1, 1000);
	ct_time(S2, 1000);
	ct_manifest(S1);
	ct_manifest(S2);
	/* A link's content is its target: here the same. */
	assert_string_equal(ct_diff(S1, S2), "- /gone 0\n* /kind 6\n"
	    "* /mode 4\n+ /new 0\n* /text 1\n* /time 10\n* /xattr 40\n");
	assert_string_equal(ct_diff(S2, S1), "+ /gone 0\n* /kind 6\n"
	    "* /mode 4\n- /new 0\n* /text 1\n* /time 10\n* /xattr 40\n");
	assert_string_equal(ct_diff(S1, S1), "");
}

static void
fake_super_metadata_is_what_was_backed_up(void **state)
{
	assert_int_equal(mkdir(S1, 0755), 0);
	ct_file(S1 "/f", "x");
	ct_file(S1 "/dev", "");
	ct_file(S1 "/link", "target");
	ct_file(S1 "/odd", "x");
	assert_int_equal(setxattr(S1 "/f", FAKESTAT_ATTR,
	    "104755 0,0 7:8", 14, 0), 0);
	assert_int_equal(setxattr(S1 "/dev", FAKESTAT_ATTR,
	    "20620 4,300 9:5", 15, 0), 0);
	assert_int_equal(setxattr(S1 "/link", FAKESTAT_ATTR,
	    "120777 0,0 0:0", 14, 0), 0);
	assert_int_equal(setxattr(S1 "/odd", FAKESTAT_ATTR, "nonsense", 8, 0),
	    0);
	buf_clear(&ct_said);
	assert_int_equal(ct_manifest(S1).unreadable, 1);
	assert_non_null(strstr(ct_said.data, "! /odd: user.rsync.%stat: not"));
	assert_int_equal(number("SELECT mode FROM file WHERE path='/f'"),
	    0104755);
	assert_int_equal(number("SELECT uid*10+gid FROM file WHERE path='/f'"),
	    78);
	assert_int_equal(number("SELECT rdev FROM file WHERE path='/dev'"),
	    (int64_t)4 << 32 | 300);
	assert_int_equal(number("SELECT mode FROM file WHERE path='/dev'"),
	    020620);
	assert_int_equal(number("SELECT hash IS NULL FROM file WHERE "
	    "path='/dev'"), 1);
	assert_int_equal(number("SELECT size FROM file WHERE path='/link'"),
	    6);
}

static void
hard_links_are_read_once(void **state)
{
	struct manifest_stats st;

	assert_int_equal(mkdir(S1, 0755), 0);
	ct_file(S1 "/a", "one");
	assert_int_equal(link(S1 "/a", S1 "/b") | link(S1 "/a", S1 "/c"), 0);
	st = ct_manifest(S1);
	assert_int_equal(st.hashed, 1);
	assert_int_equal(st.bytes, 9);
	assert_int_equal(number("SELECT count(DISTINCT hash)+10*count(DISTINCT"
	    " link) FROM entry WHERE hash IS NOT NULL"), 11);
	assert_int_equal(number("SELECT count(hash) FROM entry"), 3);
}

static void
odd_names_are_kept_byte_for_byte(void **state)
{
	assert_int_equal(mkdir(S1, 0755), 0);
	ct_file(S1 "/new\nline", "x");
	ct_file(S1 "/\xff\xfe", "x");
	assert_int_equal(mkdir(S1 "/ d\\", 0755), 0);
	ct_file(S1 "/ d\\/*", "x");
	ct_manifest(S1);
	assert_string_equal(ct_find("/new\nline"),
	    "/new\nline 1000000 1000000\n");
	assert_string_equal(ct_find("\xff*"), "/\xff\xfe 1000000 1000000\n");
	assert_string_equal(ct_find("/\xff\xfe"),
	    "/\xff\xfe 1000000 1000000\n");
	assert_string_equal(ct_find("/ d\\\\/\\*"),
	    "/ d\\/* 1000000 1000000\n");
	assert_int_equal(ct_verify(S1).found, 0);
}

static void
a_folder_that_goes_takes_all_below_it_along(void **state)
{
	assert_int_equal(mkdir(S1, 0755) | mkdir(S1 "/d", 0755) |
	    mkdir(S1 "/d/e", 0755) | mkdir(S2, 0755) | mkdir(S3, 0755) |
	    mkdir(S3 "/d", 0755), 0);
	ct_file(S1 "/d/e/f", "x");
	ct_file(S2 "/d", "a file now");
	ct_manifest(S1);
	ct_manifest(S2);
	ct_manifest(S3);
	assert_string_equal(ct_find("/d/**"), "/d/e 1000000 1000000\n"
	    "/d/e/f 1000000 1000000\n");
	assert_string_equal(ct_find("/d"), "/d 1000000 1000000\n"
	    "/d 2000000 2000000\n/d 3000000 3000000\n");
	assert_string_equal(ct_find("f"), "/d/e/f 1000000 1000000\n");
}

static int
give_up(void *arg, const struct manifest_stats *sofar, struct err *e)
{
	return err_set(e, ERR_TIMEOUT, "enough");
}

static void
a_manifest_that_is_broken_off_is_not_there(void **state)
{
	struct manifest_opts o = { .name = S2, .client = -1, .threads = 2,
		.progress = give_up };
	struct manifest_stats st;

	two_snapshots();
	o.root = open(S2, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(manifest_make(&ct, &o, &st, &ct_e), -1);
	close(o.root);
	assert_err(&ct_e, ERR_TIMEOUT, "enough");
	assert_null(catalog_snap(&ct, S2));
	assert_int_equal(number("SELECT count(*) FROM entry"), 4);
	ct_manifest(S2);
	assert_string_equal(ct_find("/a"), "/a 1000000 1000000\n"
	    "/a 2000000 2000000\n");
}

static void
a_writer_that_was_killed_leaves_no_manifest(void **state)
{
	struct manifest_stats st;

	two_snapshots();
	/* What a kill in the midst leaves: the transaction in the WAL. */
	assert_int_equal(sqlite3_exec(ct.db, "PRAGMA cache_size=1; BEGIN;"
	    " INSERT INTO dir SELECT NULL, 'x' || value FROM"
	    " (WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value+1"
	    " FROM n LIMIT 20000) SELECT value FROM n)", NULL, NULL, NULL), 0);
	assert_int_equal(rename("catalog.db", "c") |
	    rename("catalog.db-wal", "c-wal"), 0);
	catalog_close(&ct);
	unlink("catalog.db-shm");
	assert_int_equal(link("c", "catalog.db"), 0);
	rename("c-wal", "catalog.db-wal");
	ct_open();
	assert_int_equal(number("SELECT count(*) FROM dir WHERE path GLOB "
	    "'x*'"), 0);
	assert_int_equal(ct_make(S2, &st), 0);
}

static void
a_second_manifest_of_a_snapshot_is_refused(void **state)
{
	struct manifest_stats st;

	two_snapshots();
	assert_int_equal(ct_make(S1, &st), -1);
	assert_err(&ct_e, ERR_CONFIG, "has a manifest");
}

static void
a_large_folder_is_listed_in_parts(void **state)
{
	struct walk_list l = { .max = 8 };
	char after[NAME_MAX + 1] = "", name[32];
	int fd, i, seen = 0;

	for (i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "n%02d", i * 37 % 100);
		ct_put(name, "");
	}
	assert_int_equal(mkdir("sub", 0755), 0);
	fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	do {
		ct_ok(walk_list(fd, after, &l, &ct_e));
		for (i = 0; (size_t)i < l.n; i++) {
			const char *s = l.names + l.at[i];

			assert_true(strcmp(s, after) > 0);
			snprintf(after, sizeof(after), "%s", s);
			seen += s[0] == 'n';
		}
	} while (l.more);
	assert_int_equal(seen, 100);
	walk_list_clear(&l);
	close(fd);
}

static int
in_order(void *arg, void *slot, const struct hash_result *r, struct err *e)
{
	unsigned char hash[HASH_BYTES];
	int *seen = arg, *i = slot;
	char name[32];

	assert_int_equal(*i, (*seen)++);
	assert_int_equal(r->sys_errno, 0);
	snprintf(name, sizeof(name), "%d", *i);
	hash_bytes(name, strlen(name), hash);
	if (*i != 0)
		assert_memory_equal(hash, r->hash, HASH_BYTES);
	return 0;
}

/* The first takes longer than it takes to go round the ring. */
static void
a_large_file_is_read_once_while_many_small_ones_wait(void **state)
{
	unsigned threads;
	char name[32];
	int i, fd, *slot, seen;

	for (threads = 0; threads <= 3; threads++) {
		struct hash_pool *p = NULL;

		seen = 0;
		ct_ok(hash_pool_new(threads, sizeof(int), in_order, &seen, &p,
		    &ct_e));
		for (i = 0; i < 3 * HASH_SLOTS; i++) {
			snprintf(name, sizeof(name), "%d", i);
			ct_put("f", name);
			if (i == 0)
				assert_int_equal(truncate("f", 64 << 20), 0);
			fd = open("f", O_RDONLY | O_CLOEXEC);
			assert_int_equal(unlink("f"), 0);
			slot = hash_pool_slot(p, &ct_e);
			*slot = i;
			hash_pool_submit(p, fd, strlen(name));
		}
		ct_ok(hash_pool_drain(p, &ct_e));
		hash_pool_free(p);
		assert_int_equal(seen, 3 * HASH_SLOTS);
	}
}

static void
a_link_in_a_folders_place_is_not_followed(void **state)
{
	int fd = -1, root = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_int_equal(mkdir("d", 0755) | symlink("/tmp", "l"), 0);
	ct_ok(walk_open(root, "/d/", &fd, &ct_e));
	close(fd);
	assert_int_equal(walk_open(root, "/l/", &fd, &ct_e), -1);
	assert_int_equal(walk_open(root, "/../", &fd, &ct_e), -1);
	close(root);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, ct_enter, ct_leave)
	const struct CMUnitTest tests[] = {
		T(linked_files_are_neither_read_nor_written_again),
		T(a_copy_with_the_same_content_is_read_and_is_the_same_row),
		T(diff_names_each_kind_of_change),
		T(fake_super_metadata_is_what_was_backed_up),
		T(hard_links_are_read_once),
		T(odd_names_are_kept_byte_for_byte),
		T(a_folder_that_goes_takes_all_below_it_along),
		T(a_manifest_that_is_broken_off_is_not_there),
		T(a_writer_that_was_killed_leaves_no_manifest),
		T(a_second_manifest_of_a_snapshot_is_refused),
		T(a_large_folder_is_listed_in_parts),
		T(a_large_file_is_read_once_while_many_small_ones_wait),
		T(a_link_in_a_folders_place_is_not_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
