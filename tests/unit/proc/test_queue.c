/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "proc/queue.h"

static void
count(void *arg)
{
	(*(int *)arg)++;
}

static void
borrowed_bytes_keep_their_place_between_copied_ones(void **state)
{
	char secret[] = "SECRET", got[64] = "";
	struct queue q;
	int p[2], done = 0;

	assert_int_equal(pipe2(p, O_CLOEXEC | O_NONBLOCK), 0);
	queue_init(&q, 100);
	assert_int_equal(queue_add(&q, "before ", 7), 0);
	assert_int_equal(queue_borrow(&q, secret, 6, count, &done), 0);
	assert_int_equal(queue_add(&q, " after", 6), 0);
	/* Read from where they lie, at the time of writing. */
	memcpy(secret, "secret", 6);
	assert_int_equal(done, 0);
	assert_int_equal(queue_write(&q, p[1]), 0);
	assert_int_equal(done, 1);
	assert_int_equal(q.bytes, 0);
	assert_int_equal(read(p[0], got, sizeof(got)), 19);
	assert_string_equal(got, "before secret after");
	close(p[0]);
	close(p[1]);
}

static void
the_cap_counts_what_waits_and_drop_calls_done(void **state)
{
	struct queue q;
	int done = 0;

	queue_init(&q, 10);
	assert_int_equal(queue_add(&q, "12345", 5), 0);
	assert_int_equal(queue_borrow(&q, "123456", 6, count, &done), -1);
	assert_int_equal(done, 0);
	assert_int_equal(queue_borrow(&q, "12345", 5, count, &done), 0);
	assert_int_equal(queue_add(&q, "1", 1), -1);
	assert_int_equal(queue_add(&q, "", 0), 0);
	queue_drop(&q);
	assert_int_equal(done, 1);
	assert_int_equal(q.bytes, 0);
}

static void
a_full_pipe_takes_a_part_and_a_broken_one_is_an_error(void **state)
{
	static char big[200000], sink[100000];
	struct queue q;
	int p[2];

	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe2(p, O_CLOEXEC | O_NONBLOCK), 0);
	queue_init(&q, sizeof(big));
	assert_int_equal(queue_add(&q, big, sizeof(big)), 0);
	assert_int_equal(queue_write(&q, p[1]), 0);
	assert_true(q.bytes > 0 && q.bytes < sizeof(big));
	assert_true(read(p[0], sink, sizeof(sink)) > 0);
	close(p[0]);
	assert_int_equal(queue_write(&q, p[1]), -1);
	assert_int_equal(errno, EPIPE);
	queue_drop(&q);
	close(p[1]);
}

static void
two_pipes(int a[2], int b[2])
{
	assert_int_equal(pipe2(a, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(pipe2(b, O_CLOEXEC | O_NONBLOCK), 0);
}

static void
close_both(const int p[2])
{
	close(p[0]);
	close(p[1]);
}

static void
what_lies_in_a_pipe_has_its_place_and_no_more_is_taken(void **state)
{
	char got[64] = "";
	struct queue q;
	int from[2], to[2];

	two_pipes(from, to);
	queue_init(&q, 100);
	assert_int_equal(write(from[1], "pipedNEXTnot ours", 17), 17);
	assert_int_equal(queue_add(&q, "a ", 2), 0);
	assert_int_equal(queue_pipe(&q, from[0], 5), 0);
	assert_int_equal(queue_add(&q, " b ", 3), 0);
	assert_int_equal(queue_pipe(&q, from[0], 4), 0);
	assert_int_equal(q.bytes, 14);
	assert_int_equal(queue_write(&q, to[1]), 0);
	assert_int_equal(q.bytes, 0);
	assert_int_equal(read(to[0], got, sizeof(got)), 14);
	assert_string_equal(got, "a piped b NEXT");
	assert_int_equal(read(from[0], got, sizeof(got)), 8);
	close_both(from);
	close_both(to);
}

static void
what_lies_in_a_pipe_waits_while_the_other_is_full(void **state)
{
	static char big[40000], got[40000];
	struct queue q;
	int from[2], to[2];
	size_t n = 0;
	ssize_t k;

	memset(big, 'x', sizeof(big) - 1);
	two_pipes(from, to);
	assert_true(fcntl(to[1], F_SETPIPE_SZ, 16384) >= 4096);
	queue_init(&q, sizeof(big));
	assert_int_equal(write(from[1], big, sizeof(big)), sizeof(big));
	assert_int_equal(queue_pipe(&q, from[0], sizeof(big)), 0);
	assert_int_equal(queue_write(&q, to[1]), 0);
	assert_true(q.bytes > 0 && q.bytes < sizeof(big));
	while ((k = read(to[0], got + n, sizeof(got) - n)) > 0) {
		n += (size_t)k;
		assert_int_equal(queue_write(&q, to[1]), 0);
	}
	assert_int_equal(n, sizeof(big));
	assert_memory_equal(got, big, sizeof(big));
	close_both(from);
	close_both(to);
}

static void
where_the_kernel_moves_nothing_to_it_is_copied(void **state)
{
	/* splice(2): the target file is opened in append mode. */
	char name[] = "/tmp/queue.XXXXXX", got[16] = "";
	int from[2], to[2], fd = mkstemp(name);
	struct queue q;

	assert_true(fd != -1);
	assert_int_equal(fcntl(fd, F_SETFL, O_APPEND), 0);
	two_pipes(from, to);
	queue_init(&q, 100);
	assert_int_equal(write(from[1], "piped", 5), 5);
	assert_int_equal(queue_pipe(&q, from[0], 5), 0);
	assert_int_equal(queue_add(&q, " and not", 8), 0);
	assert_int_equal(queue_write(&q, fd), 0);
	assert_int_equal(q.bytes, 0);
	assert_int_equal(pread(fd, got, sizeof(got), 0), 13);
	assert_string_equal(got, "piped and not");
	/* The last part, too, is replaced by its copy. */
	assert_int_equal(write(from[1], "end", 3), 3);
	assert_int_equal(queue_pipe(&q, from[0], 3), 0);
	assert_int_equal(queue_write(&q, fd), 0);
	assert_int_equal(queue_add(&q, "!", 1), 0);
	assert_int_equal(queue_write(&q, fd), 0);
	assert_int_equal(pread(fd, got, sizeof(got), 13), 4);
	assert_memory_equal(got, "end!", 4);
	unlink(name);
	close(fd);
	close_both(from);
	close_both(to);
}

static void
bytes_that_somebody_else_has_read_are_an_error(void **state)
{
	struct queue q;
	int from[2], to[2];

	two_pipes(from, to);
	queue_init(&q, 100);
	assert_int_equal(queue_pipe(&q, from[0], 5), 0);
	close(from[1]);
	assert_int_equal(queue_write(&q, to[1]), -1);
	assert_int_equal(errno, EIO);
	queue_drop(&q);
	assert_int_equal(q.bytes, 0);
	close(from[0]);
	close_both(to);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    borrowed_bytes_keep_their_place_between_copied_ones),
		cmocka_unit_test(the_cap_counts_what_waits_and_drop_calls_done),
		cmocka_unit_test(
		    a_full_pipe_takes_a_part_and_a_broken_one_is_an_error),
		cmocka_unit_test(
		    what_lies_in_a_pipe_has_its_place_and_no_more_is_taken),
		cmocka_unit_test(
		    what_lies_in_a_pipe_waits_while_the_other_is_full),
		cmocka_unit_test(
		    where_the_kernel_moves_nothing_to_it_is_copied),
		cmocka_unit_test(
		    bytes_that_somebody_else_has_read_are_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
