/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "failmalloc.h"
#include "html.h"
#include "page.h"
#include "plot.h"
#include "prom.h"

#define NOW	INT64_C(1700000000)
#define EVIL	"<script>alert(\"x\")</script>&'\033[31m"

static void
everything_is_escaped(void **state)
{
	struct err e = ERR_INIT;
	struct html h;
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	html_begin(&h, &b);
	html_open(&h, "p", "class", "\"><x", NULL);
	html_text(&h, "a<b>&'\"\n\xff\xe2\x80\xae");
	html_close(&h);
	html_void(&h, "br", NULL);
	assert_int_equal(html_end(&h, &e), 0);
	assert_string_equal(b.data, "<!DOCTYPE html>\n"
	    "<p class=\"&quot;&gt;&lt;x\">a&lt;b&gt;&amp;&#39;&quot;\\x0a\\xff"
	    "\\xe2\\x80\\xae</p>\n<br />");
	buf_clear(&b);
}

static void
a_page_that_is_not_closed_is_none(void **state)
{
	struct err e = ERR_INIT;
	struct html h;
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	html_begin(&h, &b);
	html_open(&h, "p", NULL);
	assert_int_equal(html_end(&h, &e), -1);
	html_begin(&h, &b);
	html_close(&h);
	assert_int_equal(html_end(&h, &e), -1);
	buf_clear(&b);
	buf_init(&b, 20);
	html_begin(&h, &b);
	html_text(&h, "more than there is room for");
	assert_int_equal(html_end(&h, &e), -1);
	buf_clear(&b);
}

static void
an_axis_has_few_lines_at_round_sizes(void **state)
{
	(void)state;
	assert_true(plot_step(0) == 1);
	assert_true(plot_step(4) == 1);
	assert_true(plot_step(5) == 2);
	assert_true(plot_step(1 << 20) == 1 << 18);
	assert_true(UINT64_MAX / plot_step(UINT64_MAX) < 5);
}

static size_t
count(const char *text, const char *what)
{
	size_t n = 0;

	for (; (text = strstr(text, what)) != NULL; text++)
		n++;
	return n;
}

static void
a_plot_has_each_point_or_a_share_of_them(void **state)
{
	static struct plot_point v[3000];
	struct err e = ERR_INIT;
	struct html h;
	struct buf b;
	size_t i;

	(void)state;
	for (i = 0; i < 3000; i++)
		v[i] = (struct plot_point){ NOW + (int64_t)i, i * i, i };
	buf_init(&b, 8u << 20);
	html_begin(&h, &b);
	plot_svg(&h, v, 3);
	assert_int_equal(count(b.data, "<circle"), 3);
	assert_int_equal(count(b.data, "class=\"bytes\""), 2);
	plot_svg(&h, v, 3000);
	assert_int_equal(count(b.data, "<circle"), 3 + PLOT_POINTS);
	plot_svg(&h, v, 1);
	plot_svg(&h, v, 0);
	assert_int_equal(html_end(&h, &e), 0);
	assert_null(strstr(b.data, "nan"));
	assert_null(strstr(b.data, "inf"));
	/* All points at the same time, and all sizes that there are. */
	buf_clear(&b);
	v[0] = v[1] = (struct plot_point){ NOW, UINT64_MAX, UINT64_MAX };
	html_begin(&h, &b);
	plot_svg(&h, v, 2);
	assert_int_equal(html_end(&h, &e), 0);
	assert_null(strstr(b.data, "nan"));
	buf_clear(&b);
}

static void
fill(struct state *s, struct history_snap *snaps, size_t n)
{
	size_t i;

	*s = (struct state){ .name = "lap\"top", .backend = STORE_BTRFS,
		.alarms = STATE_ROTTEN | STATE_SILENT | STATE_FULL,
		.quota = 100, .used = 95, .good_s = NOW - 500000,
		.silent_s = 500000, .failures = 2, .verify_bad = true };
	s->history.v = snaps;
	s->history.n = n;
	snprintf(s->last.message, sizeof(s->last.message), EVIL);
	snprintf(s->verify.message, sizeof(s->verify.message), EVIL);
	snprintf(s->verify.op, sizeof(s->verify.op), "verify");
	snprintf(s->last.op, sizeof(s->last.op), "run");
	s->days[3] = STATE_DAY_FAILED;
	for (i = 0; i < n; i++)
		snaps[i] = (struct history_snap){ .recorded = true,
			.time_s = NOW - (int64_t)i * 86400, .bytes = 10 * i,
			.name = "x" };
}

