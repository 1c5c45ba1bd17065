/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "vcsa.h"

struct got {
	char text[512];
	int lines;
};

static void
take(void *arg, const char *line)
{
	struct got *g = arg;
	size_t n = strlen(g->text);

	g->lines++;
	snprintf(g->text + n, sizeof(g->text) - n, "%s\n", line);
}

/* A screen of 3 rows and 8 columns with text on it. */
static size_t
screen(unsigned char *p, const char *text)
{
	size_t i;

	p[0] = 3;
	p[1] = 8;
	p[2] = p[3] = 0;
	for (i = 0; i < 24; i++) {
		p[4 + 2 * i] = (unsigned char)text[i];
		p[5 + 2 * i] = 0x07;
	}
	return 4 + 48;
}

static void
rows_are_lines_without_blanks_at_the_end(void **state)
{
	unsigned char p[64];
	struct got g = { .lines = 0 };
	struct err e = ERR_INIT;
	size_t n = screen(p, "Enter   "  "        "  " it:    ");

	assert_int_equal(vcsa_parse(p, n, take, &g, &e), 0);
	assert_string_equal(g.text, "Enter\n\n it:\n");
}

static void
empty_rows_at_the_bottom_are_none(void **state)
{
	unsigned char p[64];
	struct got g = { .lines = 0 };
	struct err e = ERR_INIT;
	size_t n = screen(p, "Enter   "  "        "  "        ");

	assert_int_equal(vcsa_parse(p, n, take, &g, &e), 0);
	assert_int_equal(g.lines, 1);
	n = screen(p, "        "  "        "  "        ");
	g.lines = 0;
	assert_int_equal(vcsa_parse(p, n, take, &g, &e), 0);
	assert_int_equal(g.lines, 0);
}

static void
nothing_but_ascii_comes_through(void **state)
{
	unsigned char p[64];
	struct got g = { .lines = 0 };
	struct err e = ERR_INIT;
	size_t n = screen(p, "a\x1b[2J\xff\x7f\0"  "        "  "        ");

	assert_int_equal(vcsa_parse(p, n, take, &g, &e), 0);
	assert_string_equal(g.text, "a?[2J??\n");
}

static void
a_screen_that_is_cut_is_none(void **state)
{
	unsigned char p[64];
	struct got g = { .lines = 0 };
	struct err e = ERR_INIT;
	size_t n = screen(p, "Enter   "  "        "  "        "), i;

	for (i = 0; i < n; i++) {
		assert_int_equal(vcsa_parse(p, i, take, &g, &e), -1);
		assert_err(&e, ERR_PEER, "not the screen");
	}
	p[0] = 0;
	assert_int_equal(vcsa_parse(p, n, take, &g, &e), -1);
	assert_int_equal(g.lines, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_lines_without_blanks_at_the_end),
		cmocka_unit_test(empty_rows_at_the_bottom_are_none),
		cmocka_unit_test(nothing_but_ascii_comes_through),
		cmocka_unit_test(a_screen_that_is_cut_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
