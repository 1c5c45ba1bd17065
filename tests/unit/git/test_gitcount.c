/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gitcount.h"

#define TURNS	16	/* gitcount.c's */
#define PAGE	4096
#define STEP	(PAGE / TURNS)	/* each takes a page's place in a pipe */
#define ROOM	(TURNS * PAGE)	/* in the pipe that is read */
#define MUCH	(3 << 20)
#define NEVER	20000	/* ms: it hangs */

/* What one splice moves at most: the kernel moves all that fits, so that its
 * turns can't be counted otherwise. 0: all. */
static size_t step;

ssize_t
splice(int from, off_t *from_at, int to, off_t *to_at, size_t len,
    unsigned flags)
{
	return syscall(SYS_splice, from, from_at, to, to_at,
	    step > 0 && step < len ? step : len, flags);
}

/* A gitcount whose standard input and output are ours at their other ends. */
struct place {
	struct loop *loop;
	struct gitcount *count;
	struct loop_timer *never;
	int saved[2];
	int in, out;		/* ours: what goes in; what comes out */
	int child[3];		/* the child's */
	int calls;		/* of done */
	bool late, hung;
	size_t got;
};

static void
on_never(void *arg)
{
	struct place *p = arg;

	p->hung = true;
	loop_stop(p->loop);
}

static void
on_done(void *arg, bool late)
{
	struct place *p = arg;

	p->calls++;
	p->late = late;
	loop_stop(p->loop);
}

static void
instead(int fd, int with)
{
	assert_int_equal(dup2(with, fd), fd);
	close(with);
}

/* in[0] and out[1] become standard input and output. */
static void
start(struct place *p, int in[2], int out[2])
{
	struct err e = ERR_INIT;
	int i;

	memset(p, 0, sizeof(*p));
	fflush(stdout);
	for (i = 0; i < 2; i++)
		p->saved[i] = fcntl(i, F_DUPFD_CLOEXEC, 3);
	instead(STDIN_FILENO, in[0]);
	instead(STDOUT_FILENO, out[1]);
	p->in = in[1];
	p->out = out[0];
	p->loop = loop_new(&e);
	assert_non_null(p->loop);
	assert_int_equal(gitcount_new(p->loop, &p->count, &e), 0);
	assert_non_null(p->count);
	gitcount_fds(p->count, p->child);
	p->never = loop_timer_new(p->loop, NEVER, 0, on_never, p, &e);
	assert_non_null(p->never);
	/* Ours alone: the other end is seen to close. */
	instead(STDIN_FILENO, fcntl(p->saved[0], F_DUPFD_CLOEXEC, 3));
	instead(STDOUT_FILENO, fcntl(p->saved[1], F_DUPFD_CLOEXEC, 3));
	step = 0;
}

/* On pipes. */
static void
start_pipes(struct place *p)
{
	int in[2], out[2];

	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(fcntl(out[1], F_SETPIPE_SZ, ROOM), ROOM);
	start(p, in, out);
}

static void
end(struct place *p)
{
	int i;

	step = 0;
	gitcount_free(p->count);
	loop_timer_free(p->never);
	loop_free(p->loop);
	for (i = 0; i < 2; i++)
		close(p->saved[i]);
	close(p->in);
	close(p->out);
}

static void
run(struct place *p)
{
	struct err e = ERR_INIT;

	assert_int_equal(loop_run(p->loop, &e), 0);
	assert_false(p->hung);
}

static void
say(int fd, char c, size_t len)
{
	char text[ROOM];

	memset(text, c, sizeof(text));
	assert_int_equal(write(fd, text, len), len);
}

/* Exactly so many of them, from what is there already. */
static void
hear(int fd, char c, size_t len)
{
	char text[ROOM + 1];
	size_t i;

	assert_int_equal(read(fd, text, sizeof(text)), len);
	for (i = 0; i < len; i++)
		assert_int_equal(text[i], c);
}

static int64_t
out_bytes(const struct place *p)
{
	int64_t in, out;

	gitcount_bytes(p->count, &in, &out);
	return out;
}

static void
a_last_turn_that_empties_the_pipe_is_the_end(void **state)
{
	struct place p;

	start_pipes(&p);
	say(p.child[1], 'a', PAGE);
	step = STEP;
	gitcount_finish(p.count, 0, on_done, &p);
	run(&p);
	assert_int_equal(p.calls, 1);
	assert_false(p.late);
	assert_int_equal(out_bytes(&p), PAGE);
	hear(p.out, 'a', PAGE);
	end(&p);
}