static void
a_page_has_nothing_from_elsewhere_and_no_word_of_a_peer_as_markup(
    void **state)
{
	struct history_snap snaps[5];
	struct err e = ERR_INIT;
	struct state s[2];
	struct buf b;

	(void)state;
	fill(&s[0], snaps, 5);
	fill(&s[1], snaps, 0);
	buf_init(&b, PAGE_MAX);
	assert_int_equal(page_emit("/srv/" EVIL, s, 2, NOW, &b, &e), 0);
	assert_null(strstr(b.data, "<script"));
	assert_null(strstr(b.data, "://"));
	assert_null(strstr(b.data, "\033"));
	assert_null(strstr(b.data, "url("));
	assert_int_equal(count(b.data, "<rect"), 2 * STATE_DAYS);
	assert_int_equal(count(b.data, "class=\"mark\""), 2);
	assert_non_null(strstr(b.data, "silent for 5 days, at 95 % of its "
	    "quota, verify: &lt;script&gt;"));
	buf_clear(&b);
	buf_init(&b, 10000);
	assert_int_equal(page_emit("/srv", s, 2, NOW, &b, &e), -1);
	assert_int_equal(e.code, ERR_MEM);
	buf_clear(&b);
}

static void
metrics_have_a_line_for_each_client_that_has_the_number(void **state)
{
	struct history_snap snaps[1];
	struct err e = ERR_INIT;
	struct state s[2];
	struct buf b;

	(void)state;
	fill(&s[0], snaps, 1);
	fill(&s[1], snaps, 0);
	snprintf(s[1].name, sizeof(s[1].name), "b\\\n");
	s[1].good_s = 0;
	s[1].quota = 0;
	buf_init(&b, PROM_MAX);
	assert_int_equal(prom_emit(s, 2, 77, &b, &e), 0);
	assert_non_null(strstr(b.data,
	    "# TYPE postern_backup_quota_bytes gauge\n"
	    "postern_backup_quota_bytes{client=\"lap\\\"top\"} 100\n#"));
	assert_non_null(strstr(b.data,
	    "\npostern_backup_failures{client=\"b\\\\\\n\"} 2\n"));
	assert_int_equal(count(b.data, "\npostern_backup_last_success_"), 1);
	assert_non_null(strstr(b.data,
	    "\npostern_backup_store_free_bytes 77\n"));
	buf_clear(&b);
}

static void
without_memory_a_page_says_so(void **state)
{
	struct history_snap snaps[2];
	struct state s;
	struct err e;
	struct buf b;
	unsigned long n;
	int rc;

	(void)state;
	fill(&s, snaps, 2);
	for (n = 1; n < 100; n++) {
		e = (struct err)ERR_INIT;
		buf_init(&b, PAGE_MAX);
		failmalloc_arm(n);
		rc = page_emit("/srv", &s, 1, NOW, &b, &e);
		buf_clear(&b);
		if (!failmalloc_disarm())
			break;
		assert_int_equal(rc, -1);
		assert_int_equal(e.code, ERR_MEM);
	}
	assert_true(n > 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_is_escaped),
		cmocka_unit_test(a_page_that_is_not_closed_is_none),
		cmocka_unit_test(an_axis_has_few_lines_at_round_sizes),
		cmocka_unit_test(a_plot_has_each_point_or_a_share_of_them),
		cmocka_unit_test(
    a_page_has_nothing_from_elsewhere_and_no_word_of_a_peer_as_markup),
		cmocka_unit_test(
		    metrics_have_a_line_for_each_client_that_has_the_number),
		cmocka_unit_test(without_memory_a_page_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
