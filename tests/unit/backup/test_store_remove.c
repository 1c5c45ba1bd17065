/* SPDX-License-Identifier: ISC */
/* Removing trees and snapshots, holds and pins. */
#include "store_tmp.h"

#include <sched.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include "store_hold.h"
#include "store_list.h"
#include "store_remove.h"
#include "store_rmtree.h"

#define SNAP	"laptop.2023-11-14.1700000000"
#define SNAP2	"laptop.2023-11-14.1700000001"

static void
make(const char *name)
{
	assert_int_equal(mkdirat(client.fd, name, 0700), 0);
}

static bool
empty(void)
{
	struct store_list l;
	struct err e = ERR_INIT;
	bool r;

	assert_int_equal(store_list_read(&client, &l, &e), 0);
	r = l.n == 0 && l.stray_n == 0;
	store_list_clear(&l);
	return r;
}

/* name, with depth folders in each other, files in each fourth. */
static void
make_deep(const char *name, int depth)
{
	int fd, next, i;

	make(name);
	fd = openat(client.fd, name, O_RDONLY | O_DIRECTORY);
	for (i = 0; i < depth; i++) {
		assert_true(fd != -1);
		if (i % 4 == 0 && i < 200) {
			next = openat(fd, "a", O_CREAT | O_WRONLY, 0600);
			close(next);
			next = openat(fd, "z", O_CREAT | O_WRONLY, 0600);
			close(next);
		}
		assert_int_equal(mkdirat(fd, "d", 0700), 0);
		next = openat(fd, "d", O_RDONLY | O_DIRECTORY);
		close(fd);
		fd = next;
	}
	close(fd);
}

static void
a_tree_4000_deep_is_removed_with_few_descriptors(void **state)
{
	struct rlimit old, few = { 100, 100 };
	struct err e = ERR_INIT;

	make_deep("x", 4000);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	few.rlim_max = old.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	if (store_rmtree(client.fd, client.path, "x", &e) == -1)
		fail_msg("%s", e.msg);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_false(there(client.fd, "x"));
	/* What is gone is no failure. */
	assert_int_equal(store_rmtree(client.fd, client.path, "x", &e), 0);
}

static void
wide_folders_and_odd_names_are_removed(void **state)
{
	struct err e = ERR_INIT;
	char name[300];
	int i, j;

	make("x");
	for (i = 0; i < 6; i++) {
		snprintf(name, sizeof(name), "x/%d \n\t\377*", i);
		make(name);
		for (j = 0; j < 80; j++) {
			snprintf(name, sizeof(name), "x/%d \n\t\377*/%0200d",
			    i, j);
			put(name, "");
		}
	}
	assert_int_equal(mkfifoat(client.fd, "x/fifo", 0600), 0);
	assert_int_equal(store_rmtree(client.fd, client.path, "x", &e), 0);
	assert_false(there(client.fd, "x"));
}

