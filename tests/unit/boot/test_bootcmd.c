/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "bootcmd.h"

#define UUID "11111111-2222-4333-8444-555555555555"

static void
a_command_is_read_and_written_the_same(void **state)
{
	static const char *const t[] = { "list", "peek", "log",
	    ("unlock " UUID), "unlock /dev/my%20disk" };
	struct bootcmd c;
	struct err e = ERR_INIT;
	struct buf b;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		buf_init(&b, 512);
		assert_int_equal(bootcmd_parse(t[i], &c, &e), 0);
		assert_int_equal(bootcmd_emit(&c, &b), 0);
		assert_string_equal(b.data, t[i]);
		buf_clear(&b);
	}
}

static void
no_other_command_is_one(void **state)
{
	static const char *const t[] = { "", "sh", "list ", " list", "list;id",
	    "list\nid", "LIST", "unlock", "unlock ", "unlock -",
	    "unlock -v", "unlock a b", "unlock a;b", "unlock a\nb",
	    "unlock $(id)", "unlock a%", "unlock  a", "peek x", "log x",
	    "logs",
	    "/bin/sh -c list", "scp -t /", "internal-sftp" };
	struct bootcmd c;
	struct err e;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		e = (struct err)ERR_INIT;
		if (bootcmd_parse(t[i], &c, &e) == 0)
			fail_msg("accepted: '%s'", t[i]);
		assert_err(&e, ERR_REFUSED, "only 'list'");
	}
}

/* text, of which the NUL counts for nothing, as a line. */
static int
line(const char *text, size_t len, struct bootcmd *ret, struct err *e)
{
	char copy[600];

	assert_true(len <= sizeof(copy));
	memcpy(copy, text, len);
	*e = (struct err)ERR_INIT;
	return bootcmd_line(copy, len, ret, e);
}

static void
a_line_of_a_session_is_a_command(void **state)
{
	static const char unlock[] = "unlock " UUID "\n";
	struct bootcmd c;
	struct err e;

	assert_int_equal(line("list\n", 5, &c, &e), 0);
	assert_int_equal(c.verb, BOOTCMD_LIST);
	assert_int_equal(line(unlock, sizeof(unlock) - 1, &c, &e), 0);
	assert_int_equal(c.verb, BOOTCMD_UNLOCK);
	assert_string_equal(c.id, UUID);
}

static void
no_other_line_is_one(void **state)
{
	static const struct { const char *text; size_t len; } t[] = {
		{ "", 0 }, { "\n", 1 }, { "list", 4 }, { "list\n\n", 6 },
		{ "list\0\n", 6 }, { "list\0x\n", 7 }, { "lis\0\n", 5 },
		{ "list\nx", 6 }, { "list\r\n", 6 }, { "list \n", 6 },
		{ "unlock a\nsecret\n", 16 }, { "unlock \n", 8 },
	};
	struct bootcmd c = { .verb = BOOTCMD_LOG };
	struct err e;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		if (line(t[i].text, t[i].len, &c, &e) == 0)
			fail_msg("accepted: %zu '%s'", i, t[i].text);
		/* Nothing of what may be a passphrase. */
		assert_err(&e, ERR_REFUSED, "only 'list'");
		assert_null(strstr(e.msg, "secret"));
		assert_int_equal(c.verb, BOOTCMD_LOG);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_command_is_read_and_written_the_same),
		cmocka_unit_test(no_other_command_is_one),
		cmocka_unit_test(a_line_of_a_session_is_a_command),
		cmocka_unit_test(no_other_line_is_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
