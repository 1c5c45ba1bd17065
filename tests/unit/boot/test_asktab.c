/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "asktab.h"

#define U "0f4d2f5e-6a0e-4c4c-9d0c-3f5a5c0be001"

static int
parse(const char *line, struct asktab *ret)
{
	struct err e = ERR_INIT;
	int rc = asktab_parse(line, strlen(line), ret, &e);

	if (rc == -1)
		assert_int_equal(e.code, ERR_PEER);
	return rc;
}

static void
a_line_tells_name_and_disk(void **state)
{
	static const struct {
		const char *line, *name, *device;
	} t[] = {
		{ "root UUID=" U " none luks,initramfs", "root",
		    "/dev/disk/by-uuid/" U },
		{ " \ta\t/dev/vda  none", "a", "/dev/vda" },
		{ "a PARTUUID=1-2 none", "a", "/dev/disk/by-partuuid/1-2" },
		{ "a LABEL=x", "a", "/dev/disk/by-label/x" },
		{ "a PARTLABEL=x", "a", "/dev/disk/by-partlabel/x" },
	};
	struct asktab u;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_int_equal(parse(t[i].line, &u), 0);
		assert_string_equal(u.name, t[i].name);
		assert_string_equal(u.device, t[i].device);
	}
}

static void
other_lines_tell_of_none(void **state)
{
	static const char *const no[] = {
		"", " ", "root", "root ", "# a /dev/vda", "#a /dev/vda",
		"root none", "root UUID=", "root ID=1", "root dev/vda",
		"root\\040 /dev/vda", "root /dev/\\x", "root /dev/v\001",
	};
	char line[700];
	struct asktab u;
	size_t i;

	for (i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		assert_int_equal(parse(no[i], &u), -1);
	snprintf(line, sizeof(line), "%0256d /dev/vda", 0);
	assert_int_equal(parse(line, &u), -1);
	snprintf(line, sizeof(line), "a UUID=%0250d", 0);
	assert_int_equal(parse(line, &u), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_tells_name_and_disk),
		cmocka_unit_test(other_lines_tell_of_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
