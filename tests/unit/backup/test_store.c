/* SPDX-License-Identifier: ISC */
/* Opening the store and a client, listing, begin and finish. */
#include "store_tmp.h"

#include <sys/xattr.h>
#include <time.h>

#include "store_build.h"
#include "store_lend.h"
#include "store_list.h"
#include "store_rec.h"

static void
a_store_that_others_may_write_to_is_refused(void **state)
{
	struct err e = ERR_INIT;
	struct store s;

	assert_int_equal(chmod(root, 0775), 0);
	assert_int_equal(store_open(root, &s, &e), -1);
	assert_err(&e, ERR_UNSAFE, "others may write to it");
	assert_int_equal(chmod(root, 0755), 0);
	assert_int_equal(chmod(top, 0757), 0);
	assert_int_equal(store_open(root, &s, &e), -1);
	assert_err(&e, ERR_UNSAFE, "others may write to it");
	/* Sticky, as /tmp: nobody can replace what isn't theirs. */
	assert_int_equal(chmod(top, 01777), 0);
	assert_int_equal(store_open(root, &s, &e), 0);
	store_close(&s);
}

static void
a_store_behind_a_link_is_refused(void **state)
{
	struct err e = ERR_INIT;
	char path[128];
	struct store s;

	snprintf(path, sizeof(path), "%s/link", top);
	assert_int_equal(symlink(root, path), 0);
	assert_int_equal(store_open(path, &s, &e), -1);
	assert_err(&e, ERR_UNSAFE, "/link: is a symbolic link");
	snprintf(path, sizeof(path), "%s/up", top);
	assert_int_equal(symlink(".", path), 0);
	snprintf(path, sizeof(path), "%s/up/a store", top);
	assert_int_equal(store_open(path, &s, &e), -1);
	assert_err(&e, ERR_UNSAFE, "/up: is a symbolic link");
}

static void
a_store_of_somebody_else_is_refused(void **state)
{
	struct err e = ERR_INIT;
	struct store s;

	if (geteuid() != 0)
		return;
	assert_int_equal(chown(root, PLAIN_USER, 0), 0);
	assert_int_equal(store_open(root, &s, &e), -1);
	assert_err(&e, ERR_UNSAFE, "belongs to uid 65534");
}

static void
a_path_that_is_no_stores_is_refused(void **state)
{
	struct err e = ERR_INIT;
	char path[128];
	struct store s;

	assert_int_equal(store_open("srv", &s, &e), -1);
	assert_err(&e, ERR_CONFIG, "not an absolute path");
	snprintf(path, sizeof(path), "%s/../a store", root);
	assert_int_equal(store_open(path, &s, &e), -1);
	assert_err(&e, ERR_CONFIG, "..");
	assert_int_equal(store_open(top, &s, &e), -1);
	assert_err(&e, ERR_SYS, "/.postern: No such file");
	snprintf(path, sizeof(path), "%s//", root);
	assert_int_equal(store_open(path, &s, &e), 0);
	store_close(&s);
}

static void
clients_are_those_that_were_made(void **state)
{
	static const char *const bad[] = { "..", "", "a/b", ".x", "Laptop",
	    "lock", "x.2023-11-14.1700000000" };
	struct strv names = { 0 };
	struct err e = ERR_INIT;
	struct store_client c;
	size_t i;

	assert_int_equal(store_client_make(&store, "desk", &e), 0);
	assert_int_equal(store_client_make(&store, "desk", &e), 0);
	assert_int_equal(store_clients(&store, &names, &e), 0);
	assert_int_equal(names.n, 2);
	assert_string_equal(names.v[0], "desk");
	assert_string_equal(names.v[1], "laptop");
	strv_clear(&names);
	assert_int_equal(store_client_open(&store, "phone", &c, &e), -1);
	assert_err(&e, ERR_REFUSED, "phone: no client of the store");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(store_client_open(&store, bad[i], &c, &e),
		    -1);
		assert_int_equal(e.code, ERR_CONFIG);
		assert_int_equal(store_client_make(&store, bad[i], &e), -1);
		assert_int_equal(e.code, ERR_CONFIG);
	}
}

