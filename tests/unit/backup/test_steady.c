/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "steady.h"

static void
stop(void *arg)
{
	loop_stop(arg);
}

static int
turn(struct loop *l)
{
	struct err e = ERR_INIT;
	struct loop_timer *t = loop_timer_new(l, 20, 0, stop, l, &e);
	int rc = t == NULL ? -1 : loop_run(l, &e);

	loop_timer_free(t);
	return rc;
}

/* What is mounted on root's "in" before the loop turns for the first time; 0:
 * it is seen. */
static int
mounted_early(const char *root, const char *where, bool want)
{
	struct strv roots = { .n = 0 }, none = { .n = 0 };
	struct steady s = { .mounts = -1 };
	struct err e = ERR_INIT;
	char path[128];
	struct loop *l;

	if (unshare(CLONE_NEWNS) == -1 ||
	    mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) == -1)
		return 2;
	l = loop_new(&e);
	if (l == NULL || strv_add(&roots, root) == -1)
		return 3;
	steady_begin(&s, l, &roots, &none);
	if (!steady_places(&s))
		return 4;
	snprintf(path, sizeof(path), "%s/%s", root, where);
	if (mount("none", path, "tmpfs", 0, NULL) == -1 || turn(l) == -1 ||
	    turn(l) == -1)
		return 5;
	if (steady_places(&s) != want)
		return 6;
	steady_clear(&s);
	loop_free(l);
	strv_clear(&roots);
	return 0;
}

static void
in_a_child(const char *where, bool want)
{
	char base[] = "/tmp/postern-test-XXXXXX", root[64], path[80];
	char beside[64];
	int status;
	pid_t pid;

	if (geteuid() != 0)
		return;
	assert_non_null(mkdtemp(base));
	snprintf(root, sizeof(root), "%s/root", base);
	assert_int_equal(mkdir(root, 0700), 0);
	snprintf(path, sizeof(path), "%s/in", root);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(beside, sizeof(beside), "%s/beside", base);
	assert_int_equal(mkdir(beside, 0700), 0);
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		_exit(mounted_early(root, where, want));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	rmdir(path);
	rmdir(root);
	rmdir(beside);
	rmdir(base);
	assert_int_equal(status, 0);
}

static void
what_is_mounted_before_the_first_turn_is_seen(void **state)
{
	in_a_child("in", false);
}

static void
what_is_mounted_elsewhere_is_not_ours(void **state)
{
	in_a_child("../beside", true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_mounted_before_the_first_turn_is_seen),
		cmocka_unit_test(what_is_mounted_elsewhere_is_not_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
