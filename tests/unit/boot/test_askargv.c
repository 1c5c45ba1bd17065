/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "askargv.h"

/* Splits words at blanks. */
static struct strv
words(const char *line)
{
	struct strv v = { .n = 0 };
	char *copy = strdup(line), *p = copy, *word;

	while ((word = strsep(&p, " ")) != NULL)
		assert_int_equal(strv_add(&v, word), 0);
	free(copy);
	return v;
}

static void
a_cryptsetup_that_asks_is_known(void **state)
{
	static const char *const t[] = {
		"cryptsetup open /dev/sda2 luks-1",
		"cryptsetup luksOpen -T5 /dev/sda2 luks-1",
		"cryptsetup luksOpen /dev/sda2 luks-1 --allow-discards",
		"/sbin/cryptsetup -T 5 --type luks2 open /dev/sda2 luks-1",
		"cryptsetup --tries=1 -q open -t 60 /dev/sda2 luks-1",
		"cryptsetup open --type=luks -r /dev/sda2 luks-1",
	};
	struct askargv a;
	struct err e = ERR_INIT;
	struct strv v;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		v = words(t[i]);
		if (askargv_parse(&v, &a, &e) == -1)
			fail_msg("%s: %s", t[i], e.msg);
		assert_string_equal(a.device, "/dev/sda2");
		assert_string_equal(a.name, "luks-1");
		strv_clear(&v);
	}
}

static void
all_others_are_not(void **state)
{
	static const char *const t[] = {
		"cryptsetup", "cryptsetup open", "cryptsetup open /dev/sda2",
		"cryptsetup open /dev/sda2 a b", "cryptsetup open sda2 a",
		"cryptsetup luksFormat /dev/sda2 a",
		"cryptsetup close /dev/sda2 a",
		"cryptsetup open /dev/sda2 a --key-file=-",
		"cryptsetup open /dev/sda2 a -d -",
		"cryptsetup open /dev/sda2 a --header /x",
		"cryptsetup open --test-passphrase /dev/sda2 a",
		"cryptsetup open --new-option /dev/sda2 a",
		"cryptsetup open -rq /dev/sda2 a",
		"cryptsetup open -z /dev/sda2 a", "cryptsetup open - /dev/a b",
		"cryptsetup open -- /dev/sda2 a",
		"cryptsetup open /dev/sda2 a --tries",
	};
	struct askargv a;
	struct err e;
	struct strv v;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		v = words(t[i]);
		e = (struct err)ERR_INIT;
		if (askargv_parse(&v, &a, &e) == 0)
			fail_msg("accepted: %s", t[i]);
		assert_err(&e, ERR_PEER, "not a cryptsetup that asks");
		strv_clear(&v);
	}
}

static void
the_same_words_are_run_again_with_a_key_file(void **state)
{
	struct strv v = words("cryptsetup luksOpen -T5 /dev/sda2 l -r");
	struct strv out = { .n = 0 };

	assert_int_equal(askargv_rerun(&v, &out), 0);
	assert_int_equal(out.n, v.n + 3);
	assert_string_equal(out.v[0], "cryptsetup");
	assert_string_equal(out.v[1], ASKARGV_NO_TOKEN);
	assert_string_equal(out.v[3], "-T5");
	assert_string_equal(out.v[7], "--key-file=-");
	assert_string_equal(out.v[8], "--tries=1");
	strv_clear(&v);
	strv_clear(&out);
}

static void
what_would_cut_it_or_ask_a_token_is_left_out(void **state)
{
	static const char *const t[] = {
		"cryptsetup open -l 9 /dev/sda2 a -r",
		"cryptsetup open -l9 /dev/sda2 a -r",
		"cryptsetup open --keyfile-size 9 /dev/sda2 a -r",
		"cryptsetup --keyfile-offset=9 open /dev/sda2 a -r",
		"cryptsetup open /dev/sda2 --token-id 1 a --token-type=b -r",
	};
	static const char *const want[] = { "cryptsetup", ASKARGV_NO_TOKEN,
	    "open", "/dev/sda2", "a", "-r", "--key-file=-", "--tries=1" };
	struct askargv a;
	struct strv v, out;
	size_t i, j;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		v = words(t[i]);
		out = (struct strv){ .n = 0 };
		assert_int_equal(askargv_parse(&v, &a, NULL), 0);
		assert_int_equal(askargv_rerun(&v, &out), 0);
		assert_int_equal(out.n, sizeof(want) / sizeof(want[0]));
		for (j = 0; j < out.n; j++)
			assert_string_equal(out.v[j], want[j]);
		strv_clear(&v);
		strv_clear(&out);
	}
}

static void
the_command_of_a_plymouth_that_asks_is_its_words(void **state)
{
	char *const t[][7] = {
		{ "plymouth", "ask-for-password", "--prompt", "--command=a",
		    "--command=cryptsetup  luksOpen -T1 /dev/a b ", NULL },
		{ "plymouth", "ask-for-password", "--number-of-tries=5",
		    "--command", "cryptsetup luksOpen\t-T1 /dev/a b", NULL },
	};
	struct strv argv, out;
	struct askargv a;
	struct err e = ERR_INIT;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		argv = (struct strv){ .n = 0 };
		out = (struct strv){ .n = 0 };
		assert_int_equal(strv_addv(&argv, t[i]), 0);
		assert_int_equal(askargv_plymouth(&argv, &out, &e), 0);
		assert_int_equal(out.n, 5);
		assert_int_equal(askargv_parse(&out, &a, &e), 0);
		assert_string_equal(a.name, "b");
		strv_clear(&argv);
		strv_clear(&out);
	}
}

static void
other_plymouths_have_none(void **state)
{
	static const char *const t[] = {
		"plymouth", "plymouth ask-for-password",
		"plymouth ask-for-password --command",
		"plymouth ask-for-password --prompt --command=x",
		"plymouth ask-question --command=x",
		"plymouth ask-for-password --command='x",
		"plymouth ask-for-password --command=x\\",
	};
	struct strv argv, out = { .n = 0 };
	struct err e;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		argv = words(t[i]);
		e = (struct err)ERR_INIT;
		if (askargv_plymouth(&argv, &out, &e) == 0)
			fail_msg("accepted: %s", t[i]);
		assert_err(&e, ERR_PEER, "plymouth");
		assert_int_equal(out.n, 0);
		strv_clear(&argv);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cryptsetup_that_asks_is_known),
		cmocka_unit_test(all_others_are_not),
		cmocka_unit_test(
		    the_command_of_a_plymouth_that_asks_is_its_words),
		cmocka_unit_test(other_plymouths_have_none),
		cmocka_unit_test(the_same_words_are_run_again_with_a_key_file),
		cmocka_unit_test(what_would_cut_it_or_ask_a_token_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
