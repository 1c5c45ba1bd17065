/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "failmalloc.h"
#include "hits.h"
#include "proc/msg.h"

#define S1 "laptop.2023-11-14.1700000000"
#define S2 "laptop.2023-11-15.1700086400"

struct got {
	unsigned files, founds;
	struct hits_file file;
	struct hits_found found;
	char path[8192], text[512];
};

static int
on_file(void *arg, const struct hits_file *f, struct err *e)
{
	struct got *g = arg;

	g->files++;
	g->file = *f;
	snprintf(g->path, sizeof(g->path), "%s", f->path);
	snprintf(g->text, sizeof(g->text), "%s %s", f->first, f->last);
	return 0;
}

static int
on_found(void *arg, const struct hits_found *f, struct err *e)
{
	struct got *g = arg;

	g->founds++;
	g->found = *f;
	snprintf(g->path, sizeof(g->path), "%s", f->path);
	snprintf(g->text, sizeof(g->text), "%s %s", f->snapshot, f->why);
	return 0;
}

static const struct hits_calls both = { on_file, on_found };
static const struct hits_calls files = { on_file, NULL };

static const struct hits_file a_file = { .path = "/a\n\xff b\\", .first = S1,
	.last = S2, .mode = S_IFREG | 04755, .uid = 7, .gid = UINT32_MAX,
	.size = 1ull << 40, .mtime_ns = -5 };
static const struct hits_found a_finding = { .path = "/x", .snapshot = S2,
	.kind = VERIFY_UNREADABLE, .what = CATALOG_CONTENT | CATALOG_DEVICE,
	.why = "Input/output error" };

static void
what_is_emitted_reads_back(void **state)
{
	struct err e = ERR_INIT;
	struct got g = { 0 };
	struct buf b;

	buf_init(&b, MSG_MAX);
	assert_int_equal(hits_add_found(&a_finding, &b), 0);
	assert_int_equal(hits_parse(b.data, b.len, &both, &g, &e), 0);
	assert_int_equal(g.founds, 1);
	assert_int_equal(g.found.kind, VERIFY_UNREADABLE);
	assert_int_equal(g.found.what, CATALOG_CONTENT | CATALOG_DEVICE);
	assert_string_equal(g.text, S2 " Input/output error");
	assert_int_equal(hits_add_file(&a_file, &b), 0);
	assert_int_equal(hits_parse(b.data, b.len, &both, &g, &e), 0);
	assert_int_equal(g.files, 1);
	assert_string_equal(g.path, "/a\n\xff b\\");
	assert_string_equal(g.text, S1 " " S2);
	assert_int_equal(g.file.mode, S_IFREG | 04755);
	assert_int_equal(g.file.gid, UINT32_MAX);
	assert_int_equal(g.file.size, 1ull << 40);
	assert_int_equal(g.file.mtime_ns, -5);
	assert_false(g.file.cut);
	/* Only one kind was asked for. */
	assert_int_equal(hits_parse(b.data, b.len, &files, &g, &e), -1);
	assert_err(&e, ERR_PEER, "can't come here");
	buf_clear(&b);
}

static void
a_path_that_is_too_long_is_cut_and_says_so(void **state)
{
	struct hits_file f = a_file;
	struct err e = ERR_INIT;
	struct got g = { 0 };
	struct buf b;
	char *path = malloc(70001);

	assert_non_null(path);
	memset(path, '\n', 70000);
	path[0] = '/';
	path[70000] = '\0';
	f.path = path;
	buf_init(&b, HITS_RECORD_MAX);
	assert_int_equal(hits_add_file(&f, &b), 0);
	assert_int_equal(hits_parse(b.data, b.len, &both, &g, &e), 0);
	assert_true(g.file.cut);
	assert_int_equal(strlen(g.path), HITS_PATH_MAX);
	buf_clear(&b);
	free(path);
}

static void
a_record_that_does_not_fit_leaves_nothing_behind(void **state)
{
	struct buf b;

	buf_init(&b, 120);
	assert_int_equal(hits_add_file(&a_file, &b), -1);
	assert_int_equal(b.len, 0);
	assert_int_equal(hits_add_found(&a_finding, &b), 0);
	assert_int_equal(hits_add_found(&a_finding, &b), -1);
	buf_clear(&b);
}

static void
what_is_wrong_is_named(void **state)
{
	static const struct { const char *text, *why; } t[] = {
		{ "mode 3\n", "without a beginning" },
		{ "file a\n", "can't come here" },
		{ "file /a\n", "without its snapshots" },
		{ "file /a\nfirst " S1 "\n", "without its snapshots" },
		{ "file /a\nfirst x\n", "first is none" },
		{ "file /a\nmode -1\n", "mode is none" },
		{ "file /a\nuid 4294967296\n", "uid is none" },
		{ "file /a\nsize 1\nsize 1\n", "size twice" },
		{ "found /a\nsnapshot " S1 "\n", "without its kind" },
		{ "found /a\nkind rot\n", "without its kind" },
		{ "found /a\nkind bad\n", "kind is none" },
		{ "found /a\nkind rot\nkind rot\n", "kind twice" },
		{ "found /a\nsnapshot ../x\n", "snapshot is none" },
		{ "found /a", "is cut" },
	};
	struct err e;
	struct got g;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		e = (struct err)ERR_INIT;
		g = (struct got){ 0 };
		if (hits_parse(t[i].text, strlen(t[i].text), &both, &g,
		    &e) != -1)
			fail_msg("taken: %s", t[i].text);
		assert_err(&e, ERR_PEER, t[i].why);
		assert_int_equal(g.files + g.founds, 0);
	}
}

static void
unknown_keys_and_words_are_passed_over(void **state)
{
	static const char text[] = "found /a\nkind added\ncolour red\n"
		"what smell\nwhat time\nsnapshot " S1 "\n";
	struct err e = ERR_INIT;
	struct got g = { 0 };
	struct buf b;

	assert_int_equal(hits_parse(text, sizeof(text) - 1, &both, &g, &e), 0);
	assert_int_equal(g.found.what, CATALOG_TIME);
	buf_init(&b, 100);
	assert_int_equal(hits_what(CATALOG_SIZE | CATALOG_CONTENT |
	    CATALOG_XATTR, ", ", &b), 0);
	assert_string_equal(b.data, "content, size, attributes");
	assert_null(hits_word(8));
	buf_clear(&b);
}

static void
out_of_memory_is_an_error_wherever_it_happens(void **state)
{
	struct err e = ERR_INIT;
	struct got g = { 0 };
	struct buf b;
	unsigned long n;
	int rc;

	buf_init(&b, MSG_MAX);
	assert_int_equal(hits_add_file(&a_file, &b) |
	    hits_add_found(&a_finding, &b), 0);
	for (n = 1;; n++) {
		failmalloc_arm(n);
		rc = hits_parse(b.data, b.len, &both, &g, &e);
		if (!failmalloc_disarm())
			break;
		assert_int_equal(rc, -1);
		assert_int_equal(e.code, ERR_MEM);
	}
	assert_int_equal(rc, 0);
	assert_true(n > 3);
	buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_emitted_reads_back),
		cmocka_unit_test(a_path_that_is_too_long_is_cut_and_says_so),
		cmocka_unit_test(a_record_that_does_not_fit_leaves_nothing_behind),
		cmocka_unit_test(what_is_wrong_is_named),
		cmocka_unit_test(unknown_keys_and_words_are_passed_over),
		cmocka_unit_test(out_of_memory_is_an_error_wherever_it_happens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