static void
a_clients_folder_that_is_a_link_or_open_to_others_is_refused(void **state)
{
	struct err e = ERR_INIT;
	struct store_client c;

	assert_int_equal(fchmod(client.fd, 0755), 0);
	assert_int_equal(store_client_open(&store, "laptop", &c, &e), -1);
	assert_err(&e, ERR_UNSAFE, "others have a right to it");
	assert_int_equal(fchmod(client.fd, 0700), 0);
	assert_int_equal(renameat(store.fd, "laptop", store.fd, "x"), 0);
	assert_int_equal(symlinkat("x", store.fd, "laptop"), 0);
	assert_int_equal(store_client_open(&store, "laptop", &c, &e), -1);
	assert_err(&e, ERR_UNSAFE, "laptop: is a symbolic link");
	assert_int_equal(unlinkat(store.fd, "laptop", 0), 0);
	assert_int_equal(renameat(store.fd, "x", store.fd, "laptop"), 0);
	assert_int_equal(renameat(store.admin_fd, "laptop", store.admin_fd,
	    "x"), 0);
	assert_int_equal(symlinkat("x", store.admin_fd, "laptop"), 0);
	assert_int_equal(store_client_open(&store, "laptop", &c, &e), -1);
	assert_err(&e, ERR_UNSAFE, "laptop: is a symbolic link");
}

static void
one_writer_at_a_time_has_a_client(void **state)
{
	struct err e = ERR_INIT;
	struct store_client c;

	assert_int_equal(store_client_open(&store, "laptop", &c, &e), 0);
	assert_int_equal(store_client_lock(&c, 0, &e), -1);
	assert_err(&e, ERR_BUSY, "/.postern/laptop/lock: held by process");
	store_client_close(&c);
}

static void
snapshots_are_listed_newest_first_and_strays_are_named(void **state)
{
	struct err e = ERR_INIT;
	struct store_list l;

	assert_int_equal(mkdirat(client.fd, "laptop.2023-11-14.1700000000",
	    0700), 0);
	assert_int_equal(mkdirat(client.fd, "laptop.2023-11-15.1700006400",
	    0700), 0);
	assert_int_equal(mkdirat(client.fd, "laptop.2001-09-09.1000000000",
	    0700), 0);
	/* Another client's, a wrong date, a link, a file, hidden ones. */
	assert_int_equal(mkdirat(client.fd, "desk.2023-11-14.1700000000",
	    0700), 0);
	assert_int_equal(mkdirat(client.fd, "laptop.2023-11-16.1700006400",
	    0700), 0);
	assert_int_equal(symlinkat("/etc", client.fd,
	    "laptop.2023-11-14.1700000001"), 0);
	put("laptop.2023-11-14.1700000002", "");
	put("notes\377", "");
	assert_int_equal(mkdirat(client.fd, ".incoming", 0700), 0);
	assert_int_equal(mkdirat(client.fd, ".trash-x", 0700), 0);
	assert_int_equal(store_list_read(&client, &l, &e), 0);
	assert_int_equal(l.n, 3);
	assert_string_equal(l.snaps[0].name, "laptop.2023-11-15.1700006400");
	assert_string_equal(l.snaps[1].name, "laptop.2023-11-14.1700000000");
	assert_string_equal(l.snaps[2].name, "laptop.2001-09-09.1000000000");
	assert_int_equal(l.snaps[2].time_s, 1000000000);
	assert_int_equal(l.stray_n, 5);
	assert_int_equal(l.stray.n, 5);
	assert_true(strv_has(&l.stray, "notes\377"));
	assert_ptr_equal(store_list_find(&l, l.snaps[1].name), &l.snaps[1]);
	assert_null(store_list_find(&l, "laptop.2023-11-14.1700000001"));
	/* The basis is not of the future, unless all are. */
	assert_ptr_equal(store_list_basis(&l, 1700000005), &l.snaps[1]);
	assert_ptr_equal(store_list_basis(&l, 1800000000), &l.snaps[0]);
	assert_ptr_equal(store_list_basis(&l, 5), &l.snaps[0]);
	store_list_clear(&l);
	assert_null(store_list_basis(&l, 5));
}

