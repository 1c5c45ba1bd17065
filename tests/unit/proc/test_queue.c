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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    borrowed_bytes_keep_their_place_between_copied_ones),
		cmocka_unit_test(the_cap_counts_what_waits_and_drop_calls_done),
		cmocka_unit_test(
		    a_full_pipe_takes_a_part_and_a_broken_one_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
