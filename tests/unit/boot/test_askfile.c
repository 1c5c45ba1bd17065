/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "askfile.h"

/* As systemd 252 writes it. */
static const char question[] =
    "[Ask]\n"
    "PID=312\n"
    "Socket=/run/systemd/ask-password/sck.c1b6bbbb27b56e9e\n"
    "AcceptCached=1\n"
    "Echo=0\n"
    "NotAfter=90000000\n"
    "Silent=0\n"
    "Message=Please enter passphrase for disk root (luks-1):\n"
    "Icon=drive-harddisk\n"
    "Id=cryptsetup:/dev/disk/by-uuid/11111111-2222-4333-8444-555555555555\n";

static int
parse(const char *text, struct askfile *a, struct err *e)
{
	*e = (struct err)ERR_INIT;
	return askfile_parse(text, strlen(text), a, e);
}

static void
a_question_is_read(void **state)
{
	struct askfile a;
	struct err e;

	assert_int_equal(parse(question, &a, &e), 0);
	assert_int_equal(a.pid, 312);
	assert_string_equal(a.socket,
	    "/run/systemd/ask-password/sck.c1b6bbbb27b56e9e");
	assert_true(a.accept_cached);
	assert_int_equal(a.not_after_us, 90000000);
	assert_string_equal(a.message,
	    "Please enter passphrase for disk root (luks-1):");
	assert_string_equal(askfile_device(&a),
	    "/dev/disk/by-uuid/11111111-2222-4333-8444-555555555555");
}

static void
a_question_without_its_last_newline_is_read(void **state)
{
	struct askfile a;
	struct err e;

	assert_int_equal(parse("[Ask]\nPID=2\nSocket=/s\nId=x", &a, &e), 0);
	assert_string_equal(a.id, "x");
	assert_null(askfile_device(&a));
}

static void
keys_of_other_sections_do_not_count(void **state)
{
	struct askfile a;
	struct err e;

	assert_int_equal(parse("[Ask]\nPID=2\nSocket=/s\n[Other]\nPID=3\n"
	    "Socket=x\n", &a, &e), 0);
	assert_int_equal(a.pid, 2);
	assert_int_equal(parse("PID=2\nSocket=/s\n", &a, &e), -1);
	assert_err(&e, ERR_PEER, "no [Ask]");
}

static void
other_questions_are_about_no_disk(void **state)
{
	static const char *const ids[] = { "", "cryptsetup", "cryptsetup:",
	    "cryptsetup:sda", "ssh:/dev/sda", "Cryptsetup:/dev/sda" };
	struct askfile a = { .pid = 2 };
	size_t i;

	for (i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		snprintf(a.id, sizeof(a.id), "%s", ids[i]);
		assert_null(askfile_device(&a));
	}
}

/* systemd-cryptsetup writes a path so. */
static void
an_escaped_path_is_the_disks_own(void **state)
{
	static const struct { const char *text, *device; } t[] = {
		{ "/dev/disk/by-label/my\\\\x20disk",
		    "/dev/disk/by-label/my\\x20disk" },
		{ "/dev/\\303\\244\\'\\\"\\n\\t", "/dev/\303\244'\"\n\t" },
		{ "/dev/\\1011", "/dev/A1" },
	};
	static const char *const bad[] = { "\\", "\\x41", "\\000", "\\400",
	    "\\18", "\\1", "\\z" };
	struct askfile a;
	char text[256];
	struct err e;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		snprintf(text, sizeof(text), "[Ask]\nPID=2\nSocket=/s\n"
		    "Id=cryptsetup:%s\n", t[i].text);
		assert_int_equal(parse(text, &a, &e), 0);
		assert_string_equal(askfile_device(&a), t[i].device);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), "[Ask]\nPID=2\nSocket=/s\n"
		    "Id=cryptsetup:/dev/%s\n", bad[i]);
		if (parse(text, &a, &e) == 0)
			fail_msg("accepted: %s", text);
		assert_err(&e, ERR_PEER, "its Id is none");
	}
}

static void
what_is_none_is_refused(void **state)
{
	static const struct { const char *text, *why; } t[] = {
		{ "", "no [Ask]" }, { "[Ask]\n", "no PID" },
		{ "[Ask]\nPID=5\n", "no Socket" },
		{ "[Ask]\nPID=1\nSocket=/s\n", "PID is none" },
		{ "[Ask]\nPID=-5\nSocket=/s\n", "PID is none" },
		{ "[Ask]\nPID=5x\nSocket=/s\n", "PID is none" },
		{ "[Ask]\nPID=99999999999\nSocket=/s\n", "PID is none" },
		{ "[Ask]\nPID=5\nSocket=s\n", "Socket is none" },
		{ "[Ask]\nPID=5\nSocket=\n", "Socket is none" },
		{ "[Ask]\nPID=5\nSocket=/s\nNotAfter=now\n", "NotAfter" },
		{ "[Ask]\nPID=5\nSocket=/s\nAcceptCached=yes\n",
		    "AcceptCached" },
	};
	struct askfile a = { .pid = 77 };
	struct err e;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		if (parse(t[i].text, &a, &e) == 0)
			fail_msg("accepted: %s", t[i].text);
		assert_err(&e, ERR_PEER, t[i].why);
		assert_int_equal(a.pid, 77);
	}
	assert_int_equal(askfile_parse("[Ask]\nPID=5\0", 12, &a, &e), -1);
	assert_err(&e, ERR_PEER, "NUL");
}

static void
what_is_too_long_is_refused_and_a_message_is_cut(void **state)
{
	char text[4096], many[3000];
	struct askfile a;
	struct err e;

	memset(many, 'x', sizeof(many));
	many[300] = '\0';
	snprintf(text, sizeof(text), "[Ask]\nPID=5\nSocket=/%s\n", many);
	assert_int_equal(parse(text, &a, &e), -1);
	assert_err(&e, ERR_PEER, "Socket");
	snprintf(text, sizeof(text), "[Ask]\nPID=5\nSocket=/s\nId=%s\n", many);
	assert_int_equal(parse(text, &a, &e), -1);
	assert_err(&e, ERR_PEER, "Id");
	snprintf(text, sizeof(text), "[Ask]\nPID=5\nSocket=/s\nMessage=%s\n",
	    many);
	assert_int_equal(parse(text, &a, &e), 0);
	assert_int_equal(strlen(a.message), ASKFILE_TEXT - 1);
	many[300] = 'x';
	many[2999] = '\0';
	snprintf(text, sizeof(text), "[Ask]\nPID=5\nSocket=/s\nMessage=%s\n",
	    many);
	assert_int_equal(parse(text, &a, &e), -1);
	assert_err(&e, ERR_PEER, "a line of more than");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_question_is_read),
		cmocka_unit_test(a_question_without_its_last_newline_is_read),
		cmocka_unit_test(keys_of_other_sections_do_not_count),
		cmocka_unit_test(other_questions_are_about_no_disk),
		cmocka_unit_test(an_escaped_path_is_the_disks_own),
		cmocka_unit_test(what_is_none_is_refused),
		cmocka_unit_test(
		    what_is_too_long_is_refused_and_a_message_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