static void
finish_makes(const char *want)
{
	struct store_rec rec = { .mode = "channel" };
	char name[STORE_SNAP_MAX] = "";
	struct err e = ERR_INIT;
	struct store_build b;

	assert_int_equal(store_build_begin(&client, &b, &e), 0);
	if (store_build_finish(&client, &b, &rec, name, &e) == -1)
		fail_msg("%s", e.msg);
	assert_string_equal(name, want);
	store_rec_clear(&rec);
}

static void
a_build_is_resumed_and_gets_its_name(void **state)
{
	static const char first[] = "laptop.2023-11-14.1700000000";
	struct store_rec rec = { .mode = "channel" }, got;
	char name[STORE_SNAP_MAX];
	struct err e = ERR_INIT;
	struct store_build b;

	assert_int_equal(store_build_begin(&client, &b, &e), 0);
	assert_false(b.resumed);
	assert_string_equal(b.prev, "");
	assert_string_equal(b.link_dest, "");
	assert_int_equal(b.backend, STORE_HARDLINK);
	put(".incoming/a", "1");
	assert_int_equal(store_build_begin(&client, &b, &e), 0);
	assert_true(b.resumed);
	assert_true(there(client.fd, ".incoming/a"));
	rec.files = 1;
	assert_int_equal(strv_add(&rec.roots, "/a b\377"), 0);
	assert_int_equal(store_build_finish(&client, &b, &rec, name, &e), 0);
	assert_string_equal(name, first);
	assert_false(there(client.fd, ".incoming"));
	assert_int_equal(store_rec_get(&client, name, &got, &e), 0);
	assert_int_equal(got.files, 1);
	assert_int_equal(got.backend, STORE_HARDLINK);
	assert_string_equal(got.roots.v[0], "/a b\377");
	store_rec_clear(&got);
	store_rec_clear(&rec);
	fake_now += 5;
	assert_int_equal(store_build_begin(&client, &b, &e), 0);
	assert_false(b.resumed);
	assert_string_equal(b.prev, first);
	assert_string_equal(b.link_dest, "../laptop.2023-11-14.1700000000");
}

/* Not what there is least of work with, when one is asked for by name. */
static void
a_back_end_that_can_not_be_had_is_said_so(void **state)
{
	struct err e = ERR_INIT;
	struct store_build b;

	if (store_build_pick(&client) == STORE_BTRFS)
		return;
	client.want = STORE_BTRFS;
	assert_int_equal(store_build_begin(&client, &b, &e), -1);
	assert_err(&e, ERR_CONFIG, "back-end = btrfs, but no subvolume");
	assert_false(there(client.fd, ".incoming"));
	client.want = STORE_HARDLINK;
	assert_int_equal(store_build_begin(&client, &b, &e), 0);
}

static void
a_build_is_upon_the_last_of_its_job(void **state)
{
	static const char *const jobs[] = { "home", "etc", "" };
	struct store_rec rec = { .mode = "channel" };
	char names[3][STORE_SNAP_MAX];
	struct err e = ERR_INIT;
	struct store_build b;
	size_t i;

	for (i = 0; i < 3; i++, fake_now += 5) {
		snprintf(rec.job, sizeof(rec.job), "%s", jobs[i]);
		assert_int_equal(store_build_begin(&client, &b, &e), 0);
		assert_int_equal(store_build_finish(&client, &b, &rec,
		    names[i], &e), 0);
	}
	for (i = 0; i < 2; i++) {
		client.job = jobs[i];
		assert_int_equal(store_build_begin(&client, &b, &e), 0);
		assert_string_equal(b.prev, names[i]);
	}
	client.job = "new";
	assert_int_equal(store_build_begin(&client, &b, &e), 0);
	assert_string_equal(b.prev, names[2]);
	store_rec_clear(&rec);
}