static void
it_is_as_well_where_the_reader_was_slow(void **state)
{
	struct place p;

	start_pipes(&p);
	say(p.child[1], 'a', ROOM);
	gitcount_finish(p.count, 0, on_done, &p);
	assert_int_equal(p.calls, 1);
	p.calls = 0;
	say(p.child[1], 'b', PAGE);
	step = STEP;
	gitcount_finish(p.count, 0, on_done, &p);
	assert_int_equal(p.calls, 0);
	hear(p.out, 'a', ROOM);
	/* The first one's word to stop, which nobody has waited for. */
	run(&p);
	if (p.calls == 0)
		run(&p);
	assert_int_equal(p.calls, 1);
	assert_false(p.late);
	hear(p.out, 'b', PAGE);
	assert_int_equal(out_bytes(&p), ROOM + PAGE);
	end(&p);
}

static void
a_reader_that_takes_too_long_is_said(void **state)
{
	struct place p;

	start_pipes(&p);
	say(p.child[1], 'a', ROOM);
	say(p.child[1], 'a', 1);
	gitcount_finish(p.count, 10, on_done, &p);
	assert_int_equal(p.calls, 0);
	run(&p);
	assert_int_equal(p.calls, 1);
	assert_true(p.late);
	assert_int_equal(out_bytes(&p), ROOM);
	end(&p);
}

static void
a_reader_that_has_left_is_the_end(void **state)
{
	struct place p;

	start_pipes(&p);
	say(p.child[1], 'a', 1);
	close(p.out);
	p.out = -1;
	gitcount_finish(p.count, 0, on_done, &p);
	run(&p);
	assert_int_equal(p.calls, 1);
	assert_false(p.late);
	assert_int_equal(out_bytes(&p), 0);
	end(&p);
}

static void
on_in(void *arg, int fd, short revents)
{
	struct place *p = arg;

	loop_stop(p->loop);
}

static void
what_one_child_does_not_read_the_next_one_reads(void **state)
{
	struct err e = ERR_INIT;
	struct loop_fd *f;
	struct place p;
	int64_t in, out;
	char two[2];

	start_pipes(&p);
	say(p.in, 'a', 6);
	f = loop_fd_new(p.loop, p.child[0], POLLIN, on_in, &p, &e);
	assert_non_null(f);
	run(&p);
	loop_fd_free(f);
	assert_int_equal(read(p.child[0], two, 2), 2);
	gitcount_fds(p.count, p.child);
	hear(p.child[0], 'a', 4);
	gitcount_bytes(p.count, &in, &out);
	assert_int_equal(in, 6);
	assert_int_equal(out, 0);
	end(&p);
}

/* The byte at i. */
static char
byte(size_t i)
{
	return (char)(i % 251);
}

static void
take(struct place *p)
{
	static char text[65536];
	ssize_t n, i;

	while ((n = recv(p->out, text, sizeof(text), MSG_DONTWAIT)) > 0)
		for (i = 0; i < n; i++)
			assert_int_equal(text[i], byte(p->got++));
}

static void
on_out(void *arg, int fd, short revents)
{
	take(arg);
}

static void
on_child(void *arg, pid_t pid, int status)
{
	struct place *p = arg;

	assert_int_equal(status, 0);
	gitcount_finish(p->count, 0, on_done, p);
}

static void
write_all(int fd)
{
	static char text[MUCH];
	size_t i;
	ssize_t n;

	/* It has the reading end as well: a test that failed leaves it. */
	alarm(NEVER / 1000);
	for (i = 0; i < MUCH; i++)
		text[i] = byte(i);
	for (i = 0; i < MUCH; i += (size_t)n) {
		n = write(fd, text + i, MUCH - i);
		if (n <= 0)
			_exit(1);
	}
	_exit(0);
}

static void
nothing_is_lost_on_sockets(void **state)
{
	struct err e = ERR_INIT;
	struct loop_fd *f;
	struct place p;
	int in[2], out[2];
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
	    in), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
	    out), 0);
	start(&p, in, out);
	f = loop_fd_new(p.loop, p.out, POLLIN, on_out, &p, &e);
	assert_non_null(f);
	pid = fork();
	assert_true(pid != -1);
	if (pid == 0)
		write_all(p.child[1]);
	assert_int_equal(loop_child(p.loop, pid, on_child, &p, &e), 0);
	run(&p);
	take(&p);
	assert_int_equal(p.calls, 1);
	assert_int_equal(p.got, MUCH);
	assert_int_equal(out_bytes(&p), MUCH);
	loop_fd_free(f);
	end(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_last_turn_that_empties_the_pipe_is_the_end),
		cmocka_unit_test(it_is_as_well_where_the_reader_was_slow),
		cmocka_unit_test(a_reader_that_takes_too_long_is_said),
		cmocka_unit_test(a_reader_that_has_left_is_the_end),
		cmocka_unit_test(
		    what_one_child_does_not_read_the_next_one_reads),
		cmocka_unit_test(nothing_is_lost_on_sockets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
