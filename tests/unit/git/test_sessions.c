/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include <dirent.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "keys.h"
#include "place.h"
#include "sessions.h"

#define SID "0123456789abcdef"

static struct err e;
static char ended[256];		/* ids, with a blank behind each */

static bool
keep(void *arg, const struct session *s)
{
	return strcmp(s->id, arg) == 0;
}

static void
on_ended(void *arg, const struct session *s)
{
	size_t n = strlen(ended);

	snprintf(ended + n, sizeof(ended) - n, "%s ", s->id);
}

static size_t
sweep(const char *keeps)
{
	size_t n = 99;

	ended[0] = '\0';
	assert_int_equal(sessions_sweep(at("s"), keep, on_ended,
	    (void *)(uintptr_t)keeps, &n, &e), 0);
	return n;
}

static size_t
files(void)
{
	DIR *d = opendir(at("s"));
	struct dirent *de;
	size_t n = 0;

	assert_non_null(d);
	while ((de = readdir(d)) != NULL)
		n += strcmp(de->d_name, ".") != 0 &&
		    strcmp(de->d_name, "..") != 0;
	closedir(d);
	return n;
}

/* A process that is a session of id, until a signal ends it. */
static pid_t
start(const char *id)
{
	int ready[2];
	pid_t pid;
	char c;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		/* Nor does it outlive a test that has failed. */
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (sessions_enter(at("s"), id, FP_ED, SID, NULL) == 0)
			(void)!write(ready[1], "x", 1);
		for (;;)
			pause();
	}
	assert_true(pid > 0);
	close(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	return pid;
}

static int
status_of(pid_t pid)
{
	int status = 0;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void
sessions_of_keys_that_went_are_ended_and_others_go_on(void **state)
{
	pid_t bob = start("bob"), ann = start("ann");
	int status;

	assert_int_equal(files(), 2);
	assert_int_equal(sweep("ann"), 1);
	assert_string_equal(ended, "bob ");
	status = status_of(bob);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	assert_int_equal(kill(ann, 0), 0);
	assert_int_equal(sweep("ann"), 0);
	assert_int_equal(files(), 1);
	kill(ann, SIGKILL);
	status_of(ann);
}

static void
sessions_that_are_over_leave_nothing(void **state)
{
	pid_t bob;

	assert_int_equal(sessions_enter(at("s"), "me", "-", SID, &e), 0);
	assert_int_equal(files(), 1);
	sessions_leave(at("s"));
	assert_int_equal(files(), 0);
	bob = start("bob");
	kill(bob, SIGKILL);
	status_of(bob);
	assert_int_equal(files(), 1);
	assert_int_equal(sweep("nobody"), 0);
	assert_int_equal(files(), 0);
}

static void
sessions_sweep_never_ends_its_own_process(void **state)
{
	assert_int_equal(sessions_enter(at("s"), "me", "-", SID, &e), 0);
	assert_int_equal(sweep("nobody"), 0);
	assert_int_equal(files(), 1);
}

/* The number of a dead session, given to another process since. */
static void
sessions_with_a_number_that_is_used_again_end_nobody(void **state)
{
	pid_t pid = start("bob");
	char name[64];
	struct dirent *de;
	DIR *d = opendir(at("s"));
	char real[512] = "";

	while ((de = readdir(d)) != NULL)
		if (de->d_name[0] != '.')
			snprintf(real, sizeof(real), "%s", de->d_name);
	closedir(d);
	snprintf(name, sizeof(name), "s/%ld.1", (long)pid);
	snprintf(ended, sizeof(ended), "s/%s", real);
	assert_int_equal(rename(at(ended), at(name)), 0);
	assert_int_equal(sweep("nobody"), 0);
	assert_int_equal(kill(pid, 0), 0);
	assert_int_equal(files(), 0);
	kill(pid, SIGKILL);
	status_of(pid);
}

static void
sessions_sweep_clears_away_what_is_no_session(void **state)
{
	assert_int_equal(mkdir(at("s"), 0700), 0);
	put("s/README", "x");
	put("s/1", "x");
	put("s/1.x", "x");
	put("s/.999999.5", "half");
	put("s/0.0", "v1 - a " SID "\n");
	assert_int_equal(sweep("nobody"), 0);
	assert_int_equal(files(), 0);
}

static void
sessions_without_a_folder_are_none(void **state)
{
	assert_int_equal(sweep("nobody"), 0);
}

static void
sessions_folder_must_be_ours(void **state)
{
	size_t n;

	assert_int_equal(mkdir(at("real"), 0700), 0);
	assert_int_equal(symlink("real", at("s")), 0);
	assert_int_equal(sessions_enter(at("s"), "a", "-", SID, &e), -1);
	assert_int_equal(sessions_sweep(at("s"), keep, NULL, NULL, &n, &e),
	    -1);
	assert_int_equal(chmod(at("real"), 0777), 0);
	assert_int_equal(sessions_enter(at("real"), "a", "-", SID, &e), -1);
	assert_err(&e, ERR_UNSAFE, "own folder");
}

static void
sessions_take_no_other_parts(void **state)
{
	assert_int_equal(sessions_enter(at("s"), "-a", "-", SID, &e), -1);
	assert_err(&e, ERR_CONFIG, "parts of a session");
	assert_int_equal(sessions_enter(at("s"), "a", "SHA256:x", SID, &e),
	    -1);
	assert_int_equal(sessions_enter(at("s"), "a", "-", "0123", &e), -1);
	assert_int_equal(access(at("s"), F_OK), -1);
}

static void
sessions_parse_takes_what_enter_writes_and_nothing_else(void **state)
{
	static const char *const bad[] = { "", "v1 - a " SID,
		"v1 - a " SID "\n\n", "v2 - a " SID "\n", "v1  - a " SID "\n",
		"v1 - a\n", "v1 - -a " SID "\n", "v1 x a " SID "\n",
		"v1 - a " SID " \n", "v1 - a " SID "0\n", "v1 -\na " SID "\n"};
	static const char *const names[] = { "", ".", "1", "1.", ".1", "a.1",
		"1.a", "-1.1", "1.1.1", "1.18446744073709551616",
		"2147483648.1", " 1.1" };
	static const char good[] = "v1 " FP_ED " a@b " SID "\n";
	struct session s;
	size_t i;

	assert_int_equal(sessions_parse("17.42", good, sizeof(good) - 1, &s,
	    &e), 0);
	assert_int_equal(s.pid, 17);
	assert_int_equal(s.start, 42);
	assert_string_equal(s.fp, FP_ED);
	assert_string_equal(s.id, "a@b");
	assert_string_equal(s.sid, SID);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(sessions_parse("17.42", bad[i],
		    strlen(bad[i]), &s, &e), -1);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(sessions_parse(names[i], good,
		    sizeof(good) - 1, &s, &e), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		in_place(
		    sessions_of_keys_that_went_are_ended_and_others_go_on),
		in_place(sessions_that_are_over_leave_nothing),
		in_place(sessions_sweep_never_ends_its_own_process),
		in_place(
		    sessions_with_a_number_that_is_used_again_end_nobody),
		in_place(sessions_sweep_clears_away_what_is_no_session),
		in_place(sessions_without_a_folder_are_none),
		in_place(sessions_folder_must_be_ours),
		in_place(sessions_take_no_other_parts),
		in_place(
		    sessions_parse_takes_what_enter_writes_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
