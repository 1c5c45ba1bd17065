/* SPDX-License-Identifier: ISC */
/* What beside.h tells of one name. A whole list, tests/system/
 * test_backup_scan.py has. */
#include "../unit.h"

#include <string.h>

#include "beside.h"
#include "changes.h"
#include "seen.h"

static struct err e;

/* A list of the folder "/d/", in which "old" lay, or anything if unsure. */
static FILE *
list(bool unsure)
{
	const struct seen_entry entry = { .ino = 7, .mode = S_IFDIR | 0755 };
	struct seen_head head = { .magic = SEEN_MAGIC, .begun_ns = 1 };
	struct seen_out out = { .f = NULL };
	FILE *f = tmpfile();

	assert_non_null(f);
	snprintf(head.snapshot, sizeof(head.snapshot),
	    "laptop.2026-11-23.1795410183");
	assert_int_equal(seen_out_init(&out, f, &e), 0);
	assert_int_equal(seen_out_folder(&out, "/d/", unsure, &e), 0);
	assert_int_equal(seen_out_entry(&out, "old", &entry, &e), 0);
	assert_int_equal(seen_out_end(&out, &e), 0);
	seen_out_clear(&out);
	rewind(f);
	assert_int_equal(fwrite(&head, sizeof(head), 1, f), 1);
	rewind(f);
	return f;
}

/* What is told of the folder dir once name is there, which is another one than
 * "old" was, and closed or not. */
static void
told(bool unsure, const char *dir, const char *name, bool closed,
    struct buf *changes)
{
	struct seen_entry now = { .ino = 8, .mode = S_IFDIR | 0755 };
	FILE *old = list(unsure);
	struct beside b;

	buf_init(changes, CHANGES_MAX);
	if (beside_init(&b, old, changes, &e) == -1 ||
	    beside_folder(&b, dir, false, &e) == -1 ||
	    beside_name(&b, dir, name, 2, closed, &now, &e) == -1)
		fail_msg("%s", e.msg);
	beside_clear(&b);
	fclose(old);
}

static int
said(const struct buf *text, const char *path)
{
	struct changes c;
	int of;

	assert_int_equal(changes_parse(text->data, text->len, &c, &e), 0);
	of = changes_find(&c, path);
	changes_clear(&c);
	return of;
}

/* A mount point, which nobody looks into: if rsync met with a folder there that
 * was away when the list was made, what lay in it may be in the snapshot. */
static void
of_a_closed_folder_that_the_list_has_not_all_is_gone(void **state)
{
	struct buf text;

	(void)state;
	told(true, "/d/", "new", true, &text);
	assert_int_equal(said(&text, "/d"), CHANGES_ALL);
	assert_int_equal(said(&text, "/d/new"), CHANGES_NEW | CHANGES_GONE);
	buf_clear(&text);
	told(true, "/x/", "new", true, &text);
	assert_int_equal(said(&text, "/x"), CHANGES_ALL);
	assert_int_equal(said(&text, "/x/new"), CHANGES_NEW | CHANGES_GONE);
	buf_clear(&text);
	told(false, "/d/", "old", true, &text);
	assert_int_equal(said(&text, "/d/old"), CHANGES_NEW | CHANGES_GONE);
	buf_clear(&text);
}

static void
of_one_that_is_looked_into_its_names_are_told(void **state)
{
	struct buf text;

	(void)state;
	told(true, "/d/", "new", false, &text);
	assert_int_equal(said(&text, "/d/new"), CHANGES_NEW);
	buf_clear(&text);
	told(false, "/d/", "old", false, &text);
	assert_int_equal(said(&text, "/d/old"), CHANGES_NEW | CHANGES_KEPT);
	buf_clear(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    of_a_closed_folder_that_the_list_has_not_all_is_gone),
		cmocka_unit_test(
		    of_one_that_is_looked_into_its_names_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
