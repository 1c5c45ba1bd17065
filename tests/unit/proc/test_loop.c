/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "fds.h"
#include "proc/loop.h"
#include "proc/pids.h"
#include "proc/timers.h"

static void
stop(void *arg)
{
	loop_stop(arg);
}

struct pair {
	struct loop *loop;
	struct loop_fd *a, *b;
	int fd[4];
	int calls_a, calls_b;
};

static void
free_the_other(void *arg, int fd, short revents)
{
	struct pair *p = arg;

	if (fd == p->fd[0]) {
		p->calls_a++;
		loop_fd_free(p->b);
	} else {
		p->calls_b++;
		loop_fd_free(p->a);
	}
	loop_stop(p->loop);
}

static void
a_freed_source_is_not_called_though_its_event_was_collected(void **state)
{
	struct err e = ERR_INIT;
	struct pair p = { 0 };
	int i;

	p.loop = loop_new(&e);
	assert_non_null(p.loop);
	assert_int_equal(pipe2(p.fd, O_CLOEXEC), 0);
	assert_int_equal(pipe2(p.fd + 2, O_CLOEXEC), 0);
	assert_int_equal(write(p.fd[1], "x", 1), 1);
	assert_int_equal(write(p.fd[3], "x", 1), 1);
	p.a = loop_fd_new(p.loop, p.fd[0], POLLIN, free_the_other, &p, &e);
	p.b = loop_fd_new(p.loop, p.fd[2], POLLIN, free_the_other, &p, &e);
	assert_int_equal(loop_run(p.loop, &e), 0);
	assert_int_equal(p.calls_a + p.calls_b, 1);
	loop_free(p.loop);
	for (i = 0; i < 4; i++)
		close(p.fd[i]);
}

struct reuse {
	struct loop *loop;
	struct loop_fd *first, *second;
	int fd[4], old_number;
	int wrong;
};

static void
on_new(void *arg, int fd, short revents)
{
	struct reuse *r = arg;

	r->wrong++;
}

static void
replace(void *arg, int fd, short revents)
{
	struct reuse *r = arg;
	int p[2];

	/* Whichever is first closes the other and gives its number to a pipe
	 * on which nothing happens. */
	loop_fd_free(r->first);
	loop_fd_free(r->second);
	close(r->fd[0]);
	close(r->fd[2]);
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	r->fd[0] = p[0];
	r->fd[2] = p[1];
	loop_fd_new(r->loop, p[0], POLLIN, on_new, r, NULL);
	loop_stop(r->loop);
}

static void
an_fd_number_used_again_gets_no_event_of_the_old_file(void **state)
{
	struct err e = ERR_INIT;
	struct reuse r = { 0 };
	struct loop_timer *t;
	int i;

	r.loop = loop_new(&e);
	assert_int_equal(pipe2(r.fd, O_CLOEXEC), 0);
	assert_int_equal(pipe2(r.fd + 2, O_CLOEXEC), 0);
	assert_int_equal(write(r.fd[1], "x", 1), 1);
	assert_int_equal(write(r.fd[3], "x", 1), 1);
	r.first = loop_fd_new(r.loop, r.fd[0], POLLIN, replace, &r, &e);
	r.second = loop_fd_new(r.loop, r.fd[2], POLLIN, replace, &r, &e);
	assert_int_equal(loop_run(r.loop, &e), 0);
	t = loop_timer_new(r.loop, 0, 0, stop, r.loop,
	    &e);
	assert_non_null(t);
	assert_int_equal(loop_run(r.loop, &e), 0);
	assert_int_equal(r.wrong, 0);
	loop_free(r.loop);
	for (i = 0; i < 4; i++)
		close(r.fd[i]);
}

static void
pause_both(void *arg, int fd, short revents)
{
	struct pair *p = arg;

	p->calls_a++;
	loop_fd_pause(p->a, 1);
	loop_fd_pause(p->b, 1);
	loop_timer_new(p->loop, 1, 0, stop, p->loop,
	    NULL);
}

static void
a_source_paused_by_another_is_not_called_in_the_same_turn(void **state)
{
	struct err e = ERR_INIT;
	struct pair p = { 0 };
	int i;

	p.loop = loop_new(&e);
	for (i = 0; i < 4; i += 2) {
		assert_int_equal(pipe2(p.fd + i, O_CLOEXEC), 0);
		assert_int_equal(write(p.fd[i + 1], "x", 1), 1);
	}
	p.a = loop_fd_new(p.loop, p.fd[0], POLLIN, pause_both, &p, &e);
	p.b = loop_fd_new(p.loop, p.fd[2], POLLIN, pause_both, &p, &e);
	assert_int_equal(loop_run(p.loop, &e), 0);
	assert_int_equal(p.calls_a, 1);
	loop_free(p.loop);
	for (i = 0; i < 4; i++)
		close(p.fd[i]);
}

