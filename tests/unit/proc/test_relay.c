/* SPDX-License-Identifier: ISC */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "fds.h"
#include "proc/relay.h"

#define MIB ((size_t)1 << 20)

struct rig {
	struct loop *loop;
	struct child *child;
	struct relay *relay;
	struct loop_fd *watch;
	struct loop_timer *tick;
	int ours, theirs;	/* the test's end, the relay's */
	size_t sent, sent_before, got, to_send, most_queued;
	bool hold;		/* don't read yet */
	bool got_eof;
	struct relay_end end;
	int relay_ends, child_ends;
};

static void
on_relay_end(void *arg, const struct relay_end *end)
{
	struct rig *r = arg;

	r->end = *end;
	r->relay_ends++;
	relay_free(r->relay);
	r->relay = NULL;
}

static void
on_line(void *arg, enum child_stream s, const char *line, size_t len,
    bool cut)
{
	struct rig *r = arg;

	if (s != CHILD_STDOUT || strcmp(line, "go") != 0)
		return;
	child_raw(r->child);
	r->relay = relay_start(r->loop, r->theirs, r->child, on_relay_end, r,
	    NULL);
	assert_non_null(r->relay);
}

static void
on_raw(void *arg, const void *data, size_t len)
{
	struct rig *r = arg;

	if (r->relay != NULL)
		relay_raw(r->relay, data, len);
}

static void
on_raw_eof(void *arg)
{
	struct rig *r = arg;

	if (r->relay != NULL)
		relay_raw_eof(r->relay);
}

static void
on_drain(void *arg)
{
	struct rig *r = arg;

	if (r->relay != NULL)
		relay_drain(r->relay);
}

static void
on_end(void *arg, const struct child_end *end)
{
	struct rig *r = arg;

	r->child_ends++;
	if (r->relay != NULL)
		relay_child_end(r->relay);
	child_free(r->child);
	r->child = NULL;
}

/* The test's end of the socket: sends to_send bytes, then half-closes. */
static void
on_ours(void *arg, int fd, short revents)
{
	static char buf[65536];
	struct rig *r = arg;
	size_t want = r->to_send - r->sent;
	ssize_t n;

	if (r->child != NULL && child_queued(r->child) > r->most_queued)
		r->most_queued = child_queued(r->child);
	if ((revents & POLLOUT) != 0 && want > 0) {
		n = send(fd, buf, want < sizeof(buf) ? want : sizeof(buf),
		    MSG_DONTWAIT | MSG_NOSIGNAL);
		r->sent += n > 0 ? (size_t)n : 0;
		if (r->sent == r->to_send)
			shutdown(fd, SHUT_WR);
	}
	if ((revents & POLLIN) != 0 && !r->hold) {
		n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
		r->got += n > 0 ? (size_t)n : 0;
		r->got_eof = n == 0;
	}
	if (r->got_eof)
		loop_fd_pause(r->watch, 1);
	else
		loop_fd_events(r->watch, (short)((r->hold ? 0 : POLLIN) |
		    (r->sent < r->to_send ? POLLOUT : 0)));
	if (r->got_eof && r->sent == r->to_send) {
		loop_fd_free(r->watch);
		r->watch = NULL;
	}
}

/* Nothing moved since the last tick: both ways are full, begin to read. */
static void
on_tick(void *arg)
{
	struct rig *r = arg;

	if (r->sent > 0 && r->sent == r->sent_before) {
		r->hold = false;
		loop_timer_free(r->tick);
		loop_fd_events(r->watch, POLLIN | POLLOUT);
	}
	r->sent_before = r->sent;
}

