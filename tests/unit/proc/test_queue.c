/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
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
forty_parts_through_a_pipe_of_a_page_come_in_order(void **state)
{
	char part[999], got[1000];
	size_t i, come = 0;
	struct queue q;
	ssize_t n;
	int p[2];

	assert_int_equal(pipe2(p, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(fcntl(p[1], F_SETPIPE_SZ, 4096), 4096);
	queue_init(&q, 40 * sizeof(part));
	for (i = 0; i < 40; i++) {
		memset(part, 'A' + (int)i, sizeof(part));
		assert_int_equal(queue_add(&q, part, sizeof(part)), 0);
	}
	while (come < 40 * sizeof(part)) {
		assert_int_equal(queue_write(&q, p[1]), 0);
		n = read(p[0], got, sizeof(got));
		assert_true(n > 0);
		for (i = 0; i < (size_t)n; i++, come++)
			assert_int_equal(got[i], 'A' + come / sizeof(part));
	}
	assert_int_equal(q.bytes, 0);
	assert_null(q.first);
	close(p[0]);
	close(p[1]);
}

/* As the owner of a queue does when a secret has been written. */
static void
start_anew(void *arg)
{
	struct queue *q = arg;

	queue_drop(q);
	(void)queue_add(q, "new", 3);
}

static void
a_done_that_drops_the_rest_and_adds_loses_nothing_new(void **state)
{
	char got[16] = "";
	struct queue q;
	int p[2];

	assert_int_equal(pipe2(p, O_CLOEXEC | O_NONBLOCK), 0);
	queue_init(&q, 100);
	assert_int_equal(queue_borrow(&q, "one", 3, start_anew, &q), 0);
	assert_int_equal(queue_add(&q, "two", 3), 0);
	assert_int_equal(queue_write(&q, p[1]), 0);
	assert_int_equal(q.bytes, 0);
	assert_int_equal(read(p[0], got, sizeof(got)), 9);
	assert_string_equal(got, "onetwonew");
	close(p[0]);
	close(p[1]);
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
		    forty_parts_through_a_pipe_of_a_page_come_in_order),
		cmocka_unit_test(
		    a_done_that_drops_the_rest_and_adds_loses_nothing_new),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