static void
count_hangup(void *arg, int fd, short revents)
{
	struct pair *p = arg;

	assert_true((revents & POLLHUP) != 0);
	p->calls_a++;
	loop_fd_pause(p->a, 1);
}

static void
a_paused_fd_that_hung_up_is_silent(void **state)
{
	struct err e = ERR_INIT;
	struct pair p = { 0 };

	p.loop = loop_new(&e);
	assert_int_equal(pipe2(p.fd, O_CLOEXEC), 0);
	close(p.fd[1]);
	p.a = loop_fd_new(p.loop, p.fd[0], 0, count_hangup, &p, &e);
	assert_non_null(loop_timer_new(p.loop, 10, 0, stop, p.loop, &e));
	assert_int_equal(loop_run(p.loop, &e), 0);
	assert_int_equal(p.calls_a, 1);
	loop_free(p.loop);
	close(p.fd[0]);
}

static void
on_file(void *arg, int fd, short revents)
{
	struct pair *p = arg;

	assert_int_equal(revents, POLLIN);
	if (++p->calls_a == 3)
		loop_fd_free(p->a);
}

static void
a_file_that_epoll_refuses_is_always_ready(void **state)
{
	struct err e = ERR_INIT;
	struct pair p = { 0 };

	p.loop = loop_new(&e);
	p.fd[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	p.a = loop_fd_new(p.loop, p.fd[0], POLLIN, on_file, &p, &e);
	assert_int_equal(loop_run(p.loop, &e), 0);
	assert_int_equal(p.calls_a, 3);
	loop_free(p.loop);
	close(p.fd[0]);
}

static void
a_closed_fd_makes_the_run_fail(void **state)
{
	struct err e = ERR_INIT;
	struct loop *l = loop_new(&e);

	assert_non_null(loop_fd_new(l, 9999, POLLIN, on_file, NULL, &e));
	assert_int_equal(loop_run(l, &e), -1);
	assert_int_equal(e.code, ERR_SYS);
	assert_int_equal(e.sys_errno, EBADF);
	loop_free(l);
}

struct order {
	struct loop *loop;
	char seen[16];
	size_t n;
};

struct tick {
	struct order *o;
	char name;
	struct loop_timer *t;
};

static void
on_tick(void *arg)
{
	struct tick *k = arg;

	k->o->seen[k->o->n++] = k->name;
	if (k->name == 'p' && k->o->n >= 5)
		loop_timer_free(k->t);
}

static void
timers_fire_in_order_and_a_periodic_one_again(void **state)
{
	struct err e = ERR_INIT;
	struct order o = { 0 };
	struct tick p = { &o, 'p', NULL }, b = { &o, 'b', NULL };
	struct tick c = { &o, 'c', NULL }, never = { &o, 'n', NULL };

	o.loop = loop_new(&e);
	/* Each is due after the one made before, however slow this is. */
	c.t = loop_timer_new(o.loop, 3000, 0, on_tick, &c, &e);
	loop_timer_set(c.t, 0, 0);
	b.t = loop_timer_new(o.loop, 2, 0, on_tick, &b, &e);
	p.t = loop_timer_new(o.loop, 5, 5, on_tick, &p, &e);
	never.t = loop_timer_new(o.loop, 1, 0, on_tick, &never, &e);
	loop_timer_stop(never.t);
	assert_int_equal(loop_run(o.loop, &e), 0);
	assert_string_equal(o.seen, "cbppp");
	loop_free(o.loop);
}

static void
the_timer_heap_keeps_order_under_moves(void **state)
{
	struct timers t = { 0 };
	struct timers_node v[200], *first;
	uint64_t last = 0;
	size_t i;

	assert_int_equal(timers_reserve(&t, 200), 0);
	for (i = 0; i < 200; i++) {
		v[i].at = TIMERS_OUT;
		timers_put(&t, &v[i], (i * 7919) % 211);
	}
	for (i = 0; i < 200; i += 3)
		timers_put(&t, &v[i], (i * 104729) % 223);
	for (i = 0; i < 200; i += 5)
		timers_out(&t, &v[i]);
	timers_out(&t, &v[0]);
	assert_int_equal(t.n, 160);
	while ((first = timers_first(&t)) != NULL) {
		assert_true(first->due_ms >= last);
		last = first->due_ms;
		timers_out(&t, first);
	}
	timers_clear(&t);
}

static void
on_pid(void *arg, pid_t pid, int status)
{
	(void)arg;
}

static void
the_pid_table_finds_each_after_many_removals(void **state)
{
	struct pids p = { 0 };
	struct pids_row row;
	pid_t i;

	for (i = 1; i <= 5000; i++)
		assert_int_equal(pids_put(&p, i * 3, on_pid, &p), 0);
	for (i = 1; i <= 5000; i += 2)
		assert_true(pids_take(&p, i * 3, &row));
	for (i = 1; i <= 5000; i++)
		assert_true((pids_find(&p, i * 3) != NULL) == (i % 2 == 0));
	assert_false(pids_take(&p, 3, &row));
	assert_int_equal(p.n, 2500);
	pids_clear(&p);
}

struct kids {
	struct loop *loop;
	int ends, sum, signals;
};

static void
on_kid(void *arg, pid_t pid, int status)
{
	struct kids *k = arg;

	k->ends++;
	k->sum += WEXITSTATUS(status);
}

static pid_t
exiting(int status)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(status);
	return pid;
}

