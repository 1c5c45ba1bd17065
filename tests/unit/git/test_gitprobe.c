/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "gitprobe.h"

static int
parse(const char *command, const char *gitproto, enum gitprobe *ret,
    struct err *e)
{
	struct gitwire w = { .command = command,
		.command_len = strlen(command) };

	snprintf(w.gitproto, sizeof(w.gitproto), "%s", gitproto);
	*e = (struct err)ERR_INIT;
	return gitprobe_parse(&w, ret, e);
}

static void
four_commands_are_known_word_by_word(void **state)
{
	static const struct { const char *command; enum gitprobe is; } t[] = {
		{ "info", GITPROBE_INFO },
		{ "git-upload-pack 'postern-check'", GITPROBE_GIT },
		{ "key-status", GITPROBE_STATUS },
		{ "key-push", GITPROBE_PUSH },
		{ "", 0 }, { "inf", 0 }, { "info ", 0 }, { "info x", 0 },
		{ "git-upload-pack 'postern-check.git'", 0 },
		{ "git-upload-pack 'gitolite-admin'", 0 },
		{ "git-receive-pack 'postern-check'", 0 },
		{ "key-push --force", 0 }, { "key-statuss", 0 },
	};
	enum gitprobe p;
	struct err e;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(*t); i++) {
		p = GITPROBE_NONE;
		assert_int_equal(parse(t[i].command, "version=2", &p, &e),
		    t[i].is == 0 ? -1 : 0);
		assert_int_equal(p, t[i].is);
		if (t[i].is == 0)
			assert_err(&e, ERR_REFUSED, "is no user");
	}
}

static void
git_is_asked_in_version_2_alone(void **state)
{
	static const char *const others[] = { "", "version=1", "version=0" };
	enum gitprobe p = GITPROBE_NONE;
	struct err e;
	size_t i;

	for (i = 0; i < 3; i++) {
		assert_int_equal(parse(GITPROBE_C_GIT, others[i], &p, &e), -1);
		assert_err(&e, ERR_REFUSED, "version 2");
		assert_int_equal(parse("info", others[i], &p, &e), 0);
	}
	assert_string_equal(gitprobe_verb(GITPROBE_GIT), "git-upload-pack");
	assert_string_equal(gitprobe_verb(GITPROBE_PUSH), "key-push");
	assert_string_equal(gitprobe_verb(GITPROBE_NONE), "-");
}

static void
what_came_through_is_read_from_its_line(void **state)
{
	struct gitprobe_way w;

	assert_true(gitprobe_way("a motd\npostern-check ip=10.0.0.1 fp=- "
	    "gitproto=version=2 serves=gitolite\nhello", &w));
	assert_true(w.ip && w.version2 && w.gitolite);
	assert_string_equal(w.shown, "ip=10.0.0.1 fp=- gitproto=version=2 "
	    "serves=gitolite");
	assert_true(gitprobe_way("postern-check ip=- fp=- gitproto= "
	    "serves=another", &w));
	assert_false(w.ip || w.version2 || w.gitolite);
	assert_true(gitprobe_way("postern-check ip=\33[2J", &w));
	assert_null(strchr(w.shown, '\33'));
	assert_false(gitprobe_way("", &w));
	assert_false(gitprobe_way("x postern-check ip=1\n", &w));
	assert_false(gitprobe_way("postern-check git=2\n", &w));
}

#define KEYS "postern-check sequence=7 keys=3 pushed=100 taken=8 ok=yes"

static void
keys_are_read_and_nothing_like_them(void **state)
{
	static const char *const bad[] = { "", "postern-check sequence=7\n",
		"postern-check sequence=x keys=3 pushed=1 taken=8 ok=yes",
		"postern-check sequence=-7 keys=3 pushed=1 taken=8 ok=yes",
		"postern-check sequence=7 keys= pushed=1 taken=8 ok=yes",
		"postern-check sequence=7 pushed=1 keys=3 taken=8 ok=yes",
		"postern-check sequence=7 keys=3 pushed=1 taken=8 ",
		"postern-check sequence=7 keys=3 pushed=1 taken=8",
		("postern-check sequence=99999999999999999999 keys=3 "
		"pushed=1 taken=8 ok=yes") };
	struct gitprobe_keys k;
	struct err e = ERR_INIT;
	size_t i;

	assert_int_equal(gitprobe_keys("x\n" KEYS "\n", &k, &e), 0);
	assert_int_equal(k.sequence, 7);
	assert_int_equal(k.keys, 3);
	assert_int_equal(k.pushed, 100);
	assert_int_equal(k.taken, 8);
	assert_true(k.ok);
	assert_int_equal(gitprobe_keys("postern-check sequence=7 keys=3 "
	    "pushed=1 taken=8 ok=yesno", &k, &e), 0);
	assert_false(k.ok);
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		e = (struct err)ERR_INIT;
		assert_int_equal(gitprobe_keys(bad[i], &k, &e), -1);
		assert_err(&e, ERR_PEER, "how its last push ended");
	}
	assert_int_equal(gitprobe_pushed("postern-check pushed=9 keys=2 "
	    "left-out=1\n", &k, &e), 0);
	assert_int_equal(k.sequence, 9);
	assert_int_equal(k.keys, 2);
	assert_int_equal(gitprobe_pushed(KEYS, &k, &e), -1);
	assert_int_equal(gitprobe_pushed("postern-check pushed=9", &k, &e),
	    -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(four_commands_are_known_word_by_word),
		cmocka_unit_test(git_is_asked_in_version_2_alone),
		cmocka_unit_test(what_came_through_is_read_from_its_line),
		cmocka_unit_test(keys_are_read_and_nothing_like_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
