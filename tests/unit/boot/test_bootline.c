/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "bootline.h"

#define UUID "11111111-2222-4333-8444-555555555555"

static void
a_line_is_read_and_written_the_same(void **state)
{
	static const char *const t[] = {
		"postern-boot 1", "end", "state ready", "screen -",
		"screen Please%20enter:", "verdict accepted -",
		"verdict rejected it%20is%20asked%20again",
		"prompt systemd " UUID " " UUID " - /dev/sda2 luks%20root",
		"prompt askpass /dev/sda2 - 2 /dev/sda2 -",
		("log 2026-11-22T21:50:00Z agent accepted systemd " UUID
		    " SHA256:BR8oIrruRpzQbSnPWG3W2y5ydiE0lMMWqqKd43DrmoU "
		    "2001:db8::1"),
		("log 0000-00-00T00:00:00Z console delivering askpass "
		    "/dev/my%20disk me%0A /dev/pts/0"),
		"log 2026-11-22T21:50:00Z agent gone cryptsetup x - -",
		"prompt cryptsetup a%2Db%25 - 0 a%0Ab %2D",
	};
	struct bootline l;
	struct err e = ERR_INIT;
	struct buf b;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		buf_init(&b, BOOTLINE_MAX);
		if (bootline_parse(t[i], &l, &e) == -1)
			fail_msg("%s: %s", t[i], e.msg);
		assert_int_equal(bootline_emit(&l, &b), 0);
		b.data[--b.len] = '\0';
		assert_string_equal(b.data, t[i]);
		buf_clear(&b);
	}
	assert_string_equal(l.prompt.device, "a\nb");
	assert_string_equal(l.prompt.name, "-");
	assert_string_equal(l.prompt.id, "a%2Db%25");
	assert_int_equal(l.prompt.tries, 0);
}

static void
every_other_line_is_refused(void **state)
{
	static const char *const t[] = {
		"", " ", "postern-boot", "postern-boot 2", "postern-boot 1 ",
		"end ", "END", "state", "state ", "state Ready",
		"state ready now", "state  ready", "state aaaaaaaaaaaaaaaaaa",
		"verdict", "verdict accepted", "verdict accepted ",
		"verdict accepted a b", "verdict accepted a%", "screen a%2",
		"screen a%zz", "screen a%00", "screen a%2d", "screen -x",
		"screen a\nb", "screen a\x7f", "screen \xc3\xa9",
		"prompt systemd", "prompt systemd - - - /dev/sda2 -",
		"prompt systemd id notauuid - /dev/sda2 -",
		"prompt systemd id - x /dev/sda2 -",
		"prompt systemd id - -1 /dev/sda2 -",
		"prompt systemd id - - /dev/sda2",
		"prompt systemd id - - /dev/sda2 - -",
		"prompt systemd -id - - /dev/sda2 -",
		"log", "log 2026-11-22T21:50:00Z agent gone systemd x -",
		"log 2026-11-22T21:50:00Z agent gone systemd x - - -",
		"log 2026-11-22T21:50:00Z agent gone systemd - - -",
		"log 2026-11-22T21:50:00Z Agent gone systemd x - -",
		"log 2026-11-22T21:50:0Z agent gone systemd x - -",
		"log 2026-11-22T21:50:00ZZ agent gone systemd x - -",
		"log 2026-11-22 21:50:00Z agent gone systemd x - -",
		"log 2026/11/22T21:50:00Z agent gone systemd x - -",
		"log %1B[-11-22T21:50:00Z agent gone systemd x - -",
		"logs 2026-11-22T21:50:00Z agent gone systemd x - -",
	};
	struct bootline l = { .kind = BOOTLINE_END, .text = "kept" };
	char many[BOOTLINE_MAX + 1], *p;
	struct err e;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		e = (struct err)ERR_INIT;
		if (bootline_parse(t[i], &l, &e) == 0)
			fail_msg("accepted: '%s'", t[i]);
		assert_err(&e, ERR_PEER, "postern-boot agent");
		assert_string_equal(l.text, "kept");
	}
	memset(many, 'a', sizeof(many));
	p = memcpy(many, "screen ", 7);
	many[7 + BOOTLINE_TEXT] = '\0';
	assert_int_equal(bootline_parse(p, &l, &e), -1);
	many[7 + BOOTLINE_TEXT - 1] = '\0';
	assert_int_equal(bootline_parse(p, &l, &e), 0);
}

static void
what_is_too_long_to_be_said_is_cut_and_still_a_line(void **state)
{
	struct bootline l = { .kind = BOOTLINE_PROMPT,
	    .prompt = { .kind = "systemd", .id = "x", .tries = -1 } }, back;
	struct err e = ERR_INIT;
	struct buf b;

	buf_init(&b, BOOTLINE_MAX);
	memset(l.prompt.name, '\xff', sizeof(l.prompt.name) - 1);
	memset(l.prompt.device, ' ', sizeof(l.prompt.device) - 1);
	assert_int_equal(bootline_emit(&l, &b), 0);
	b.data[--b.len] = '\0';
	assert_int_equal(bootline_parse(b.data, &back, &e), 0);
	assert_memory_equal(&back.prompt.name, &l.prompt.name,
	    sizeof(l.prompt.name));
	buf_clear(&b);
}

static void
a_disk_is_known_by_its_uuid_or_its_device(void **state)
{
	char id[BOOTLINE_ID], many[1000], want[BOOTLINE_ID] = "";
	size_t i;

	assert_int_equal(bootline_id(UUID, "/dev/sda2", id), 0);
	assert_string_equal(id, UUID);
	assert_int_equal(bootline_id("", "/dev/my disk", id), 0);
	assert_string_equal(id, "/dev/my%20disk");
	memset(many, ' ', sizeof(many));
	many[999] = '\0';
	/* Another disk's may begin so, too. */
	assert_int_equal(bootline_id("", many, id), -1);
	/* Cut between two bytes, never within one. */
	for (i = 0; i + 3 < sizeof(want); i += 3)
		memcpy(want + i, "%20", 4);
	assert_string_equal(id, want);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_read_and_written_the_same),
		cmocka_unit_test(every_other_line_is_refused),
		cmocka_unit_test(
		    what_is_too_long_to_be_said_is_cut_and_still_a_line),
		cmocka_unit_test(a_disk_is_known_by_its_uuid_or_its_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
