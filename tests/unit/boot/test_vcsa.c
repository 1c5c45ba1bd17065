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

/* Rows of "x" that end in "y", with what the kernel says of so many. */
static size_t
wide(unsigned char *p, size_t rows, size_t columns)
{
	size_t x, y, n = 4;

	p[0] = rows > 255 ? 255 : (unsigned char)rows;
	p[1] = columns > 255 ? 255 : (unsigned char)columns;
	p[2] = p[3] = 0;
	for (y = 0; y < rows; y++)
		for (x = 0; x < columns; x++) {
			p[n++] = x + 1 == columns ? 'y' : 'x';
			p[n++] = 7;
		}
	return n;
}

static void
wide_line(void *arg, const char *line)
{
	struct got *g = arg;

	g->lines++;
	assert_int_equal(strspn(line, "x"), strlen(line) - 1);
	assert_int_equal(line[strlen(line) - 1], 'y');
	snprintf(g->text, sizeof(g->text), "%zu", strlen(line));
}

static void
a_screen_may_be_wider_or_higher_than_its_head_can_say(void **state)
{
	static const struct { size_t rows, columns; } t[] = {
		{ 90, 320 }, { 135, 480 }, { 400, 80 }, { 2, 255 }, { 255, 2 },
		{ 255, 255 },
	};
	static unsigned char p[VCSA_BYTES];
	struct err e = ERR_INIT;
	char columns[16];
	struct got g;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		g = (struct got){ .lines = 0 };
		snprintf(columns, sizeof(columns), "%zu", t[i].columns);
		assert_int_equal(vcsa_parse(p, wide(p, t[i].rows,
		    t[i].columns), wide_line, &g, &e), 0);
		assert_int_equal(g.lines, t[i].rows);
		assert_string_equal(g.text, columns);
	}
	g.lines = 0;
	assert_int_equal(vcsa_parse(p, wide(p, 2, 501), wide_line, &g, &e),
	    -1);
	assert_err(&e, ERR_PEER, "a screen of 501 columns");
	assert_int_equal(g.lines, 0);
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
		cmocka_unit_test(
		    a_screen_may_be_wider_or_higher_than_its_head_can_say),
		cmocka_unit_test(a_screen_that_is_cut_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
