/* SPDX-License-Identifier: ISC */
/*
 * store_tmp: a store with one client in a temporary folder whose name has a
 * space, for the tests of what touches the disk. One inclusion a program;
 * store_tmp_enter and store_tmp_leave are a test's setup and teardown.
 * Started as root, each test runs as root; store_tmp_as_user() runs the same
 * ones as a plain user in a child.
 */
#ifndef POSTERN_STORE_TMP_H
#define POSTERN_STORE_TMP_H

#include "../unit.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <spawn.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store.h"

#define PLAIN_USER	65534

static char top[64];		/* /tmp/postern-test-… */
static char root[96];		/* top/a store */
static struct store store;
static struct store_client client;
static int64_t fake_now;

static int64_t
told_time(void)
{
	return fake_now;
}

static int
store_tmp_enter(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	umask(077);
	snprintf(top, sizeof(top), "/tmp/postern-test-XXXXXX");
	if (mkdtemp(top) == NULL)
		return -1;
	snprintf(root, sizeof(root), "%s/a store", top);
	fake_now = 1700000000;
	if (store_make(root, &e) == -1 ||
	    store_open(root, &store, &e) == -1 ||
	    store_client_make(&store, "laptop", &e) == -1 ||
	    store_client_open(&store, "laptop", &client, &e) == -1 ||
	    store_client_lock(&client, 0, &e) == -1) {
		print_error("%s\n", e.msg);
		return -1;
	}
	store.now = told_time;
	return 0;
}

static int
store_tmp_leave(void **state)
{
	char *argv[] = { "rm", "-rf", top, NULL }, *env[] = { NULL };
	pid_t pid;
	int status = 0;

	(void)state;
	store_client_close(&client);
	store_close(&store);
	/* Not by the code that is tested. */
	if (posix_spawn(&pid, "/bin/rm", NULL, NULL, argv, env) != 0 ||
	    waitpid(pid, &status, 0) != pid)
		return -1;
	return status == 0 ? 0 : -1;
}

/* A file name (a path below the client's folder) with text in it. */
static inline void
put(const char *name, const char *text)
{
	int fd = openat(client.fd, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd != -1);
	assert_int_equal(write(fd, text, strlen(text)),
	    (ssize_t)strlen(text));
	close(fd);
}

static inline bool
there(int dirfd, const char *name)
{
	return faccessat(dirfd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Runs tests as a plain user; 0 when all passed, or when we are one. */
static inline int
store_tmp_as_user(int (*tests)(void))
{
	int status;
	pid_t pid;

	if (geteuid() != 0)
		return 0;
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		if (setgroups(0, NULL) == -1 || setgid(PLAIN_USER) == -1 ||
		    setuid(PLAIN_USER) == -1)
			_exit(99);
		status = tests();
		fflush(NULL);
		_exit(status);
	}
	if (pid == -1 || waitpid(pid, &status, 0) != pid)
		return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

#endif
