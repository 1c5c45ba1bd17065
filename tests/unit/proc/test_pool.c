/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proc/pool.h"

struct jobs {
	struct pool *pool;
	size_t started, last;
	bool at_once, frees;
};

static void
start(void *arg, size_t i)
{
	struct jobs *j = arg;

	if (j->started > 0)
		assert_int_equal(i, j->last + 1);
	j->last = i;
	j->started++;
	if (j->at_once)
		pool_release(j->pool, i);
	if (j->frees)
		pool_free(j->pool);
}

static void
no_more_than_the_width_are_started_and_each_release_starts_one(void **state)
{
	struct err e = ERR_INIT;
	struct jobs j = { 0 };

	j.pool = pool_new(5, 2, start, &j, &e);
	assert_int_equal(j.started, 0);
	pool_run(j.pool);
	assert_int_equal(j.started, 2);
	pool_release(j.pool, 0);
	assert_int_equal(j.started, 3);
	pool_release(j.pool, 0);
	pool_release(j.pool, 77);
	assert_int_equal(j.started, 3);
	pool_release(j.pool, 2);
	pool_release(j.pool, 1);
	pool_release(j.pool, 4);
	pool_release(j.pool, 3);
	assert_int_equal(j.started, 5);
	pool_free(j.pool);
}

static void
a_hundred_thousand_jobs_that_end_at_once_do_not_nest(void **state)
{
	struct err e = ERR_INIT;
	struct jobs j = { .at_once = true };

	j.pool = pool_new(100000, 1, start, &j, &e);
	pool_run(j.pool);
	assert_int_equal(j.started, 100000);
	pool_free(j.pool);
}

/* A job that fails to start may end all, and what comes next has a pool. */
static void
a_pool_that_is_freed_by_a_start_starts_nothing_more(void **state)
{
	struct err e = ERR_INIT;
	struct jobs j = { .at_once = true, .frees = true };

	j.pool = pool_new(10, 3, start, &j, &e);
	pool_run(j.pool);
	assert_int_equal(j.started, 1);
}

static void
a_stopped_pool_starts_nothing_and_says_how_many_were_left(void **state)
{
	struct err e = ERR_INIT;
	struct jobs j = { 0 };

	j.pool = pool_new(10, 3, start, &j, &e);
	pool_run(j.pool);
	assert_int_equal(pool_stop(j.pool), 7);
	pool_release(j.pool, 1);
	assert_int_equal(j.started, 3);
	assert_int_equal(pool_stop(j.pool), 0);
	pool_free(j.pool);
	pool_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    no_more_than_the_width_are_started_and_each_release_starts_one),
		cmocka_unit_test(
		    a_hundred_thousand_jobs_that_end_at_once_do_not_nest),
		cmocka_unit_test(
		    a_pool_that_is_freed_by_a_start_starts_nothing_more),
		cmocka_unit_test(
		    a_stopped_pool_starts_nothing_and_says_how_many_were_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
