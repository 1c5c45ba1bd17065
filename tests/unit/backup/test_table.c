/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <locale.h>
#include <time.h>

#include "failmalloc.h"
#include "size.h"
#include "table.h"

static const struct table_col cols[] = {
	{ "NAME", false, true }, { "SIZE", true, false },
	{ "WHY", false, true },
};

static void
fill(struct table *t)
{
	table_init(t, cols, 3);
	table_row(t, (const char *const[]){ "laptop", "1", "" });
	table_row(t, (const char *const[]){ "a-much-longer-name", "12345",
	    "it is \033[31mred\n" });
}

static void
text_is(size_t width, const char *want)
{
	struct err e = ERR_INIT;
	struct table t;
	struct buf b;

	fill(&t);
	buf_init(&b, 4096);
	assert_int_equal(table_emit(&t, width, false, &b, &e), 0);
	assert_string_equal(b.data, want);
	buf_clear(&b);
	table_clear(&t);
}

static void
a_table_is_as_wide_as_its_cells_where_there_is_no_terminal(void **state)
{
	(void)state;
	text_is(0,
	    "NAME                 SIZE  WHY\n"
	    "laptop                  1\n"
	    "a-much-longer-name  12345  it is \\x1b[31mred\\x0a\n");
}

static void
no_line_is_wider_than_the_terminal(void **state)
{
	(void)state;
	text_is(32,
	    "NAME          SIZE  WHY\n"
	    "laptop           1\n"
	    "a-much-long  12345  it is \\x1b[3\n");
	/* Nothing is left to be narrowed: the line ends. */
	text_is(10,
	    "NAME\n"
	    "laptop\n"
	    "a-much-l\n");
}

static void
a_number_is_never_cut(void **state)
{
	struct err e = ERR_INIT;
	struct table t;
	struct buf b;

	(void)state;
	table_init(&t, cols, 3);
	table_row(&t, (const char *const[]){ "ten-letter", "12345678901234",
	    "c" });
	buf_init(&b, 4096);
	assert_int_equal(table_emit(&t, 29, false, &b, &e), 0);
	assert_string_equal(b.data,
	    "NAME                SIZE  WHY\n"
	    "ten-lett  12345678901234  c\n");
	buf_clear(&b);
	table_clear(&t);
}

static void
without_memory_a_table_says_so(void **state)
{
	struct err e;
	struct table t;
	struct buf b;
	unsigned long n;
	int rc;

	(void)state;
	for (n = 1;; n++) {
		e = (struct err)ERR_INIT;
		buf_init(&b, 4096);
		failmalloc_arm(n);
		fill(&t);
		rc = table_emit(&t, 40, false, &b, &e);
		table_clear(&t);
		buf_clear(&b);
		if (!failmalloc_disarm())
			break;
		assert_int_equal(rc, -1);
		assert_int_equal(e.code, ERR_MEM);
	}
	assert_true(n > 1);
}

static void
sizes_and_spans_read_well(void **state)
{
	static const struct { uint64_t n; const char *text; } sizes[] = {
		{ 0, "0 B" }, { 1023, "1023 B" }, { 1024, "1.0 KiB" },
		{ 1048575, "1.0 MiB" }, { 1288490189, "1.2 GiB" },
		{ UINT64_MAX, "16.0 EiB" },
	};
	static const struct { int64_t n; const char *text; } spans[] = {
		{ -5, "0 s" }, { 119, "119 s" }, { 120, "2 min" },
		{ 7200, "2 h" }, { 172799, "47 h" }, { 172800, "2 days" },
	};
	char text[SIZE_TEXT], when[SIZE_TIME];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_text(sizes[i].n, text);
		assert_string_equal(text, sizes[i].text);
	}
	for (i = 0; i < sizeof(spans) / sizeof(spans[0]); i++) {
		size_ago(spans[i].n, text);
		assert_string_equal(text, spans[i].text);
	}
	setenv("TZ", "UTC", 1);
	tzset();
	size_time(1700000000, when);
	assert_string_equal(when, "2023-11-14 22:13");
	size_time(0, when);
	assert_string_equal(when, "never");
	size_date(86399, when);
	assert_string_equal(when, "1970-01-01");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		a_table_is_as_wide_as_its_cells_where_there_is_no_terminal),
		cmocka_unit_test(no_line_is_wider_than_the_terminal),
		cmocka_unit_test(a_number_is_never_cut),
		cmocka_unit_test(without_memory_a_table_says_so),
		cmocka_unit_test(sizes_and_spans_read_well),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
