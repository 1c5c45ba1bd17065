/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include <unistd.h>

#include "bootsecret.h"

#define UUID "11111111-2222-4333-8444-555555555555"

static void
a_commands_places_are_filled(void **state)
{
	static const struct { const char *spec, *host, *uuid, *want; } t[] = {
		{ "cmd:pass disk/{host}/{uuid}", "web1", UUID,
		    "cmd:pass disk/web1/" UUID },
		{ "cmd:a {host} {host}", "h", "", "cmd:a h h" },
		{ "cmd:echo {other} {", "h", UUID, "cmd:echo {other} {" },
		{ "cmd:a {host}", "ssh://[::1]", UUID,
		    "cmd:a 'ssh://[::1]'" },
		{ "file:/run/{uuid}", "h", UUID, "file:/run/{uuid}" },
	};
	struct err e = ERR_INIT;
	struct buf b;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		buf_init(&b, 512);
		assert_int_equal(bootsecret_expand(t[i].spec, t[i].host,
		    t[i].uuid, &b, &e), 0);
		assert_string_equal(b.data, t[i].want);
		buf_clear(&b);
	}
	buf_init(&b, 512);
	assert_int_equal(bootsecret_expand("cmd:a {host}{uuid}", "h", "", &b,
	    &e), -1);
	assert_err(&e, ERR_CONFIG, "this disk has none");
	buf_clear(&b);
	buf_init(&b, 8);
	assert_int_equal(bootsecret_expand("cmd:a {host}", "hhhhh", "", &b,
	    &e), -1);
	assert_err(&e, ERR_MEM, "too long");
	buf_clear(&b);
}

/* It is the host that says it. */
static void
a_uuid_never_chooses_a_passphrase_alone(void **state)
{
	struct err e = ERR_INIT;
	struct buf b;

	assert_int_equal(bootsecret_check("cmd:a {host}/{uuid}", &e), 0);
	assert_int_equal(bootsecret_check("cmd:a", &e), 0);
	assert_int_equal(bootsecret_check("file:/{uuid}", &e), 0);
	assert_int_equal(bootsecret_check("cmd:a {uuid}", &e), -1);
	assert_err(&e, ERR_USAGE, "{uuid} without {host}");
	e = (struct err)ERR_INIT;
	assert_int_equal(bootsecret_check("hunter2", &e), -1);
	assert_err(&e, ERR_USAGE, "'hunter2' is none of file:PATH");
	buf_init(&b, 512);
	e = (struct err)ERR_INIT;
	assert_int_equal(bootsecret_expand("cmd:a {uuid}", "h", UUID, &b, &e),
	    -1);
	assert_err(&e, ERR_USAGE, "{uuid} without {host}");
	assert_int_equal(b.len, 0);
	buf_clear(&b);
	assert_true(bootsecret_by_uuid("cmd:a {host} {uuid}"));
	assert_false(bootsecret_by_uuid("cmd:a {host}"));
	assert_false(bootsecret_by_uuid("file:/{uuid}"));
}

static void
a_source_is_each_prompts_or_all_prompts(void **state)
{
	assert_true(bootsecret_varies("tty"));
	assert_true(bootsecret_varies("cmd:a {uuid}"));
	assert_true(bootsecret_varies("cmd:a {host}"));
	assert_false(bootsecret_varies("cmd:a"));
	assert_false(bootsecret_varies("file:/a{host}"));
}

static struct secret *
printed(const char *command, struct err *e)
{
	*e = (struct err)ERR_INIT;
	return bootsecret_read(command, "", 10000, e);
}

static void
the_first_line_is_sent_with_a_newline(void **state)
{
	struct secret *s;
	struct err e;

	s = printed("cmd:printf 'a b\\nsecond\\n'", &e);
	assert_non_null(s);
	assert_int_equal(secret_len(s), 4);
	assert_memory_equal(secret_data(s), "a b\n", 4);
	secret_free(s);
	s = printed("cmd:printf x", &e);
	assert_non_null(s);
	assert_memory_equal(secret_data(s), "x\n", 2);
	secret_free(s);
	s = printed("cmd:head -c 512 /dev/zero | tr '\\0' x", &e);
	assert_non_null(s);
	assert_int_equal(secret_len(s), 513);
	secret_free(s);
}

static void
what_no_agent_takes_is_refused_here(void **state)
{
	struct err e;

	assert_null(printed("cmd:true", &e));
	assert_err(&e, ERR_CONFIG, "empty");
	assert_null(printed("cmd:echo", &e));
	assert_err(&e, ERR_CONFIG, "empty");
	assert_null(printed("cmd:head -c 513 /dev/zero | tr '\\0' x", &e));
	assert_err(&e, ERR_USAGE, "more than 512");
	assert_null(printed("cmd:printf 'a\\0b'", &e));
	assert_err(&e, ERR_USAGE, "NUL");
	assert_null(printed("cmd:echo x; exit 3", &e));
	assert_err(&e, ERR_CONFIG, "failed (status 3)");
	assert_null(printed("nonsense", &e));
	assert_err(&e, ERR_USAGE, "secret 'nonsense' is none of file:PATH");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_commands_places_are_filled),
		cmocka_unit_test(a_uuid_never_chooses_a_passphrase_alone),
		cmocka_unit_test(a_source_is_each_prompts_or_all_prompts),
		cmocka_unit_test(the_first_line_is_sent_with_a_newline),
		cmocka_unit_test(what_no_agent_takes_is_refused_here),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
