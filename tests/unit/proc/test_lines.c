/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proc/lines.h"

struct seen {
	struct buf text;
	const char *stop_at;
};

static bool
note(void *arg, const char *line, size_t len, bool cut)
{
	struct seen *s = arg;

	assert_int_equal(line[len], '\0');
	buf_addc(&s->text, '[');
	buf_add(&s->text, line, len);
	buf_adds(&s->text, cut ? "...]" : "]");
	return s->stop_at == NULL || strcmp(line, s->stop_at) != 0;
}

static void
lines_are_the_same_however_the_bytes_are_split(void **state)
{
	static const char text[] = "one\n\ntwo two\nthirteen byte\nlast";
	struct lines l;
	struct seen s = { 0 };
	char copy[sizeof(text)];
	size_t step, at, n;

	for (step = 1; step < sizeof(text); step++) {
		lines_init(&l, 8);
		buf_init(&s.text, 4096);
		memcpy(copy, text, sizeof(text));
		for (at = 0; at < sizeof(text) - 1; at += n) {
			n = sizeof(text) - 1 - at;
			n = n < step ? n : step;
			assert_int_equal(lines_feed(&l, copy + at, n, note,
			    &s), n);
		}
		lines_end(&l, note, &s);
		lines_end(&l, note, &s);
		assert_string_equal(s.text.data,
		    "[one][][two two][thirteen...][last]");
		lines_clear(&l);
		buf_clear(&s.text);
	}
}

static void
a_callback_that_stops_leaves_the_rest_untouched(void **state)
{
	char text[] = "a\nstop\nraw\nbytes";
	struct seen s = { .stop_at = "stop" };
	struct lines l;

	lines_init(&l, 8);
	buf_init(&s.text, 4096);
	assert_int_equal(lines_feed(&l, text, sizeof(text) - 1, note, &s), 7);
	assert_string_equal(s.text.data, "[a][stop]");
	assert_string_equal(text + 7, "raw\nbytes");
	lines_clear(&l);
	buf_clear(&s.text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_the_same_however_the_bytes_are_split),
		cmocka_unit_test(
		    a_callback_that_stops_leaves_the_rest_untouched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
