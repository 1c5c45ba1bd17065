/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "base/esc.h"
#include "failmalloc.h"

typedef int esc_fn(struct buf *out, const char *in, size_t len);

static int
sh(struct buf *out, const char *in, size_t len)
{
	return esc_sh(out, in);
}

static void
gives_n(esc_fn *f, const char *in, size_t len, const char *want)
{
	struct buf b;

	buf_init(&b, 1000);
	assert_int_equal(f(&b, in, len), 0);
	assert_string_equal(b.data, want);
	buf_clear(&b);
}

static void
gives(esc_fn *f, const char *in, const char *want)
{
	gives_n(f, in, strlen(in), want);
}

static void
text_keeps_printable_utf8(void **state)
{
	gives(esc_text, "", "");
	gives(esc_text, "plain ~ text", "plain ~ text");
	gives(esc_text, "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
	    "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80");
}

static void
text_escapes_controls_and_backslashes(void **state)
{
	gives(esc_text, "\033[2J", "\\x1b[2J");
	gives(esc_text, "a\nb\r\tc", "a\\x0ab\\x0d\\x09c");
	gives_n(esc_text, "a\0b", 3, "a\\x00b");
	gives(esc_text, "\x7f", "\\x7f");
	gives(esc_text, "\xc2\x9b" "31m", "\\xc2\\x9b31m");
	gives(esc_text, "\\x1b", "\\\\x1b");
}

static void
what_is_escaped_already_is_not_escaped_again(void **state)
{
	gives(esc_again, "\033[2J\n", "\\x1b[2J\\x0a");
	gives(esc_again, "\\x1b[2J\\x0a", "\\x1b[2J\\x0a");
	gives(esc_again, "a\\\\b\xff", "a\\\\b\\xff");
}

static void
text_escapes_invalid_utf8_byte_by_byte(void **state)
{
	gives(esc_text, "\xff", "\\xff");
	gives(esc_text, "\xc3", "\\xc3");
	gives(esc_text, "\xc3(", "\\xc3(");
	gives(esc_text, "\xe2\x82", "\\xe2\\x82");
	gives(esc_text, "\x80", "\\x80");
	gives(esc_text, "\xc0\xaf", "\\xc0\\xaf");
	gives(esc_text, "\xe0\x80\xaf", "\\xe0\\x80\\xaf");
	gives(esc_text, "\xed\xa0\x80", "\\xed\\xa0\\x80");
	gives(esc_text, "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");
	gives(esc_text, "\xf5\x80\x80\x80", "\\xf5\\x80\\x80\\x80");
}

static void
text_escapes_what_reorders_or_hides(void **state)
{
	gives(esc_text, "\xe2\x80\xae", "\\xe2\\x80\\xae");	/* RLO */
	gives(esc_text, "\xe2\x81\xa6", "\\xe2\\x81\\xa6");	/* LRI */
	gives(esc_text, "\xe2\x80\x8b", "\\xe2\\x80\\x8b");	/* ZWSP */
	gives(esc_text, "\xef\xbb\xbf", "\\xef\\xbb\\xbf");	/* BOM */
	gives(esc_text, "\xd8\x9c", "\\xd8\\x9c");		/* ALM */
	gives(esc_text, "\xf3\xa0\x81\x81", "\\xf3\\xa0\\x81\\x81");
}

static void
json_follows_rfc_8259(void **state)
{
	gives(esc_json, "say \"hi\" \\ /", "say \\\"hi\\\" \\\\ /");
	gives(esc_json, "\b\f\n\r\t", "\\b\\f\\n\\r\\t");
	gives(esc_json, "\033\x7f", "\\u001b\\u007f");
	gives_n(esc_json, "\0", 1, "\\u0000");
	gives(esc_json, "\xc3\xa9", "\xc3\xa9");
	gives(esc_json, "\xe2\x80\xa8", "\\u2028");
	gives(esc_json, "\xf3\xa0\x81\x81", "\\udb40\\udc41");
	gives(esc_json, "a\xff\xc3", "a\xef\xbf\xbd\xef\xbf\xbd");
}

static void
sh_words_are_quoted_when_they_must_be(void **state)
{
	gives(sh, "/etc/x_y-1.2", "/etc/x_y-1.2");
	gives(sh, "a=b,c:d@e%f+", "a=b,c:d@e%f+");
	gives(sh, "", "''");
	gives(sh, "a b", "'a b'");
	gives(sh, "it's", "'it'\\''s'");
	gives(sh, "'", "''\\'''");
	gives(sh, "$(x)`y`\\", "'$(x)`y`\\'");
	gives(sh, "~root", "'~root'");
	gives(sh, "a\nb", "'a\nb'");
}

static void
a_full_buffer_gets_nothing_of_it(void **state)
{
	esc_fn *const all[] = { esc_text, esc_json, sh };
	const char *in = "ab'\033\xff";
	struct buf b;
	size_t i, max;

	for (i = 0; i < 3; i++) {
		for (max = 0;; max++) {
			buf_init(&b, max + 2);
			assert_int_equal(buf_adds(&b, "<>"), 0);
			if (all[i](&b, in, strlen(in)) == 0) {
				assert_int_equal(b.len, max + 2);
				buf_clear(&b);
				break;
			}
			assert_string_equal(b.data, "<>");
			assert_int_equal(b.len, 2);
			buf_clear(&b);
		}
		assert_true(max > strlen(in));
	}
}

static void
out_of_memory_appends_nothing(void **state)
{
	esc_fn *const all[] = { esc_text, esc_json, sh };
	char in[600];
	struct buf b;
	unsigned long n;
	size_t i;
	int rc;

	memset(in, '\'', sizeof(in) - 1);
	in[sizeof(in) - 1] = '\0';
	for (i = 0; i < 3; i++) {
		for (n = 1;; n++) {
			buf_init(&b, 10000);
			failmalloc_arm(n);
			rc = all[i](&b, in, strlen(in));
			if (!failmalloc_disarm())
				break;
			assert_int_equal(rc, -1);
			assert_int_equal(b.len, 0);
			assert_string_equal(b.data, "");
			buf_clear(&b);
		}
		assert_int_equal(rc, 0);
		assert_true(n > 2);
		buf_clear(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_keeps_printable_utf8),
		cmocka_unit_test(text_escapes_controls_and_backslashes),
		cmocka_unit_test(what_is_escaped_already_is_not_escaped_again),
		cmocka_unit_test(text_escapes_invalid_utf8_byte_by_byte),
		cmocka_unit_test(text_escapes_what_reorders_or_hides),
		cmocka_unit_test(json_follows_rfc_8259),
		cmocka_unit_test(sh_words_are_quoted_when_they_must_be),
		cmocka_unit_test(a_full_buffer_gets_nothing_of_it),
		cmocka_unit_test(out_of_memory_appends_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
