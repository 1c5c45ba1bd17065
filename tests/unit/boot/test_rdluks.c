/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "rdluks.h"

#define U "0f4d2f5e-6a0e-4c4c-9d0c-3f5a5c0be001"
#define V "0f4d2f5e-6a0e-4c4c-9d0c-3f5a5c0be002"

static void
a_name_or_the_command_line_tells_the_disk(void **state)
{
	static const struct {
		const char *cmdline, *name, *uuid;
	} t[] = {
		{ "", "luks-" U, U },
		{ "quiet\n", "luks-" U, U },
		{ "rd.luks.name=" U "=root quiet\n", "root", U },
		{ "a rd.luks.name=" V "=r rd.luks.name=" U "=root", "root", U },
		{ "rd.luks.name=luks-" U "=root", "root", U },
		/* What is said counts before what seems so. */
		{ "rd.luks.name=" U "=luks-" V, "luks-" V, U },
	};
	char uuid[LUKSHDR_UUID];
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_int_equal(rdluks_uuid(t[i].cmdline, t[i].name, uuid), 0);
		assert_string_equal(uuid, t[i].uuid);
	}
}

static void
other_names_are_of_no_disk(void **state)
{
	static const struct {
		const char *cmdline, *name;
	} t[] = {
		{ "", "root" }, { "", "" }, { "", "luks-" }, { "", "luks-x" },
		{ "", "luks-../../" U }, { "", "luks-" U "0000000000" },
		{ "rd.luks.name=" U "=roots", "root" },
		{ "rd.luks.name=" U, "root" }, { "rd.luks.name=", "" },
		{ "rd.luks.name==root", "root" },
		{ "rd.luks.name=../x=root", "root" },
		{ "xrd.luks.name=" U "=root", "root" },
	};
	char uuid[LUKSHDR_UUID] = "untouched";
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		if (rdluks_uuid(t[i].cmdline, t[i].name, uuid) == 0)
			fail_msg("%s of %s", t[i].name, t[i].cmdline);
	assert_string_equal(uuid, "untouched");
}

static void
crypttab_tells_the_disk_by_its_uuid(void **state)
{
	static const char text[] = "# comment\n\n  #sda3 UUID=" V " none\n"
	    "sda UUID=" V " none luks\n \tsda3_crypt\tUUID=" U " none luks\n"
	    "by_path /dev/disk/by-uuid/" V "\nother /dev/sda1\nbare\n"
	    "bad UUID=x none\nlast UUID=" U;
	static const struct {
		const char *name, *uuid;
	} t[] = {
		{ "sda3_crypt", U }, { "sda", V }, { "by_path", V },
		{ "last", U },
	};
	static const char *const none[] = { "sda3", "#", "", "other", "bare",
	    "bad", "none", ("UUID=" V) };
	char uuid[LUKSHDR_UUID];
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_int_equal(rdluks_crypttab(text, t[i].name, uuid), 0);
		assert_string_equal(uuid, t[i].uuid);
	}
	for (i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		if (rdluks_crypttab(text, none[i], uuid) == 0)
			fail_msg("%s", none[i]);
	assert_int_equal(rdluks_crypttab("", "sda", uuid), -1);
}

static void
discards_are_allowed_where_it_says_so(void **state)
{
	static const char *const yes[] = {
		"rd.luks.allow-discards", "a rd.luks.allow-discards=1 b",
		"rd.luks.allow-discards=yes", "rd.luks.allow-discards=" U,
		"rd.luks.allow-discards=luks-" U,
		"rd.luks.allow-discards=" V " rd.luks.allow-discards=" U,
	}, *const no[] = {
		"", "quiet", "rd.luks.allow-discards=0",
		("rd.luks.allow-discards=" V), "rd.luks.allow-discardsx",
		"x.rd.luks.allow-discards", "rd.luks.allow-discards=no",
	};
	size_t i;

	for (i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		assert_true(rdluks_discards(yes[i], U));
	for (i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		assert_false(rdluks_discards(no[i], U));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_or_the_command_line_tells_the_disk),
		cmocka_unit_test(other_names_are_of_no_disk),
		cmocka_unit_test(crypttab_tells_the_disk_by_its_uuid),
		cmocka_unit_test(discards_are_allowed_where_it_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