static int64_t
a_second_later_each_time(void)
{
	return fake_now++;
}

static void
a_collision_waits_and_the_clock_set_back_overwrites_nothing(void **state)
{
	finish_makes("laptop.2023-11-14.1700000000");
	put("laptop.2023-11-14.1700000000/old", "x");
	store.now = a_second_later_each_time;
	fake_now -= 1;		/* begin looks at the clock, too */
	finish_makes("laptop.2023-11-14.1700000001");
	fake_now = 1600000000;
	finish_makes("laptop.2020-09-13.1600000001");
	assert_true(there(client.fd, "laptop.2023-11-14.1700000000/old"));
	assert_false(there(client.fd, "laptop.2023-11-14.1700000001/old"));
}

static int64_t
real_time(void)
{
	return (int64_t)time(NULL);
}

static void
three_at_once_get_three_seconds(void **state)
{
	struct store_rec rec = { 0 };
	char name[3][STORE_SNAP_MAX];
	struct err e = ERR_INIT;
	struct store_build b;
	struct store_list l;
	int i;

	store.now = real_time;
	for (i = 0; i < 3; i++) {
		assert_int_equal(store_build_begin(&client, &b, &e), 0);
		if (store_build_finish(&client, &b, &rec, name[i], &e) == -1)
			fail_msg("%s", e.msg);
	}
	assert_int_equal(store_list_read(&client, &l, &e), 0);
	assert_int_equal(l.n, 3);
	assert_string_equal(l.snaps[0].name, name[2]);
	assert_true(l.snaps[0].time_s > l.snaps[1].time_s);
	assert_true(l.snaps[1].time_s > l.snaps[2].time_s);
	store_list_clear(&l);
}

static void
an_incoming_that_is_a_link_is_refused(void **state)
{
	struct store_rec rec = { 0 };
	char name[STORE_SNAP_MAX];
	struct err e = ERR_INIT;
	struct store_build b;

	assert_int_equal(symlinkat("/etc", client.fd, ".incoming"), 0);
	assert_int_equal(store_build_begin(&client, &b, &e), -1);
	assert_err(&e, ERR_UNSAFE, "/.incoming: is a symbolic link");
	assert_int_equal(unlinkat(client.fd, ".incoming", 0), 0);
	put(".incoming", "");
	assert_int_equal(store_build_begin(&client, &b, &e), -1);
	assert_err(&e, ERR_UNSAFE, "/.incoming: not a folder");
	assert_int_equal(unlinkat(client.fd, ".incoming", 0), 0);
	assert_int_equal(store_build_begin(&client, &b, &e), 0);
	/* Swapped by the receiver, while it ran. */
	assert_int_equal(renameat(client.fd, ".incoming", client.fd, "x"), 0);
	assert_int_equal(symlinkat("x", client.fd, ".incoming"), 0);
	assert_int_equal(store_build_finish(&client, &b, &rec, name, &e), -1);
	assert_err(&e, ERR_UNSAFE, "/.incoming: is a symbolic link");
	assert_int_equal(unlinkat(client.fd, ".incoming", 0), 0);
	assert_int_equal(mkdirat(client.fd, ".incoming", 0700), 0);
	assert_int_equal(store_build_finish(&client, &b, &rec, name, &e), -1);
	assert_err(&e, ERR_UNSAFE, "not the folder that was begun");
}