static void
run(struct rig *r, char *script, size_t to_send)
{
	char *argv[] = { "sh", "-c", script, NULL };
	struct child_spec s = { .argv = argv,
		.io = { CHILD_PIPE, CHILD_PIPE, CHILD_INHERIT },
		.on_line = on_line, .on_raw = on_raw,
		.on_raw_eof = on_raw_eof, .on_drain = on_drain,
		.on_end = on_end, .arg = r };
	struct err e = ERR_INIT;
	int before = fds_open(), sv[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0, sv), 0);
	r->ours = sv[0];
	r->theirs = sv[1];
	r->to_send = to_send;
	r->loop = loop_new(&e);
	r->child = child_start(r->loop, &s, &e);
	assert_non_null(r->child);
	r->watch = loop_fd_new(r->loop, r->ours, POLLIN | POLLOUT, on_ours, r,
	    &e);
	if (r->hold)
		r->tick = loop_timer_new(r->loop, 50, 50, on_tick, r, &e);
	if (to_send == 0)
		shutdown(r->ours, SHUT_WR);
	assert_int_equal(loop_run(r->loop, &e), 0);
	assert_int_equal(r->relay_ends, 1);
	assert_int_equal(r->child_ends, 1);
	loop_free(r->loop);
	close(r->ours);
	assert_int_equal(fds_open(), before);
}

static void
bytes_go_both_ways_with_bounded_memory_and_are_counted(void **state)
{
	struct rig r = { .hold = true };

	/* The test reads nothing until the way there is full: the relay has
	 * to hold both sides back for that. */
	run(&r, "echo go; cat", 4 * MIB);
	assert_int_equal(r.got, 4 * MIB);
	assert_int_equal(r.end.to_child, 4 * MIB);
	assert_int_equal(r.end.to_socket, 4 * MIB);
	assert_int_equal(r.end.sys_errno, 0);
	assert_true(r.most_queued <= 65536 + 16384);
}

static void
an_end_of_file_is_passed_on_each_way_alone(void **state)
{
	struct rig r = { 0 };

	/* The child answers only after its stdin ended. */
	run(&r, "echo go; wc -c", 100000);
	assert_true(r.got > 6);
	assert_int_equal(r.end.to_child, 100000);
	assert_true(r.got_eof);
}

static void
a_child_that_reads_nothing_more_does_not_stop_the_other_way(void **state)
{
	struct rig r = { 0 };

	run(&r, "echo go; exec <&-; head -c 300000 /dev/zero", 0);
	assert_int_equal(r.got, 300000);
	assert_int_equal(r.end.to_socket, 300000);
}

static void
hang_up(void *arg, int fd, short revents)
{
	struct rig *r = arg;
	char c[100];

	if (recv(fd, c, sizeof(c), 0) <= 0)
		return;
	loop_fd_free(r->watch);
	r->watch = NULL;
	close(r->ours);
	r->ours = -1;
}

static void
a_socket_that_breaks_ends_the_relay_and_not_the_child(void **state)
{
	struct rig r = { 0 };
	char *argv[] = { "sh", "-c", "echo go; yes", NULL };
	struct child_spec s = { .argv = argv,
		.io = { CHILD_PIPE, CHILD_PIPE, CHILD_INHERIT },
		.on_line = on_line, .on_raw = on_raw,
		.on_raw_eof = on_raw_eof, .on_drain = on_drain,
		.on_end = on_end, .timeout_ms = 300, .arg = &r };
	struct err e = ERR_INIT;
	int sv[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0, sv), 0);
	r.ours = sv[0];
	r.theirs = sv[1];
	r.loop = loop_new(&e);
	r.child = child_start(r.loop, &s, &e);
	r.watch = loop_fd_new(r.loop, r.ours, POLLIN, hang_up, &r, &e);
	assert_int_equal(loop_run(r.loop, &e), 0);
	assert_int_equal(r.relay_ends, 1);
	assert_int_not_equal(r.end.sys_errno, 0);
	assert_int_equal(r.child_ends, 1);
	loop_free(r.loop);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    bytes_go_both_ways_with_bounded_memory_and_are_counted),
		cmocka_unit_test(an_end_of_file_is_passed_on_each_way_alone),
		cmocka_unit_test(
		    a_child_that_reads_nothing_more_does_not_stop_the_other_way),
		cmocka_unit_test(
		    a_socket_that_breaks_ends_the_relay_and_not_the_child),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
