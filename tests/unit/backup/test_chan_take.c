/* SPDX-License-Identifier: ISC */
/* chan_take() where the kernel can't move the bytes, or something fails: what
 * comes out is the same bytes in frames, in order, or the channel ends. */
#include "../unit.h"

#include "../failmalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "chan.h"

struct rig {
	struct loop *loop;
	struct chan *chan;
	int in, out;		/* the other end's */
	int from[2];		/* what is taken from */
	struct msg_in msg;
	char got[4096];		/* of the frames' bytes */
	size_t len, want, frames;
	struct loop_fd *watch;
	unsigned closed;
};

static struct err e;

static int
on_frame(void *arg, char type, const char *data, size_t len, struct err *why)
{
	(void)arg;
	(void)type;
	(void)data;
	(void)len;
	(void)why;
	return 0;
}

static void
on_end(void *arg, const struct err *why)
{
	(void)arg;
	(void)why;
}

static int
on_msg(void *arg, char type, const char *data, size_t len, struct err *why)
{
	struct rig *r = arg;

	(void)why;
	assert_int_equal(type, MSG_DATA);
	assert_true(r->len + len <= sizeof(r->got));
	memcpy(r->got + r->len, data, len);
	r->len += len;
	r->frames++;
	return 0;
}

static void
on_readable(void *arg, int fd, short revents)
{
	struct rig *r = arg;
	char chunk[4096];
	ssize_t n = read(fd, chunk, sizeof(chunk));

	(void)revents;
	assert_true(n > 0);
	assert_int_equal(msg_feed(&r->msg, chunk, (size_t)n, NULL, on_msg, r,
	    &e), 0);
	if (r->len >= r->want)
		loop_stop(r->loop);
}

static int
enter(void **state)
{
	static const struct chan_ops ops = { .on_frame = on_frame,
		.on_end = on_end };
	static struct rig r;
	int to[2], back[2];

	e = (struct err)ERR_INIT;
	r = (struct rig){ .want = 0 };
	msg_init(&r.msg);
	r.loop = loop_new(&e);
	if (r.loop == NULL || pipe2(to, O_CLOEXEC) == -1 ||
	    pipe2(back, O_CLOEXEC) == -1 ||
	    pipe2(r.from, O_CLOEXEC | O_NONBLOCK) == -1)
		return -1;
	r.chan = chan_new(r.loop, back[0], to[1], 0, &ops, &r, &e);
	r.in = to[0];
	r.out = back[1];
	*state = &r;
	return r.chan != NULL ? 0 : -1;
}

static int
leave(void **state)
{
	struct rig *r = *state;

	chan_free(r->chan);
	loop_fd_free(r->watch);
	loop_free(r->loop);
	msg_clear(&r->msg);
	close(r->in);
	close(r->out);
	close(r->from[0]);
	close(r->from[1]);
	return 0;
}

static void
give(struct rig *r, const char *text)
{
	assert_int_equal(write(r->from[1], text, strlen(text)),
	    (ssize_t)strlen(text));
}

static void
expect(struct rig *r, const char *text)
{
	r->want = strlen(text);
	if (r->watch == NULL)
		r->watch = loop_fd_new(r->loop, r->in, POLLIN, on_readable, r,
		    &e);
	assert_non_null(r->watch);
	assert_int_equal(loop_run(r->loop, &e), 0);
	assert_int_equal(r->len, r->want);
	assert_memory_equal(r->got, text, r->want);
}

static void
bytes_of_a_pipe_and_of_other_frames_stay_in_order(void **state)
{
	struct rig *r = *state;

	give(r, "one ");
	assert_int_equal(chan_take(r->chan, r->from[0], 100, &e), 4);
	assert_int_equal(chan_send(r->chan, MSG_DATA, "two ", 4, &e), 0);
	give(r, "three four");
	assert_int_equal(chan_take(r->chan, r->from[0], 5, &e), 5);
	assert_int_equal(chan_take(r->chan, r->from[0], 100, &e), 5);
	expect(r, "one two three four");
	assert_int_equal(r->frames, 4);
}

