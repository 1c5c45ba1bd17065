/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <sys/stat.h>

#include "failmalloc.h"
#include "proc/msg.h"
#include "rows.h"

struct got {
	unsigned snaps, entries;
	struct history_snap snap;
	struct rows_entry entry;
	char name[256], link[256];
};

static int
on_snap(void *arg, const struct history_snap *s, struct err *e)
{
	struct got *g = arg;

	(void)e;
	g->snaps++;
	g->snap = *s;
	return 0;
}

static int
on_entry(void *arg, const struct rows_entry *r, struct err *e)
{
	struct got *g = arg;

	(void)e;
	g->entries++;
	g->entry = *r;
	snprintf(g->name, sizeof(g->name), "%s", r->name);
	snprintf(g->link, sizeof(g->link), "%s", r->link != NULL ? r->link :
	    "");
	return 0;
}

static const struct rows_calls both = { on_snap, on_entry };
static const struct rows_calls snaps = { on_snap, NULL };
static const struct rows_calls entries = { NULL, on_entry };

#define NAME "laptop.2023-11-14.1700000000"

static void
what_is_emitted_reads_back(void **state)
{
	struct history_snap s = { .name = NAME, .time_s = 1700000000,
		.recorded = true, .partial = true, .files = 3, .bytes = 1 << 30,
		.added = 9, .seconds = 7, .pinned = true };
	struct rows_entry r = { .name = "a\n\xff b", .link = "/x\\y",
		.mode = S_IFLNK | 0777, .uid = 1000, .gid = UINT32_MAX,
		.time_s = -5 };
	struct err e = ERR_INIT;
	struct got g = { 0 };
	struct buf b;

	(void)state;
	buf_init(&b, MSG_MAX);
	assert_int_equal(rows_add_snap(&s, &b), 0);
	assert_int_equal(rows_add_entry(&r, &b), 0);
	assert_int_equal(rows_parse(b.data, b.len, &both, &g, &e), 0);
	assert_int_equal(g.snaps, 1);
	assert_memory_equal(&g.snap, &s, sizeof(s));
	assert_int_equal(g.entries, 1);
	assert_string_equal(g.name, r.name);
	assert_string_equal(g.link, r.link);
	assert_int_equal(g.entry.mode, r.mode);
	assert_int_equal(g.entry.uid, 1000);
	assert_int_equal(g.entry.gid, UINT32_MAX);
	assert_true(g.entry.time_s == -5);
	buf_clear(&b);
}

static void
a_record_that_does_not_fit_leaves_nothing(void **state)
{
	struct rows_entry r = { .name = "name", .mode = S_IFREG };
	struct buf b;

	(void)state;
	buf_init(&b, 40);
	assert_int_equal(rows_add_entry(&r, &b), 0);
	assert_int_equal(b.len, 21);
	assert_int_equal(rows_add_entry(&r, &b), -1);
	assert_int_equal(b.len, 21);
	assert_string_equal(b.data, "entry name\nkind file\n");
	buf_clear(&b);
}

static void
what_is_no_row_is_refused(void **state)
{
	static const struct {
		const struct rows_calls *calls;
		const char *text, *why;
	} bad[] = {
		{ &both, "size 4\n", "without a beginning" },
		{ &both, "entry a\n", "without a kind" },
		{ &both, "entry ..\nkind file\n", "can't come here" },
		{ &both, "entry a/b\nkind file\n", "can't come here" },
		{ &both, "entry \nkind file\n", "can't come here" },
		{ &both, "entry a\nkind door\n", "kind is none" },
		{ &both, "entry a\nkind file\nkind file\n", "kind is none" },
		{ &both, "entry a\nkind file\nsize 1\nsize 1\n", "twice" },
		{ &both, "entry a\nkind file\nlink b\nlink b\n", "twice" },
		{ &both, "entry a\nkind file\nmode 65535\n", "mode is none" },
		{ &both, "entry a\nkind file\nuid -1\n", "uid is none" },
		{ &both, "snapshot ../x\n", "can't come here" },
		{ &both, "snapshot " NAME "\nbytes x\n", "bytes is none" },
		{ &entries, "snapshot " NAME "\n", "can't come here" },
		{ &snaps, "entry a\nkind file\n", "can't come here" },
	};
	struct got g = { 0 };
	struct err e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		e = (struct err)ERR_INIT;
		assert_int_equal(rows_parse(bad[i].text, strlen(bad[i].text),
		    bad[i].calls, &g, &e), -1);
		assert_err(&e, ERR_PEER, bad[i].why);
	}
	/* What a later store may add. */
	assert_int_equal(rows_parse("entry a\nkind file\ncolour red\n", 29,
	    &both, &g, &e), 0);
}

static void
a_time_that_no_clock_has_is_the_last_one(void **state)
{
	static const char text[] =
	    "entry a\nkind file\ntime 18446744073709551615\nbefore yes\n";
	struct err e = ERR_INIT;
	struct got g = { 0 };

	(void)state;
	assert_int_equal(rows_parse(text, sizeof(text) - 1, &both, &g, &e),
	    0);
	assert_true(g.entry.time_s == -INT64_MAX);
}

static void
without_memory_the_parser_says_so(void **state)
{
	static const char text[] = "entry a\nkind link\nlink b\n";
	struct got g = { 0 };
	struct err e;
	unsigned long n;
	int rc;

	(void)state;
	for (n = 1;; n++) {
		e = (struct err)ERR_INIT;
		failmalloc_arm(n);
		rc = rows_parse(text, sizeof(text) - 1, &both, &g, &e);
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
		cmocka_unit_test(what_is_emitted_reads_back),
		cmocka_unit_test(a_record_that_does_not_fit_leaves_nothing),
		cmocka_unit_test(what_is_no_row_is_refused),
		cmocka_unit_test(a_time_that_no_clock_has_is_the_last_one),
		cmocka_unit_test(without_memory_the_parser_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