static void
a_receiver_with_a_uid_of_its_own_gets_it_and_loses_it_again(void **state)
{
	struct store_rec rec = { 0 };
	char name[STORE_SNAP_MAX];
	struct err e = ERR_INIT;
	struct store_client again;
	struct store_build b;
	struct stat st;
	uid_t uid;

	if (geteuid() != 0)
		return;
	client.recv_uid = PLAIN_USER;
	client.recv_gid = PLAIN_USER;
	assert_int_equal(store_build_begin(&client, &b, &e), 0);
	assert_int_equal(fstatat(client.fd, ".incoming", &st, 0), 0);
	assert_int_equal(st.st_uid, PLAIN_USER);
	assert_int_equal(store_build_finish(&client, &b, &rec, name, &e), 0);
	/* It may link what it has received. */
	assert_int_equal(store_build_begin(&client, &b, &e), 0);
	assert_string_equal(b.prev, name);
	assert_string_equal(b.link_dest + 3, name);
	/* Through the folder, but not into it; and it is the folder's owner
	 * that store_client_open() asks for. */
	assert_int_equal(fstat(client.fd, &st), 0);
	assert_int_equal(st.st_uid, 0);
	assert_int_equal(st.st_mode & 07777, 0710);
	assert_int_equal(store_lend_to(&client, &uid, &e), 0);
	assert_int_equal(uid, PLAIN_USER);
	assert_int_equal(store_client_open(&store, client.name, &again, &e),
	    0);
	store_client_close(&again);
	/* Of another one nothing goes on. */
	client.recv_uid = PLAIN_USER - 1;
	assert_int_equal(store_build_begin(&client, &b, &e), 0);
	assert_false(b.resumed);
	assert_string_equal(b.prev, "");
	assert_string_equal(b.link_dest, "");
	assert_int_equal(fstatat(client.fd, ".incoming", &st, 0), 0);
	assert_int_equal(st.st_uid, PLAIN_USER - 1);
	client.recv_uid = client.recv_gid = 0;
	assert_int_equal(store_build_begin(&client, &b, &e), 0);
	assert_false(b.resumed);
	assert_string_equal(b.prev, "");
	assert_int_equal(fstat(client.fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(store_lend_to(&client, &uid, &e), 0);
	assert_int_equal(uid, 0);
}

static void
a_folder_that_a_list_opens_to_somebody_is_refused(void **state)
{
	/* user::rwx, user:1:r-x, group::---, mask::r-x, other::--- */
	static const unsigned char list[] = { 2, 0, 0, 0,
		1, 0, 7, 0, 255, 255, 255, 255, 2, 0, 5, 0, 1, 0, 0, 0,
		4, 0, 0, 0, 255, 255, 255, 255, 16, 0, 5, 0, 255, 255, 255, 255,
		32, 0, 0, 0, 255, 255, 255, 255 };
	struct store_client again;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(fsetxattr(client.fd, "system.posix_acl_access", list,
	    sizeof(list), 0), 0);
	assert_int_equal(store_client_open(&store, client.name, &again, &e),
	    -1);
	assert_err(&e, ERR_UNSAFE, "access control list");
}

#define T(f) cmocka_unit_test_setup_teardown(f, store_tmp_enter, \
	store_tmp_leave)

static int
tests(void)
{
	const struct CMUnitTest all[] = {
		T(a_store_that_others_may_write_to_is_refused),
		T(a_store_behind_a_link_is_refused),
		T(a_store_of_somebody_else_is_refused),
		T(a_path_that_is_no_stores_is_refused),
		T(clients_are_those_that_were_made),
		T(a_clients_folder_that_is_a_link_or_open_to_others_is_refused),
		T(one_writer_at_a_time_has_a_client),
		T(snapshots_are_listed_newest_first_and_strays_are_named),
		T(a_build_is_resumed_and_gets_its_name),
		T(a_back_end_that_can_not_be_had_is_said_so),
		T(a_build_is_upon_the_last_of_its_job),
		T(a_collision_waits_and_the_clock_set_back_overwrites_nothing),
		T(three_at_once_get_three_seconds),
		T(an_incoming_that_is_a_link_is_refused),
		T(a_receiver_with_a_uid_of_its_own_gets_it_and_loses_it_again),
		T(a_folder_that_a_list_opens_to_somebody_is_refused),
	};

	return cmocka_run_group_tests(all, NULL, NULL);
}

int
main(void)
{
	int failed = store_tmp_as_user(tests);

	return tests() + failed;
}
