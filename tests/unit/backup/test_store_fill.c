/* SPDX-License-Identifier: ISC */
/* store_fill.h and store_ready.h, with what rsync would have brought put there
 * by hand. The whole of it, tests/system/test_backup_changes.py has. */
#include "store_tmp.h"

#include <string.h>

#include "base/buf.h"
#include "changes.h"
#include "store_fill.h"
#include "store_ready.h"

#define OLD "old/"
#define NEW ".incoming/"

static struct err e;
static int old, new;

static int
enter(void **state)
{
	e = (struct err)ERR_INIT;
	if (store_tmp_enter(state) == -1 ||
	    mkdirat(client.fd, "old", 0700) == -1 ||
	    mkdirat(client.fd, ".incoming", 0700) == -1)
		return -1;
	old = openat(client.fd, "old", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	new = openat(client.fd, ".incoming", O_RDONLY | O_DIRECTORY |
	    O_CLOEXEC);
	return old != -1 && new != -1 ? 0 : -1;
}

static int
leave(void **state)
{
	close(old);
	close(new);
	return store_tmp_leave(state);
}

static void
folder(const char *name, mode_t mode)
{
	assert_int_equal(mkdirat(client.fd, name, 0700), 0);
	assert_int_equal(fchmodat(client.fd, name, mode, 0), 0);
}

static struct stat
look(int fd, const char *name)
{
	struct stat st;

	if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		fail_msg("%s: %s", name, strerror(errno));
	return st;
}

static bool
same(const char *name)
{
	return look(old, name).st_ino == look(new, name).st_ino;
}

/* told: words with a space between. */
static void
parse(const char *told, struct buf *text, struct changes *c)
{
	const char *end;

	buf_init(text, CHANGES_MAX);
	for (; *told != '\0'; told = *end == ' ' ? end + 1 : end) {
		end = strchrnul(told, ' ');
		assert_int_equal(buf_add(text, told, (size_t)(end - told)),
		    0);
		assert_int_equal(buf_addc(text, '\0'), 0);
	}
	if (changes_parse(text->data, text->len, c, &e) == -1)
		fail_msg("%s", e.msg);
}

static int
fill(const char *told, const atomic_bool *stop)
{
	struct changes c;
	struct buf text;
	int rc;

	parse(told, &text, &c);
	rc = store_fill_after(old, new, "W", &c, stop, &e);
	changes_clear(&c);
	buf_clear(&text);
	return rc;
}

static void
filled(const char *told)
{
	if (fill(told, NULL) == -1)
		fail_msg("%s", e.msg);
}

static void
ready(const char *told)
{
	struct changes c;
	struct buf text;

	parse(told, &text, &c);
	if (store_ready(new, "W", &c, &e) == -1)
		fail_msg("%s", e.msg);
	changes_clear(&c);
	buf_clear(&text);
}

static void
what_is_not_told_is_linked_and_what_is_gone_is_not(void **state)
{
	(void)state;
	put(OLD "same", "s");
	put(OLD "gone", "g");
	put(OLD "changed", "c");
	folder(OLD "d", 0750);
	put(OLD "d/same", "s");
	folder(OLD "away", 0700);
	put(OLD "away/f", "f");
	/* A name that begins as another one does. */
	put(OLD "awa", "a");
	put(NEW "changed", "C");
	put(NEW "new", "n");
	filled("-/gone +/changed +/new -/away");
	assert_true(same("same") && same("d/same") && same("awa"));
	assert_false(same("changed") || same("d"));
	assert_false(there(new, "gone") || there(new, "away"));
	assert_true(there(new, "new"));
	assert_int_equal(look(new, "d").st_mode & 07777, 0750);
	assert_int_equal(look(new, "d").st_mtim.tv_nsec,
	    look(old, "d").st_mtim.tv_nsec);
}

static void
a_folder_of_which_all_is_told_has_nothing_else(void **state)
{
	(void)state;
	folder(OLD "d", 0700);
	put(OLD "d/kept", "k");
	put(OLD "d/unknown", "u");
	folder(OLD "d/sub", 0700);
	put(OLD "d/sub/same", "s");
	folder(OLD "d/nobody's", 0700);
	filled("=/d ./d/kept ./d/sub");
	assert_true(same("d/kept") && same("d/sub/same"));
	assert_false(there(new, "d/unknown") || there(new, "d/nobody's"));
}

/* It was told as changed, and moved away for the moment of rsync. What lies in
 * it is not asked for again. */
static void
a_folder_that_rsync_did_not_meet_with_is_as_it_was(void **state)
{
	(void)state;
	folder(OLD "d", 0750);
	put(OLD "d/same", "s");
	put(OLD "d/changed", "c");
	folder(OLD "d/sub", 0500);
	filled("+/d ./d +/d/changed");
	assert_true(same("d/same"));
	assert_true(there(new, "d/sub"));
	/* It comes when it is there. */
	assert_false(there(new, "d/changed"));
	assert_int_equal(look(new, "d").st_mode & 07777, 0750);
	assert_int_equal(look(new, "d/sub").st_mode & 07777, 0500);
	assert_int_equal(look(new, "d").st_mtim.tv_nsec,
	    look(old, "d").st_mtim.tv_nsec);
}

static void
what_rsync_met_with_in_a_folders_place_gives_way_to_it(void **state)
{
	(void)state;
	folder(OLD "told", 0700);
	put(OLD "told/same", "s");
	folder(OLD "passed", 0700);
	put(OLD "passed/same", "s");
	folder("outside", 0700);
	assert_int_equal(symlinkat("../outside", new, "told"), 0);
	assert_int_equal(symlinkat("../outside", new, "passed"), 0);
	filled("+/told ./told +/passed/other");
	assert_true(same("told/same") && same("passed/same"));
	assert_int_equal(unlinkat(client.fd, "outside", AT_REMOVEDIR), 0);
}

/* Of another type than it had there: the snapshot before was made while it
 * was being changed. */
static void
what_is_new_where_a_folder_was_stays(void **state)
{
	(void)state;
	folder(OLD "f", 0700);
	put(OLD "f/stale", "s");
	put(NEW "f", "new");
	folder(OLD "vanished", 0700);
	put(OLD "vanished/stale", "s");
	filled("+/f +/vanished =/vanished");
	assert_true(S_ISREG(look(new, "f").st_mode));
	assert_false(there(new, "vanished"));
}

static void
a_changed_folder_keeps_what_rsync_gave_it(void **state)
{
	(void)state;
	folder(OLD "d", 0700);
	put(OLD "d/same", "s");
	folder(NEW "d", 0751);
	filled("+/d ./d");
	assert_int_equal(look(new, "d").st_mode & 07777, 0751);
	assert_true(same("d/same"));
}

static void
it_is_given_up_when_it_is_to_stop(void **state)
{
	const atomic_bool stop = true;

	(void)state;
	put(OLD "same", "s");
	assert_int_equal(fill("", &stop), -1);
	assert_err(&e, ERR_REFUSED, "given up");
	assert_false(there(new, "same"));
}

static void
the_top_has_the_time_that_is_told(void **state)
{
	(void)state;
	assert_int_equal(store_fill_top(new, "W", 1700000000000000007, &e), 0);
	assert_int_equal(look(new, ".").st_mtim.tv_sec, 1700000000);
	assert_int_equal(look(new, ".").st_mtim.tv_nsec, 7);
}

static void
what_is_gone_goes_from_a_copy_and_what_is_new_is_single(void **state)
{
	(void)state;
	put(NEW "same", "s");
	put(NEW "gone", "g");
	put(NEW "twin", "t");
	assert_int_equal(linkat(new, "twin", new, "other", 0), 0);
	folder(NEW "away", 0500);
	folder(NEW "d", 0700);
	put(NEW "d/kept", "k");
	put(NEW "d/unknown", "u");
	folder(NEW "d/nobody's", 0700);
	put(NEW "d/nobody's/f", "f");
	/* Where no copy can share blocks rsync brings it whole. */
	ready("-/gone -/away -/not/there +/twin +/nor/there =/d ./d/kept "
	    "=/nowhere");
	assert_true(there(new, "same") && there(new, "d/kept"));
	assert_int_equal(look(new, "other").st_nlink, 1);
	assert_false(there(new, "gone") || there(new, "away") ||
	    there(new, "d/unknown") || there(new, "d/nobody's"));
}

static void
what_is_told_leads_through_no_link(void **state)
{
	(void)state;
	folder("outside", 0700);
	put("outside/f", "f");
	assert_int_equal(symlinkat("../outside", new, "link"), 0);
	ready("-/link/f +/link/f =/link");
	assert_true(there(client.fd, "outside/f"));
	assert_true(there(new, "link"));
}

/* In place; a hostile sender may have rsync tell any name. */
static void
what_came_torn_is_taken_out_and_nothing_else(void **state)
{
	static const char *const out[] = { "../outside/f", "d/..", "..", ".",
		"/../outside/f", "d/../../outside/f", "/d/whole", "d//whole" };
	struct strv names = { 0 };
	struct stat was;
	size_t i;

	(void)state;
	folder("outside", 0700);
	put("outside/f", "f");
	folder(NEW "d", 0700);
	put(NEW "d/torn", "t");
	put(NEW "d/whole", "w");
	put(NEW "top", "t");
	assert_int_equal(symlinkat("../outside", new, "link"), 0);
	was = look(new, "d");
	assert_int_equal(strv_addv(&names, (char *[]){ "d/torn", "d/torn",
	    "top", "d", "link", "link/f", "", "not/there", NULL }), 0);
	if (store_ready_torn(new, "W", &names, &e) == -1)
		fail_msg("%s", e.msg);
	strv_clear(&names);
	for (i = 0; i < sizeof(out) / sizeof(out[0]); i++) {
		e = (struct err)ERR_INIT;
		assert_int_equal(strv_add(&names, out[i]), 0);
		assert_int_equal(store_ready_torn(new, "W", &names, &e), -1);
		assert_err(&e, ERR_PEER, "whose path ");
		strv_clear(&names);
	}
	assert_false(there(new, "d/torn") || there(new, "top"));
	assert_true(there(new, "d/whole") && there(new, "link") &&
	    there(client.fd, "outside/f"));
	assert_int_equal(look(new, "d").st_mtim.tv_sec, was.st_mtim.tv_sec);
	assert_int_equal(look(new, "d").st_mtim.tv_nsec,
	    was.st_mtim.tv_nsec);
}

static void
what_is_told_twice_counts_once(void **state)
{
	struct changes c;
	struct buf text;

	(void)state;
	parse("=/d +/a =/d -/a +/a ./d =/d", &text, &c);
	assert_int_equal(c.n, 4);
	assert_int_equal(changes_find(&c, "/d"), CHANGES_ALL | CHANGES_KEPT);
	assert_int_equal(changes_find(&c, "/a"), CHANGES_NEW | CHANGES_GONE);
	changes_clear(&c);
	buf_clear(&text);
}

#define T(f) cmocka_unit_test_setup_teardown(f, enter, leave)

static int
tests(void)
{
	const struct CMUnitTest all[] = {
		T(what_is_not_told_is_linked_and_what_is_gone_is_not),
		T(a_folder_of_which_all_is_told_has_nothing_else),
		T(a_folder_that_rsync_did_not_meet_with_is_as_it_was),
		T(what_rsync_met_with_in_a_folders_place_gives_way_to_it),
		T(what_is_new_where_a_folder_was_stays),
		T(a_changed_folder_keeps_what_rsync_gave_it),
		T(it_is_given_up_when_it_is_to_stop),
		T(the_top_has_the_time_that_is_told),
		T(what_is_gone_goes_from_a_copy_and_what_is_new_is_single),
		T(what_is_told_leads_through_no_link),
		T(what_came_torn_is_taken_out_and_nothing_else),
		T(what_is_told_twice_counts_once),
	};

	return cmocka_run_group_tests(all, NULL, NULL);
}

int
main(void)
{
	int rc = tests();

	return rc != 0 ? rc : store_tmp_as_user(tests);
}
