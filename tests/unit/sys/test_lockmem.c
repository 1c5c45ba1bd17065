/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/lockmem.h"

/* A pipe with len bytes in it; its reading end. */
static int
filled(const void *data, size_t len)
{
	int p[2];

	assert_int_equal(pipe(p), 0);
	assert_int_equal(write(p[1], data, len), len);
	close(p[1]);
	return p[0];
}

static void
all_up_to_end_of_file_is_read(void **state)
{
	struct lockmem m = { .data = NULL };
	struct err e = ERR_INIT;
	int fd = filled("12345678", 8);

	assert_int_equal(lockmem_init(&m, 8, &e), 0);
	assert_int_equal(lockmem_read(&m, fd, 5000, &e), 0);
	assert_int_equal(m.len, 8);
	assert_memory_equal(m.data, "12345678", 8);
	close(fd);
	lockmem_clear(&m);
	assert_null(m.data);
	lockmem_clear(&m);
}

static void
more_than_its_cap_is_refused_and_wiped(void **state)
{
	struct lockmem m = { .data = NULL };
	struct err e = ERR_INIT;
	int fd = filled("123456789", 9);

	assert_int_equal(lockmem_init(&m, 8, &e), 0);
	assert_int_equal(lockmem_read(&m, fd, 5000, &e), -1);
	assert_err(&e, ERR_CONFIG, "more than 8 bytes");
	assert_int_equal(m.len, 0);
	assert_memory_equal(m.data, "\0\0\0\0\0\0\0\0", 8);
	close(fd);
	lockmem_clear(&m);
}

static void
who_never_ends_its_input_is_not_waited_for(void **state)
{
	struct lockmem m = { .data = NULL };
	struct err e = ERR_INIT;
	int p[2];

	assert_int_equal(pipe(p), 0);
	assert_int_equal(write(p[1], "12", 2), 2);
	assert_int_equal(lockmem_init(&m, 8, &e), 0);
	assert_int_equal(lockmem_read(&m, p[0], 50, &e), -1);
	assert_err(&e, ERR_TIMEOUT, "no end of file");
	assert_memory_equal(m.data, "\0\0", 2);
	close(p[0]);
	close(p[1]);
	lockmem_clear(&m);
}

static void
a_line_is_read_while_its_writer_goes_on(void **state)
{
	struct lockmem m = { .data = NULL };
	struct err e = ERR_INIT;
	int p[2];

	assert_int_equal(pipe(p), 0);
	assert_int_equal(lockmem_init(&m, 8, &e), 0);
	assert_int_equal(write(p[1], "1234567\n", 8), 8);
	assert_int_equal(lockmem_line(&m, p[0], 5000, &e), 0);
	assert_int_equal(m.len, 8);
	assert_memory_equal(m.data, "1234567\n", 8);
	/* And nothing of it is left by the next. */
	assert_int_equal(write(p[1], "12", 2), 2);
	assert_int_equal(lockmem_line(&m, p[0], 50, &e), -1);
	assert_err(&e, ERR_TIMEOUT, "no newline in time");
	assert_memory_equal(m.data, "\0\0\0\0\0\0\0\0", 8);
	close(p[0]);
	close(p[1]);
	lockmem_clear(&m);
}

static void
a_line_has_its_cap_and_an_end_of_file_cuts_it(void **state)
{
	struct lockmem m = { .data = NULL };
	struct err e = ERR_INIT;
	int fd = filled("12345678\n", 9);

	assert_int_equal(lockmem_init(&m, 8, &e), 0);
	assert_int_equal(lockmem_line(&m, fd, 5000, &e), -1);
	assert_err(&e, ERR_CONFIG, "more than 8 bytes");
	assert_memory_equal(m.data, "\0\0\0\0\0\0\0\0", 8);
	close(fd);
	fd = filled("12", 2);
	assert_int_equal(lockmem_line(&m, fd, 5000, &e), 0);
	assert_int_equal(m.len, 2);
	assert_int_equal(lockmem_line(&m, fd, 5000, &e), 0);
	assert_int_equal(m.len, 0);
	close(fd);
	lockmem_clear(&m);
}

/* How a child ends that does f. */
static int
child(void (*f)(struct lockmem *m), struct lockmem *m)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		f(m);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void
sees_nothing(struct lockmem *m)
{
	_exit(m->data[0] == 0 && m->data[7] == 0 ? 0 : 1);
}

/* Whoever compiled this has a handler of its own, which would exit. */
static void
steps_out(struct lockmem *m)
{
	volatile unsigned char *p = m->data;

	signal(SIGSEGV, SIG_DFL);
	p[-1] = 1;
}

static void
a_forked_child_has_zeros_and_nobody_steps_out(void **state)
{
	struct lockmem m = { .data = NULL };
	struct err e = ERR_INIT;
	int status;

	assert_int_equal(lockmem_init(&m, 8, &e), 0);
	memset(m.data, 'x', 8);
	assert_int_equal(child(sees_nothing, &m), 0);
	status = child(steps_out, &m);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	lockmem_clear(&m);
}

static void
harden(struct lockmem *m)
{
	struct err e = ERR_INIT;
	struct rlimit rl;

	(void)m;
	_exit(lockmem_harden(&e) == 0 && prctl(PR_GET_DUMPABLE) == 0 &&
	    getrlimit(RLIMIT_CORE, &rl) == 0 && rl.rlim_max <= 1 ? 0 : 1);
}

static void
a_hardened_process_leaves_no_core(void **state)
{
	assert_int_equal(child(harden, NULL), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_up_to_end_of_file_is_read),
		cmocka_unit_test(more_than_its_cap_is_refused_and_wiped),
		cmocka_unit_test(who_never_ends_its_input_is_not_waited_for),
		cmocka_unit_test(a_line_is_read_while_its_writer_goes_on),
		cmocka_unit_test(
		    a_line_has_its_cap_and_an_end_of_file_cuts_it),
		cmocka_unit_test(
		    a_forked_child_has_zeros_and_nobody_steps_out),
		cmocka_unit_test(a_hardened_process_leaves_no_core),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