static void
links_are_removed_not_followed(void **state)
{
	struct err e = ERR_INIT;
	struct stat st;
	char out[128];

	make("keep");
	put("keep/me", "x");
	make("x");
	snprintf(out, sizeof(out), "%s/laptop/keep", root);
	assert_int_equal(symlinkat(out, client.fd, "x/abs"), 0);
	assert_int_equal(symlinkat("../keep", client.fd, "x/rel"), 0);
	assert_int_equal(symlinkat(".", client.fd, "x/self"), 0);
	/* A hard link's other name keeps its mode and content. */
	assert_int_equal(linkat(client.fd, "keep/me", client.fd, "x/me", 0),
	    0);
	assert_int_equal(store_rmtree(client.fd, client.path, "x", &e), 0);
	assert_true(there(client.fd, "keep/me"));
	assert_int_equal(fstatat(client.fd, "keep", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	/* The tree itself may be one. */
	assert_int_equal(symlinkat("keep", client.fd, "x"), 0);
	assert_int_equal(store_rmtree(client.fd, client.path, "x", &e), 0);
	assert_false(there(client.fd, "x"));
	assert_true(there(client.fd, "keep/me"));
}

static void
folders_that_nobody_may_enter_are_removed(void **state)
{
	struct err e = ERR_INIT;

	make("x");
	make("x/a");
	make("x/a/b");
	put("x/a/b/f", "");
	make("x/w");
	put("x/w/f", "");
	assert_int_equal(fchmodat(client.fd, "x/a/b", 0, 0), 0);
	assert_int_equal(fchmodat(client.fd, "x/a", 0, 0), 0);
	assert_int_equal(fchmodat(client.fd, "x/w", 0500, 0), 0);
	assert_int_equal(fchmodat(client.fd, "x", 0400, 0), 0);
	if (store_rmtree(client.fd, client.path, "x", &e) == -1)
		fail_msg("%s", e.msg);
	assert_false(there(client.fd, "x"));
}

/* Mounts of our own, and the client's folder seen through them. */
static int
own_mounts(void)
{
	struct err e = ERR_INIT;

	if (unshare(CLONE_NEWNS) == -1 ||
	    mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) == -1)
		return -1;
	store_client_close(&client);
	store_close(&store);
	return store_open(root, &store, &e) == -1 ? -1 :
	    store_client_open(&store, "laptop", &client, &e);
}

/* In a child with mounts of its own; 0 when it went as it should. */
static int
remove_around_mounts(void)
{
	struct err e = ERR_INIT;
	char a[160], b[160];

	snprintf(a, sizeof(a), "%s/laptop/x/sub/other", root);
	snprintf(b, sizeof(b), "%s/laptop/x/sub/same", root);
	if (own_mounts() == -1 || mount("none", a, "tmpfs", 0, NULL) == -1 ||
	    mount(top, b, "none", MS_BIND, NULL) == -1)
		return 2;
	snprintf(a, sizeof(a), "%s/laptop/x/sub/other/file", root);
	if (mkdir(a, 0700) == -1 ||
	    store_rmtree(client.fd, client.path, "x", &e) == 0)
		return 3;
	if (e.code != ERR_UNSAFE || strstr(e.msg, "mounted on it") == NULL)
		return 4;
	if (access(a, F_OK) == -1 || there(client.fd, "x/file") ||
	    there(client.fd, "x/sub/also"))
		return 5;
	snprintf(b, sizeof(b), "%s/laptop/keep", root);
	return access(b, F_OK) == 0 ? 0 : 6;
}

static void
what_is_mounted_in_a_tree_is_left_alone(void **state)
{
	int status;
	pid_t pid;

	if (geteuid() != 0)
		return;
	put("keep", "");
	make("x");
	put("x/file", "");
	make("x/sub");
	put("x/sub/also", "");
	make("x/sub/other");
	make("x/sub/same");
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(remove_around_mounts());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* A folder below 70 others that can't be removed: one is mounted on it. */
static int
remove_around_a_deep_mount(void)
{
	struct err e = ERR_INIT;
	int fd, next, i;

	if (own_mounts() == -1)
		return 2;
	fd = openat(client.fd, "x", O_RDONLY | O_DIRECTORY);
	for (i = 0; i < 70; i++) {
		next = openat(fd, "d", O_RDONLY | O_DIRECTORY);
		close(fd);
		fd = next;
	}
	if (fchdir(fd) == -1 || mount("none", "d", "tmpfs", 0, NULL) == -1)
		return 3;
	if (store_rmtree(client.fd, client.path, "x", &e) == 0 ||
	    strstr(e.msg, "mounted on it") == NULL)
		return 4;
	/* All else is gone, and it came to an end. */
	return there(client.fd, "x/a") || there(client.fd, "x/d/d/d/d/z") ||
	    there(fd, "d/d") || !there(fd, "d") ? 5 : 0;
}

static void
one_thing_that_stays_does_not_keep_the_rest(void **state)
{
	int status;
	pid_t pid;

	if (geteuid() != 0)
		return;
	make_deep("x", 200);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(remove_around_a_deep_mount());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
a_snapshot_is_removed_with_all_that_is_known_of_it(void **state)
{
	struct err e = ERR_INIT;
	int fd, dir;

	make(SNAP);
	put(SNAP "/f", "");
	make(SNAP2);
	assert_int_equal(store_hold_take(&client, SNAP, &fd, &dir, &e), 0);
	assert_true(there(dir, "f"));
	close(dir);
	assert_true(store_hold_held(&client, SNAP));
	assert_int_equal(store_remove(&client, SNAP, &e), -1);
	assert_err(&e, ERR_BUSY, SNAP ": is being read");
	close(fd);
	assert_false(store_hold_held(&client, SNAP));
	assert_int_equal(store_hold_pin(&client, SNAP, true, &e), 0);
	assert_int_equal(store_hold_pin(&client, SNAP, true, &e), 0);
	assert_true(store_hold_pinned(&client, SNAP));
	assert_int_equal(store_remove(&client, SNAP, &e), -1);
	assert_err(&e, ERR_REFUSED, SNAP ": is pinned");
	assert_int_equal(store_hold_pin(&client, SNAP, false, &e), 0);
	assert_int_equal(store_hold_pin(&client, SNAP, false, &e), 0);
	assert_false(store_hold_pinned(&client, SNAP));
	assert_true(there(client.admin_fd, "hold/" SNAP));
	assert_int_equal(store_remove(&client, SNAP, &e), 0);
	assert_false(there(client.admin_fd, "hold/" SNAP));
	assert_false(there(client.fd, SNAP));
	assert_true(there(client.fd, SNAP2));
	assert_int_equal(store_remove(&client, SNAP, &e), -1);
	assert_err(&e, ERR_REFUSED, SNAP ": no such snapshot");
	assert_int_equal(store_hold_take(&client, SNAP, &fd, NULL, &e), -1);
	assert_err(&e, ERR_REFUSED, SNAP ": no such snapshot");
	assert_int_equal(store_hold_pin(&client, SNAP, true, &e), -1);
	assert_int_equal(e.code, ERR_REFUSED);
	assert_false(there(client.admin_fd, "hold/" SNAP));
}

static void
only_names_of_this_clients_snapshots_count(void **state)
{
	static const char *const bad[] = { "..", ".incoming", "", "/etc",
	    "desk.2023-11-14.1700000000", "../laptop/laptop.2023-11-14.1700000000" };
	struct err e = ERR_INIT;
	size_t i;
	int fd;

	make(".incoming");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(store_remove(&client, bad[i], &e), -1);
		assert_int_equal(e.code, ERR_CONFIG);
		assert_int_equal(store_hold_take(&client, bad[i], &fd, NULL,
		    &e), -1);
		assert_int_equal(e.code, ERR_CONFIG);
		assert_int_equal(store_hold_pin(&client, bad[i], true, &e),
		    -1);
		assert_int_equal(e.code, ERR_CONFIG);
	}
	assert_true(there(client.fd, ".incoming"));
}

static void
a_snapshot_that_is_a_link_is_not_held(void **state)
{
	struct err e = ERR_INIT;
	int fd;

	assert_int_equal(symlinkat("/etc", client.fd, SNAP), 0);
	assert_int_equal(store_hold_take(&client, SNAP, &fd, NULL, &e), -1);
	assert_err(&e, ERR_UNSAFE, "is a symbolic link");
	assert_int_equal(store_remove(&client, SNAP, &e), 0);
	assert_false(there(client.fd, SNAP));
	assert_int_equal(access("/etc/passwd", F_OK), 0);
}

static void
a_sweep_finishes_what_was_killed(void **state)
{
	struct err e = ERR_INIT;
	int fd;

	make(SNAP2);
	assert_int_equal(store_hold_pin(&client, SNAP2, true, &e), 0);
	make(".trash-" SNAP);
	put(".trash-" SNAP "/f", "");
	make(".trash-");
	assert_int_equal(symlinkat("/etc", client.fd, ".trash-link"), 0);
	fd = openat(client.admin_fd, "pins/" SNAP, O_CREAT | O_WRONLY, 0600);
	close(fd);
	fd = openat(client.admin_fd, "snap/" SNAP, O_CREAT | O_WRONLY, 0600);
	close(fd);
	fd = openat(client.admin_fd, "snap/.postern.0123", O_CREAT | O_WRONLY,
	    0600);
	close(fd);
	assert_int_equal(store_remove_sweep(&client, &e), 0);
	assert_false(there(client.fd, ".trash-" SNAP));
	assert_false(there(client.fd, ".trash-"));
	assert_false(there(client.fd, ".trash-link"));
	assert_false(there(client.admin_fd, "pins/" SNAP));
	assert_false(there(client.admin_fd, "snap/" SNAP));
	assert_false(there(client.admin_fd, "snap/.postern.0123"));
	assert_true(there(client.fd, SNAP2));
	assert_true(store_hold_pinned(&client, SNAP2));
	/* One of the same name, begun before the clock was set back. */
	make(SNAP);
	make(".trash-" SNAP);
	put(".trash-" SNAP "/old", "");
	assert_int_equal(store_remove(&client, SNAP, &e), 0);
	assert_false(there(client.fd, ".trash-" SNAP));
}

static void
an_incoming_is_removed(void **state)
{
	struct err e = ERR_INIT;

	assert_int_equal(store_remove_incoming(&client, &e), 0);
	make(".incoming");
	put(".incoming/f", "");
	assert_int_equal(store_remove_incoming(&client, &e), 0);
	assert_false(there(client.fd, ".incoming"));
	assert_true(empty());
}

#define T(f) cmocka_unit_test_setup_teardown(f, store_tmp_enter, \
	store_tmp_leave)

static int
tests(void)
{
	const struct CMUnitTest all[] = {
		T(a_tree_4000_deep_is_removed_with_few_descriptors),
		T(wide_folders_and_odd_names_are_removed),
		T(links_are_removed_not_followed),
		T(folders_that_nobody_may_enter_are_removed),
		T(what_is_mounted_in_a_tree_is_left_alone),
		T(one_thing_that_stays_does_not_keep_the_rest),
		T(a_snapshot_is_removed_with_all_that_is_known_of_it),
		T(only_names_of_this_clients_snapshots_count),
		T(a_snapshot_that_is_a_link_is_not_held),
		T(a_sweep_finishes_what_was_killed),
		T(an_incoming_is_removed),
	};

	return cmocka_run_group_tests(all, NULL, NULL);
}

int
main(void)
{
	int failed = store_tmp_as_user(tests);

	return tests() + failed;
}
