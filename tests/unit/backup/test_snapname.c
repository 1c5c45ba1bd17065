/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "snapname.h"

#define X10	"xxxxxxxxxx"
#define X60	X10 X10 X10 X10 X10 X10

static void
names_of_clients_keep_to_their_grammar(void **state)
{
	static const struct { const char *name, *why; } t[] = {
		{ "a", NULL }, { "0", NULL }, { "web-1.example.org", NULL },
		{ "a_b", NULL }, { "a.", NULL }, { "locks", NULL },
		{ X60 "abc", NULL },
		{ X60 "abcd", "longer than 63" },
		{ "", "is empty" },
		{ ".", "begins with" }, { "..", "begins with" },
		{ ".postern", "begins with" }, { "-n", "begins with" },
		{ "_a", "begins with" }, { "A", "begins with" },
		{ "aB", "other than" }, { "a/b", "other than" },
		{ "a b", "other than" }, { "a\nb", "other than" },
		{ "a\xc3\xa4", "other than" }, { "a*", "other than" },
		{ "a..b", "'..'" }, { "a..", "'..'" },
		{ "lock", "taken" }, { "accept.lock", "taken" },
		{ "a.1970-01-01.5", "reads as the name of a snapshot" },
		{ "a.1970-01-02.5", NULL },	/* they don't agree */
		{ "1970-01-01.5", NULL },	/* no client */
	};
	struct err e;
	const char *p;
	size_t i;
	int rc;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		e = (struct err)ERR_INIT;
		rc = snapname_client(t[i].name, "client", &e);
		if (rc != (t[i].why == NULL ? 0 : -1))
			fail_msg("'%s': %d", t[i].name, rc);
		if (rc == -1)
			assert_err(&e, ERR_CONFIG, t[i].why);
		for (p = e.msg; *p != '\0'; p++)
			assert_true(*p >= 0x20 && *p < 0x7f);
	}
}

static void
snapshots_parse_and_come_out_again(void **state)
{
	static const struct { const char *text, *client; int64_t t; } t[] = {
		{ "web.1970-01-01.0", "web", 0 },
		{ "web.1970-01-01.86399", "web", 86399 },
		{ "web.1970-01-02.86400", "web", 86400 },
		{ "a.b.2024-02-29.1709164800", "a.b", 1709164800 },
		{ "a.2026-11-21.1795298400", "a", 1795298400 },
		{ "1970-01-01.5.1970-01-01.6", "1970-01-01.5", 6 },
		{ "a.9999-12-31.253402300799", "a", SNAPNAME_TIME_MAX },
		{ X60 "abc.2038-01-19.2147483648", X60 "abc", 2147483648 },
	};
	char out[SNAPNAME_MAX + 1];
	struct err e = ERR_INIT;
	struct snapname s;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		if (snapname_parse(t[i].text, &s, &e) != 0)
			fail_msg("%s: %s", t[i].text, e.msg);
		assert_string_equal(s.client, t[i].client);
		assert_int_equal(s.time_s, t[i].t);
		assert_int_equal(snapname_emit(&s, out, &e), 0);
		assert_string_equal(out, t[i].text);
	}
}

static void
what_is_no_snapshots_name_is_refused(void **state)
{
	static const char *const t[] = {
		"", ".", "..", "web", "web.", "web.1970-01-01",
		"web.1970-01-01.", "web.1970-01-01.86400", "web.1970-01-02.0",
		"web.1970-01-01.00", "web.1970-01-01.+0", "web.1970-01-01.-1",
		"web.1970-01-01. 0", "web.1970-01-01.0 ", "web.1970-1-01.0",
		"web.2024-02-30.1709164800", "web-1970-01-01.0",
		".1970-01-01.0", "1970-01-01.0", "../web.1970-01-01.0",
		"a/b.1970-01-01.0", "A.1970-01-01.0", "a..1970-01-01.0x",
		"lock.1970-01-01.0", "-a.1970-01-01.0", "a..b.1970-01-01.0",
		"a.1970-01-01.5.1970-01-01.6",
		"a.10000-01-01.253402300800", "a.9999-12-31.253402300800",
		"a.1970-01-01.99999999999999999999999999",
		".incoming", ".incoming.1970-01-01.0", "a\n.1970-01-01.0",
		X60 "abcd.1970-01-01.0",
		X60 X60 X60 ".1970-01-01.0",
	};
	struct snapname s = { .time_s = -7 };
	struct err e;
	const char *p;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		e = (struct err)ERR_INIT;
		if (snapname_parse(t[i], &s, &e) != -1)
			fail_msg("'%s' was taken", t[i]);
		assert_err(&e, ERR_CONFIG, "snapshot");
		for (p = e.msg; *p != '\0'; p++)
			assert_true(*p >= 0x20 && *p < 0x7f);
	}
	assert_int_equal(s.time_s, -7);
}

static void
no_name_is_made_that_would_not_parse(void **state)
{
	char out[SNAPNAME_MAX + 1] = "untouched";
	struct snapname s = { "a", -1 };
	struct err e = ERR_INIT;

	assert_int_equal(snapname_emit(&s, out, &e), -1);
	assert_err(&e, ERR_CONFIG, "the time -1");
	s.time_s = SNAPNAME_TIME_MAX + 1;
	assert_int_equal(snapname_emit(&s, out, &e), -1);
	s = (struct snapname){ "..", 1 };
	assert_int_equal(snapname_emit(&s, out, &e), -1);
	assert_string_equal(out, "untouched");
}

static void
they_are_ordered_by_time(void **state)
{
	struct snapname a = { "b", 9 }, b = { "a", 10 }, c = { "b", 10 };

	assert_true(snapname_cmp(&a, &b) < 0);
	assert_true(snapname_cmp(&b, &a) > 0);
	assert_true(snapname_cmp(&b, &c) < 0);
	assert_true(snapname_cmp(&c, &c) == 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_of_clients_keep_to_their_grammar),
		cmocka_unit_test(snapshots_parse_and_come_out_again),
		cmocka_unit_test(what_is_no_snapshots_name_is_refused),
		cmocka_unit_test(no_name_is_made_that_would_not_parse),
		cmocka_unit_test(they_are_ordered_by_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
