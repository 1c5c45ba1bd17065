/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "failmalloc.h"
#include "muxmsg.h"

/* Numbers as they stand in a message. */
#define N(n)	"\0\0\0" n
#define HELLO	N("\1")
#define S(n)	"\200\0\0" n		/* of what a master says */
#define OPEN	S("\6")
#define EXIT	S("\4")
#define FAILED	S("\3")
#define DENIED	S("\2")
#define ALIVE	S("\5")

#define TEXT(s)	s, sizeof(s) - 1

static void
a_request_is_what_ssh_would_send(void **state)
{
	static const char hello[] = N("\10") HELLO N("\4");
	static const char want[] = N("\60") "\20\0\0\2" N("\0") N("\0")
	    N("\0") N("\0") N("\0") N("\0") "\377\377\377\377"
	    N("\0") N("\10") "v1 -- hi";
	struct err e = ERR_INIT;
	struct buf out;

	buf_init(&out, MUXMSG_MAX);
	assert_int_equal(muxmsg_hello(&out, &e), 0);
	assert_int_equal(out.len, sizeof(hello) - 1);
	assert_memory_equal(out.data, hello, sizeof(hello) - 1);
	buf_clear(&out);
	assert_int_equal(muxmsg_open("v1 -- hi", &out, &e), 0);
	assert_int_equal(out.len, sizeof(want) - 1);
	assert_memory_equal(out.data, want, sizeof(want) - 1);
	buf_clear(&out);
}

static void
a_command_that_is_too_long_is_none(void **state)
{
	char *cmd = calloc(1, MUXMSG_MAX);
	struct err e = ERR_INIT;
	struct buf out;

	assert_non_null(cmd);
	memset(cmd, 'x', MUXMSG_MAX - 1);
	buf_init(&out, 4 * MUXMSG_MAX);
	assert_int_equal(muxmsg_open(cmd, &out, &e), -1);
	assert_int_equal(e.code, ERR_MEM);
	assert_int_equal(out.len, 0);
	buf_clear(&out);
	free(cmd);
}

static void
no_memory_is_said(void **state)
{
	struct err e = ERR_INIT;
	struct buf out;
	unsigned long n;
	int rc;

	for (n = 1;; n++) {
		buf_init(&out, MUXMSG_MAX);
		failmalloc_arm(n);
		rc = muxmsg_hello(&out, &e);
		if (rc == 0)
			rc = muxmsg_open("info", &out, &e);
		buf_clear(&out);
		if (!failmalloc_disarm())
			break;
		assert_int_equal(rc, -1);
		assert_int_equal(e.code, ERR_MEM);
	}
	assert_true(n > 1);
}

static void
messages_of_a_master_are_told_apart(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		enum muxmsg_kind kind;
		uint32_t status;
	} t[] = {
		{ TEXT(N("\10") HELLO N("\4")), MUXMSG_HELLO, 0 },
		/* With an extension, of which there is none today. */
		{ TEXT(N("\22") HELLO N("\4") N("\1") "a" N("\1") "b"),
		    MUXMSG_HELLO, 0 },
		{ TEXT(N("\14") OPEN N("\0") N("\7")), MUXMSG_OPENED, 0 },
		{ TEXT(N("\14") EXIT N("\7") N("\200")), MUXMSG_EXIT, 128 },
		{ TEXT(N("\14") EXIT N("\7") N("\0")), MUXMSG_EXIT, 0 },
		{ TEXT(N("\16") FAILED N("\0") N("\2") "no"),
		    MUXMSG_REFUSED, 0 },
		{ TEXT(N("\16") DENIED N("\0") N("\2") "no"),
		    MUXMSG_REFUSED, 0 },
		{ TEXT(N("\14") ALIVE N("\0") N("\7")), MUXMSG_OTHER, 0 },
		{ TEXT(N("\4") "\1\2\3\4"), MUXMSG_OTHER, 0 },
	};
	struct err e = ERR_INIT;
	struct muxmsg m;
	size_t i, n;

	for (i = 0; i < sizeof(t) / sizeof(*t); i++) {
		/* In pieces: nothing before it is whole. */
		for (n = 0; n < t[i].len; n++) {
			assert_int_equal(muxmsg_next(t[i].text, n, &m, &e), 0);
			assert_int_equal(m.kind, MUXMSG_MORE);
			assert_int_equal(m.len, 0);
		}
		assert_int_equal(muxmsg_next(t[i].text, t[i].len, &m, &e), 0);
		assert_int_equal(m.kind, t[i].kind);
		assert_int_equal(m.len, t[i].len);
		assert_int_equal(m.status, t[i].status);
	}
}

static void
one_is_taken_and_the_next_is_left(void **state)
{
	static const char two[] = N("\14") OPEN N("\0") N("\7")
	    N("\14") EXIT N("\7") N("\3");
	struct err e = ERR_INIT;
	struct muxmsg m;

	assert_int_equal(muxmsg_next(TEXT(two), &m, &e), 0);
	assert_int_equal(m.kind, MUXMSG_OPENED);
	assert_int_equal(m.len, 16);
	assert_int_equal(muxmsg_next(two + 16, sizeof(two) - 17, &m, &e), 0);
	assert_int_equal(m.kind, MUXMSG_EXIT);
	assert_int_equal(m.status, 3);
}

static void
what_is_no_message_is_refused(void **state)
{
	static const struct {
		const char *text;
		size_t len;
	} t[] = {
		{ TEXT(N("\0")) },
		{ TEXT(N("\3") "\0\0\0") },
		{ TEXT("\377\377\377\377") },
		{ TEXT("\0\0\40\0") },		/* longer than MUXMSG_MAX */
		{ TEXT(N("\10") HELLO N("\5")) },
		{ TEXT(N("\4") HELLO) },
		{ TEXT(N("\10") EXIT N("\7")) },
		{ TEXT(N("\10") OPEN N("\0")) },
		{ TEXT(N("\4") FAILED) },
	};
	struct muxmsg m;
	struct err e;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(*t); i++) {
		e = (struct err)ERR_INIT;
		assert_int_equal(muxmsg_next(t[i].text, t[i].len, &m, &e),
		    -1);
		assert_int_equal(e.code, ERR_PEER);
		assert_string_not_equal(e.msg, "");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_what_ssh_would_send),
		cmocka_unit_test(a_command_that_is_too_long_is_none),
		cmocka_unit_test(no_memory_is_said),
		cmocka_unit_test(messages_of_a_master_are_told_apart),
		cmocka_unit_test(one_is_taken_and_the_next_is_left),
		cmocka_unit_test(what_is_no_message_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