static void
what_the_kernel_does_not_move_is_copied(void **state)
{
	struct rig *r = *state;
	uint64_t one = 0x3131313131313131;
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	assert_int_equal(write(fd, &one, sizeof(one)), 8);
	assert_int_equal(chan_take(r->chan, fd, 100, &e), 8);
	close(fd);
	expect(r, "11111111");
}

static void
nothing_ready_and_the_end_are_as_with_read(void **state)
{
	struct rig *r = *state;

	assert_int_equal(chan_take(r->chan, r->from[0], 100, &e), -1);
	assert_int_equal(errno, EAGAIN);
	close(r->from[1]);
	r->from[1] = -1;
	assert_int_equal(chan_take(r->chan, r->from[0], 100, &e), 0);
}

static void
without_a_descriptor_for_the_pipe_it_is_copied(void **state)
{
	struct rig *r = *state;
	struct rlimit was, none;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	none = was;
	none.rlim_cur = 0;
	give(r, "copied ");
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(chan_take(r->chan, r->from[0], 100, &e), 7);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	/* The next one has its pipe. */
	give(r, "moved");
	assert_int_equal(chan_take(r->chan, r->from[0], 100, &e), 5);
	expect(r, "copied moved");
}

/* Half a frame must not stand there, before others. */
static void
without_memory_the_channel_ends(void **state)
{
	struct rig *r = *state;
	unsigned long n;

	/* So that its pipe is there. */
	give(r, "a");
	assert_int_equal(chan_take(r->chan, r->from[0], 100, &e), 1);
	expect(r, "a");
	for (n = 1; n <= 2; n++) {
		void *again = r;

		give(r, "lost");
		failmalloc_arm(n);
		assert_int_equal(chan_take(r->chan, r->from[0], 100, &e), 4);
		assert_true(failmalloc_disarm());
		assert_err(&e, ERR_MEM, "out of memory");
		/* It is closed: what comes is taken, and that is said. */
		give(r, "more");
		assert_int_equal(chan_take(r->chan, r->from[0], 100, &e), 4);
		assert_err(&e, ERR_PEER, "closed");
		assert_int_equal(read(r->in, r->got, sizeof(r->got)), 0);
		assert_int_equal(leave(&again), 0);
		assert_int_equal(enter(&again), 0);
	}
}

static void
when_nobody_reads_it_says_that_too_much_waits(void **state)
{
	struct rig *r = *state;
	static char text[4096];
	ssize_t n;
	size_t i;

	/* It asked for no room: there are bounds all the same. */
	memset(text, 'x', sizeof(text));
	for (i = 0; i < 10000 && e.code == ERR_NONE; i++) {
		assert_int_equal(write(r->from[1], text, sizeof(text)),
		    sizeof(text));
		n = chan_take(r->chan, r->from[0], sizeof(text), &e);
		assert_int_equal(n, sizeof(text));
	}
	assert_err(&e, ERR_MEM, "too much waits");
	assert_false(chan_room(r->chan));
}

static void
who_has_hung_up_is_found_out(void **state)
{
	struct rig *r = *state;

	signal(SIGPIPE, SIG_IGN);
	close(r->in);
	r->in = -1;
	give(r, "a");
	/* Its error is left to the loop, as with chan_send(). */
	assert_int_equal(chan_take(r->chan, r->from[0], 100, &e), 1);
	assert_int_equal(e.code, ERR_NONE);
}

#define T(f) cmocka_unit_test_setup_teardown(f, enter, leave)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(bytes_of_a_pipe_and_of_other_frames_stay_in_order),
		T(what_the_kernel_does_not_move_is_copied),
		T(nothing_ready_and_the_end_are_as_with_read),
		T(without_a_descriptor_for_the_pipe_it_is_copied),
		T(without_memory_the_channel_ends),
		T(when_nobody_reads_it_says_that_too_much_waits),
		T(who_has_hung_up_is_found_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
