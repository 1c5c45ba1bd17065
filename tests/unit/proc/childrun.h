/* SPDX-License-Identifier: ISC */
/* childrun: one child with what it said, for the tests of child.c. */
#ifndef TESTS_CHILDRUN_H
#define TESTS_CHILDRUN_H

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "proc/child.h"
#include "proc/spawn.h"

struct run {
	struct loop *loop;
	struct child *child;
	/* "1:line|1:line|"; the streams apart, since nothing orders them */
	struct buf out, err;
	struct buf raw;
	int ends, drains, eofs, done;
	int status;
	bool timed_out;
	int io_errno;
	const char *raw_at;	/* turn raw at this line */
	const char *pause_at;	/* pause at this line, resume by a timer */
	const char *free_at;	/* free the child at this line */
	const char *kill_at;
	int swap;		/* put in place of our end of its stdout at the
				 * line "swap" */
	struct loop_timer *later;
};

static inline void
resume(void *arg)
{
	struct run *r = arg;

	loop_timer_free(r->later);
	r->later = NULL;
	child_pause(r->child, false);
}

static inline bool
is(const char *want, const char *line)
{
	return want != NULL && strcmp(want, line) == 0;
}

/* Our end of the only pipe that is read from, with stderr elsewhere. */
static inline int
stdout_of_child(void)
{
	struct stat st;
	int fd;

	for (fd = SPAWN_LOW; fd < 1024; fd++)
		if (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode) &&
		    (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY)
			return fd;
	fail_msg("no pipe");
	return -1;
}

static inline void
on_line(void *arg, enum child_stream s, const char *line, size_t len,
    bool cut)
{
	struct run *r = arg;

	buf_addf(s == CHILD_STDOUT ? &r->out : &r->err, "%d:%s%s|", (int)s,
	    line, cut ? "..." : "");
	if (is(r->raw_at, line))
		child_raw(r->child);
	if (is(r->kill_at, line))
		child_kill(r->child, SIGTERM);
	if (is(r->pause_at, line)) {
		child_pause(r->child, true);
		r->later = loop_timer_new(r->loop, 20, 0, resume, r, NULL);
		/* What it writes now can't have come along with the line. */
		child_send(r->child, "\n", 1, NULL);
	}
	if (is("swap", line)) {
		assert_int_not_equal(dup2(r->swap, stdout_of_child()), -1);
		child_send(r->child, "\n", 1, NULL);
	}
	if (is(r->free_at, line)) {
		child_free(r->child);
		r->child = NULL;
	}
}

static inline void
on_raw(void *arg, const void *data, size_t len)
{
	struct run *r = arg;

	buf_add(&r->raw, data, len);
}

static inline void
on_raw_eof(void *arg)
{
	((struct run *)arg)->eofs++;
}

static inline void
on_drain(void *arg)
{
	((struct run *)arg)->drains++;
}

static inline void
on_done(void *arg)
{
	((struct run *)arg)->done++;
}

static inline void
on_end(void *arg, const struct child_end *end)
{
	struct run *r = arg;

	r->ends++;
	r->status = end->status;
	r->timed_out = end->timed_out;
	r->io_errno = end->io_errno;
	child_free(r->child);
	r->child = NULL;
}

static char *sh_argv[] = { "sh", "-c", NULL, "sh", NULL };

static inline struct child_spec
sh_spec(struct run *r, char *script)
{
	sh_argv[2] = script;
	return (struct child_spec){ .argv = sh_argv,
		.io = { CHILD_PIPE, CHILD_PIPE, CHILD_PIPE },
		.on_line = on_line, .on_raw = on_raw,
		.on_raw_eof = on_raw_eof, .on_drain = on_drain,
		.on_end = on_end, .arg = r };
}

static inline int
setup(void **state)
{
	struct run *r = calloc(1, sizeof(*r));
	struct err e;

	r->loop = loop_new(&e);
	buf_init(&r->out, 1 << 20);
	buf_init(&r->err, 1 << 20);
	buf_init(&r->raw, 1 << 22);
	*state = r;
	return r->loop == NULL;
}

static inline int
teardown(void **state)
{
	struct run *r = *state;

	child_free(r->child);
	loop_free(r->loop);
	buf_clear(&r->out);
	buf_clear(&r->err);
	buf_clear(&r->raw);
	free(r);
	return 0;
}

static inline void
start(struct run *r, const struct child_spec *spec)
{
	struct err e = ERR_INIT;

	r->child = child_start(r->loop, spec, &e);
	assert_string_equal(e.msg, "");
	assert_non_null(r->child);
}

static inline void
finish(struct run *r)
{
	struct err e = ERR_INIT;

	assert_int_equal(loop_run(r->loop, &e), 0);
	assert_int_equal(r->ends, 1);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
