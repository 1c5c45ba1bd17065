/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "place.h"
#include "setup_step.h"
#include "ui/log.h"

#define ROUNDS	3000

static mode_t
mode_of(const char *name)
{
	struct stat st;

	assert_int_equal(lstat(at(name), &st), 0);
	return st.st_mode & 07777;
}

static int
folder(struct step *s, const char *name, mode_t mode, struct err *e)
{
	*e = (struct err)ERR_INIT;
	return step_folder(s, at(name), mode, getuid(), getgid(), e);
}

/* What the folder above allows to its owner: two names change their places
 * without end. */
static pid_t
swap(const char *one, const char *two)
{
	pid_t pid = fork();

	if (pid == 0)
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (pid == 0)
		(void)renameat2(AT_FDCWD, one, AT_FDCWD, two,
		    RENAME_EXCHANGE);
	assert_true(pid > 0);
	return pid;
}

static void
a_link_in_a_folders_place_is_not_followed(void **state)
{
	struct step s = { 0 };
	struct err e;
	pid_t pid;
	int i, done = 0, refused = 0;

	assert_int_equal(mkdir(at("keys"), 0700), 0);
	assert_int_equal(mkdir(at("other"), 0755), 0);
	assert_int_equal(symlink(at("other"), at("link")), 0);
	pid = swap(at("keys"), at("link"));
	for (i = 0; i < ROUNDS || done == 0 || refused == 0; i++) {
		if (folder(&s, "keys", i % 2 == 0 ? 0700 : 0750, &e) == 0) {
			done++;
		} else {
			assert_int_equal(e.code, ERR_UNSAFE);
			refused++;
		}
		assert_int_equal(mode_of("other"), 0755);
	}
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void
a_folder_gets_its_mode_whatever_it_had(void **state)
{
	struct step s = { 0 };
	struct err e;

	assert_int_equal(folder(&s, "a/keys", 0710, &e), 0);
	assert_int_equal(mode_of("a/keys"), 0710);
	assert_int_equal(folder(&s, "a/keys", 0750, &e), 0);
	assert_int_equal(mode_of("a/keys"), 0750);
	assert_int_equal(s.changed, 2);
	assert_int_equal(folder(&s, "a/keys", 0750, &e), 0);
	assert_int_equal(s.changed, 2);
	put("file", "");
	assert_int_equal(folder(&s, "file", 0750, &e), -1);
	assert_int_equal(e.code, ERR_UNSAFE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		in_place(a_link_in_a_folders_place_is_not_followed),
		in_place(a_folder_gets_its_mode_whatever_it_had),
	};

	log_open("test", LOG_LVL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
