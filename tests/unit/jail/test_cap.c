/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jail/cap.h"

/* Without it there is nothing to keep. */
static bool
is_root(void)
{
	return geteuid() == 0;
}

/* The lines "CapXxx:\t…" of a process that this one executes, as numbers. */
struct caps {
	unsigned long long inh, prm, eff, bnd, amb;
};

static int
read_caps(FILE *f, struct caps *ret)
{
	char line[256];
	int n = 0;

	while (fgets(line, sizeof(line), f) != NULL) {
		n += sscanf(line, "CapInh: %llx", &ret->inh) == 1;
		n += sscanf(line, "CapPrm: %llx", &ret->prm) == 1;
		n += sscanf(line, "CapEff: %llx", &ret->eff) == 1;
		n += sscanf(line, "CapBnd: %llx", &ret->bnd) == 1;
		n += sscanf(line, "CapAmb: %llx", &ret->amb) == 1;
	}
	return n == 5 ? 0 : -1;
}

/* A child keeps what keep says, as uid, and executes cat. */
static int
after_exec(enum cap_keep keep, uid_t uid, struct caps *ret, bool want_all)
{
	char *argv[] = { "cat", "/proc/self/status", NULL };
	struct err e = ERR_INIT;
	bool all = !want_all;
	int p[2], status, rc;
	pid_t pid;
	FILE *f;

	assert_int_equal(pipe(p), 0);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		dup2(p[1], 1);
		if (uid != 0 && (prctl(PR_SET_KEEPCAPS, 1) == -1 ||
		    setresuid(uid, uid, uid) == -1))
			_exit(1);
		if (cap_keep(keep, &all, &e) == -1 || all != want_all) {
			fprintf(stderr, "%s\n", e.msg);
			_exit(1);
		}
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		execv("/bin/cat", argv);
		_exit(1);
	}
	close(p[1]);
	f = fdopen(p[0], "r");
	rc = read_caps(f, ret);
	fclose(f);
	waitpid(pid, &status, 0);
	return rc == 0 && status == 0 ? 0 : -1;
}

#define READ_SEARCH (1ULL << 2)

static void
check(enum cap_keep keep, uid_t uid, unsigned long long want)
{
	struct caps c = { 0 };

	assert_int_equal(after_exec(keep, uid, &c, true), 0);
	assert_true(c.prm == want);
	assert_true(c.eff == want);
	assert_true(c.inh == want);
	assert_true(c.amb == want);
	assert_true(c.bnd == want);
}

static void
cap_keeps_reading_alone_over_exec(void **state)
{
	if (!is_root()) {
		if (getenv("CI") != NULL)
			fail_msg("needs root");
		skip();
	}
	check(CAP_KEEP_READ, 0, READ_SEARCH);
	check(CAP_KEEP_READ, 65534, READ_SEARCH);
}

static void
cap_keeps_what_a_restore_needs(void **state)
{
	/* chown 0, dac_override 1, fowner 3, fsetid 4, mknod 27, setfcap 31 */
	if (!is_root()) {
		if (getenv("CI") != NULL)
			fail_msg("needs root");
		skip();
	}
	check(CAP_KEEP_RESTORE, 65534, 1 | 2 | 8 | 16 | 1ULL << 27 |
	    1ULL << 31);
}

static void
cap_keeps_nothing_when_told_so_or_when_nothing_is_there(void **state)
{
	struct err e = ERR_INIT;
	bool all = true;
	int status;
	pid_t pid;

	if (!is_root()) {
		if (getenv("CI") != NULL)
			fail_msg("needs root");
		skip();
	}
	check(CAP_KEEP_NONE, 65534, 0);
	check(CAP_KEEP_NONE, 0, 0);
	/* A plain user: no failure, but said. */
	pid = fork();
	if (pid == 0) {
		if (setresuid(65534, 65534, 65534) == -1)
			_exit(1);
		_exit(cap_keep(CAP_KEEP_READ, &all, &e) == 0 && !all ? 0 : 1);
	}
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
}

/* As from a file capability: permitted only, and no CAP_SETPCAP. */
static void
cap_needs_no_right_to_the_bounding_set(void **state)
{
	struct err e = ERR_INIT;
	bool all = false;
	char text[256];
	int status;
	pid_t pid;

	if (!is_root()) {
		if (getenv("CI") != NULL)
			fail_msg("needs root");
		skip();
	}
	pid = fork();
	if (pid == 0) {
		if (cap_keep(CAP_KEEP_READ, &all, &e) == -1 || !all)
			_exit(1);
		all = false;
		if (cap_keep(CAP_KEEP_READ, &all, &e) == -1 || !all)
			_exit(2);
		if (cap_describe(text, sizeof(text), &e) == -1 ||
		    strcmp(text, "cap_dac_read_search=eip") != 0)
			_exit(3);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cap_keeps_reading_alone_over_exec),
		cmocka_unit_test(cap_keeps_what_a_restore_needs),
		cmocka_unit_test(
		    cap_keeps_nothing_when_told_so_or_when_nothing_is_there),
		cmocka_unit_test(cap_needs_no_right_to_the_bounding_set),
	};

	return cmocka_run_group_tests_name("cap", tests, NULL, NULL);
}