static void
each_child_is_told_to_its_own_callback_and_unknown_ones_are_dropped(
    void **state)
{
	struct err e = ERR_INIT;
	struct kids k = { 0 };
	pid_t cancelled;
	int i;

	k.loop = loop_new(&e);
	for (i = 1; i <= 20; i++)
		assert_int_equal(loop_child(k.loop, exiting(i), on_kid, &k,
		    &e), 0);
	exiting(99);
	cancelled = exiting(98);
	loop_child(k.loop, cancelled, on_kid, &k, &e);
	loop_child(k.loop, cancelled, NULL, NULL, &e);
	assert_int_equal(loop_run(k.loop, &e), 0);
	assert_int_equal(k.ends, 20);
	assert_int_equal(k.sum, 210);
	loop_free(k.loop);
	assert_int_equal(waitpid(cancelled, NULL, WNOHANG), -1);
}

static void
on_usr1(void *arg, int signo)
{
	struct kids *k = arg;

	assert_int_equal(signo, SIGUSR1);
	k->signals++;
	loop_stop(k->loop);
}

static void
a_signal_arrives_as_a_callback_and_everything_is_put_back(void **state)
{
	struct err e = ERR_INIT;
	struct kids k = { 0 };
	struct sigaction sa;
	sigset_t mask;
	int before = fds_open();

	k.loop = loop_new(&e);
	assert_int_equal(loop_signal(k.loop, SIGUSR1, on_usr1, &k, &e), 0);
	assert_int_equal(loop_signal(k.loop, 1000, on_usr1, &k, &e), -1);
	assert_non_null(loop_timer_new(k.loop, 30000, 0, stop, k.loop, &e));
	kill(getpid(), SIGUSR1);
	assert_int_equal(loop_run(k.loop, &e), 0);
	assert_int_equal(k.signals, 1);
	sigaction(SIGPIPE, NULL, &sa);
	assert_true(sa.sa_handler == SIG_IGN);
	loop_free(k.loop);
	sigaction(SIGPIPE, NULL, &sa);
	assert_true(sa.sa_handler == SIG_DFL);
	sigprocmask(SIG_SETMASK, NULL, &mask);
	assert_int_equal(sigismember(&mask, SIGCHLD), 0);
	assert_int_equal(fds_open(), before);
}

static void
a_loop_with_nothing_to_wait_for_returns(void **state)
{
	struct err e = ERR_INIT;
	struct loop *l = loop_new(&e);
	struct loop_timer *t = loop_timer_new(l, 60000, 0, stop, l, &e);

	loop_timer_stop(t);
	assert_int_equal(loop_run(l, &e), 0);
	loop_free(l);
	loop_free(NULL);
}

static void
count(void *arg)
{
	++*(int *)arg;
}

/* Then the next run goes on as ever. */
static void
a_stop_from_before_the_run_ends_it_at_once(void **state)
{
	struct err e = ERR_INIT;
	struct loop *l = loop_new(&e);
	int calls = 0;

	assert_non_null(l);
	assert_non_null(loop_timer_new(l, 0, 0, count, &calls, &e));
	loop_stop(l);
	assert_int_equal(loop_run(l, &e), 0);
	assert_int_equal(calls, 0);
	assert_int_equal(loop_run(l, &e), 0);
	assert_int_equal(calls, 1);
	loop_free(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_freed_source_is_not_called_though_its_event_was_collected),
		cmocka_unit_test(
		    an_fd_number_used_again_gets_no_event_of_the_old_file),
		cmocka_unit_test(
		    a_source_paused_by_another_is_not_called_in_the_same_turn),
		cmocka_unit_test(a_paused_fd_that_hung_up_is_silent),
		cmocka_unit_test(a_file_that_epoll_refuses_is_always_ready),
		cmocka_unit_test(a_closed_fd_makes_the_run_fail),
		cmocka_unit_test(timers_fire_in_order_and_a_periodic_one_again),
		cmocka_unit_test(the_timer_heap_keeps_order_under_moves),
		cmocka_unit_test(the_pid_table_finds_each_after_many_removals),
		cmocka_unit_test(
		    each_child_is_told_to_its_own_callback_and_unknown_ones_are_dropped),
		cmocka_unit_test(
		    a_signal_arrives_as_a_callback_and_everything_is_put_back),
		cmocka_unit_test(a_loop_with_nothing_to_wait_for_returns),
		cmocka_unit_test(a_stop_from_before_the_run_ends_it_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
