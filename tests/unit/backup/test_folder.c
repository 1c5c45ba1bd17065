/* SPDX-License-Identifier: ISC */
#include "store_tmp.h"

#include <sys/xattr.h>

#include "fakestat.h"
#include "folder.h"
#include "history.h"
#include "proc/msg.h"
#include "rows.h"
#include "store_hold.h"
#include "store_rec.h"

#define SNAP	"laptop.2023-11-14.1700000000"
#define SNAP2	"laptop.2023-11-14.1700000001"

static struct err e;

static int
enter(void **state)
{
	e = (struct err)ERR_INIT;
	if (store_tmp_enter(state) == -1)
		return -1;
	if (mkdirat(client.fd, SNAP, 0700) == -1 ||
	    mkdirat(client.fd, SNAP "/etc", 0700) == -1 ||
	    symlinkat("/etc", client.fd, SNAP "/out") == -1 ||
	    symlinkat("etc", client.fd, SNAP "/in") == -1)
		return -1;
	put(SNAP "/etc/b", "12345");
	put(SNAP "/etc/a\n", "");
	put("outside", "");
	return 0;
}

static int
add_name(void *arg, const struct rows_entry *r, struct err *why)
{
	struct buf *b = arg;

	(void)why;
	return buf_addf(b, "%s:%s:%o:%u:%llu%s%s ", r->name,
	    rows_kind(r->mode), r->mode & 07777u, r->uid,
	    (unsigned long long)r->size, r->link != NULL ? ">" : "",
	    r->link != NULL ? r->link : "");
}

static void
lists(const char *path, const char *want)
{
	const struct rows_calls calls = { NULL, add_name };
	struct buf b, text;
	struct folder f;

	assert_int_equal(folder_open(&client, SNAP, path, &f, &e), 0);
	buf_init(&b, MSG_MAX);
	buf_init(&text, 4096);
	assert_int_equal(folder_rows(&f, &b), 0);
	assert_int_equal(rows_parse(b.data, b.len, &calls, &text, &e), 0);
	assert_string_equal(text.data, want);
	buf_clear(&b);
	buf_clear(&text);
	folder_close(&f);
}

static void
refuses(const char *snapshot, const char *path, enum err_code code,
    const char *why)
{
	struct folder f;

	assert_int_equal(folder_open(&client, snapshot, path, &f, &e), -1);
	assert_err(&e, code, why);
}

static void
a_folder_is_listed_by_name_and_a_file_alone(void **state)
{
	char want[128];

	(void)state;
	snprintf(want, sizeof(want), "a\n:file:600:%u:0 b:file:600:%u:5 ",
	    geteuid(), geteuid());
	lists("/etc", want);
	snprintf(want, sizeof(want), "b:file:600:%u:5 ", geteuid());
	lists("/etc/b", want);
	snprintf(want, sizeof(want), "out:link:777:%u:0>/etc ", geteuid());
	lists("/out", want);
}

static void
no_link_is_followed_and_nothing_above_is_reached(void **state)
{
	(void)state;
	refuses(SNAP, "/out/passwd", ERR_REFUSED, "symbolic link");
	refuses(SNAP, "/in/b", ERR_REFUSED, "symbolic link");
	refuses(SNAP, "/../outside", ERR_REFUSED, "symbolic link is on the");
	refuses(SNAP, "/none", ERR_REFUSED, "has no /none");
	refuses("../laptop", "/", ERR_CONFIG, "");
	refuses("desk.2023-11-14.1700000000", "/", ERR_CONFIG, "desk");
	refuses(SNAP2, "/", ERR_REFUSED, "no such snapshot");
	/* A link in a snapshot's place. */
	assert_int_equal(symlinkat("/etc", client.fd, SNAP2), 0);
	refuses(SNAP2, "/", ERR_UNSAFE, "");
}

static void
metadata_is_what_was_backed_up(void **state)
{
	static const char dev[] = "20660 1,3 0:6", link[] = "120777 0,0 7:7";
	int fd;

	(void)state;
	assert_int_equal(mkdirat(client.fd, SNAP "/f", 0700), 0);
	put(SNAP "/f/dev", "");
	put(SNAP "/f/link", "to/there");
	fd = openat(client.fd, SNAP "/f/dev", O_RDONLY);
	assert_int_equal(fsetxattr(fd, FAKESTAT_ATTR, dev, strlen(dev), 0),
	    0);
	close(fd);
	fd = openat(client.fd, SNAP "/f/link", O_RDONLY);
	assert_int_equal(fsetxattr(fd, FAKESTAT_ATTR, link, strlen(link), 0),
	    0);
	close(fd);
	lists("/f", "dev:char:660:0:0 link:link:777:7:0>to/there ");
}

static void
rows_come_in_as_many_frames_as_they_need(void **state)
{
	const struct rows_calls calls = { NULL, add_name };
	struct buf b, text;
	struct folder f;
	unsigned frames = 0;
	int more;

	(void)state;
	assert_int_equal(folder_open(&client, SNAP, "/etc", &f, &e), 0);
	buf_init(&b, 70);
	buf_init(&text, 4096);
	do {
		buf_clear(&b);
		more = folder_rows(&f, &b);
		assert_int_equal(rows_parse(b.data, b.len, &calls, &text,
		    &e), 0);
		frames++;
	} while (more == 1);
	assert_int_equal(frames, 2);
	assert_non_null(strstr(text.data, "b:file"));
	buf_clear(&b);
	buf_clear(&text);
	folder_close(&f);
}

static void
a_snapshot_is_held_while_it_is_listed(void **state)
{
	struct folder f;

	(void)state;
	assert_false(store_hold_held(&client, SNAP));
	assert_int_equal(folder_open(&client, SNAP, "/", &f, &e), 0);
	assert_true(store_hold_held(&client, SNAP));
	folder_close(&f);
	assert_false(store_hold_held(&client, SNAP));
}

/* Who only looked was once taken for a reader, and kept readers away. */
static void
looking_whether_it_is_held_disturbs_nobody(void **state)
{
	int hold = -1, again = -1, i;

	(void)state;
	for (i = 0; i < 3; i++)
		assert_false(store_hold_held(&client, SNAP));
	assert_int_equal(store_hold_alone(&client, SNAP, &hold, &e), 0);
	assert_true(store_hold_held(&client, SNAP));
	assert_int_equal(store_hold_take(&client, SNAP, &again, NULL, &e),
	    -1);
	assert_err(&e, ERR_REFUSED, "is being removed");
	close(hold);
	assert_int_equal(store_hold_take(&client, SNAP, &hold, NULL, &e), 0);
	assert_int_equal(store_hold_take(&client, SNAP, &again, NULL, &e), 0);
	close(hold);
	assert_true(store_hold_held(&client, SNAP));
	close(again);
	assert_false(store_hold_held(&client, SNAP));
}

static void
a_history_has_records_pins_and_what_goes(void **state)
{
	struct store_rec rec = { .backend = STORE_HARDLINK, .bytes = 50,
		.added = 50, .files = 2, .partial = true };
	struct settings_policy p = { .keep = { [KEEP_LAST] = 1 },
		.min_keep = 1 };
	struct history h;
	struct buf b;
	uint64_t used;

	(void)state;
	assert_int_equal(mkdirat(client.fd, SNAP2, 0700), 0);
	snprintf(rec.rsync, sizeof(rec.rsync), "3.5.0");
	snprintf(rec.mode, sizeof(rec.mode), "channel");
	assert_int_equal(store_rec_put(&client, SNAP, &rec, &e), 0);
	assert_int_equal(store_hold_pin(&client, SNAP, true, &e), 0);
	assert_int_equal(history_read(&client, &h, &e), 0);
	assert_int_equal(h.n, 2);
	assert_int_equal(h.stray_n, 1);
	assert_string_equal(h.v[0].name, SNAP2);
	assert_false(h.v[0].recorded);
	assert_true(h.v[1].recorded && h.v[1].pinned && h.v[1].partial);
	buf_init(&b, 100);
	assert_int_equal(history_flags(&h.v[1], &b), 0);
	assert_string_equal(b.data, "pinned, partial");
	buf_clear(&b);
	assert_int_equal(history_used(&h, &used, &e), 0);
	assert_int_equal(used, 50);
	assert_int_equal(history_mark(&h, &p, 1700000009, false, &e), 0);
	assert_true(h.v[0].why != 0 && h.v[1].why != 0);
	h.v[1].pinned = false;
	assert_int_equal(history_mark(&h, &p, 1700000009, false, &e), 0);
	assert_true(h.v[0].why != 0 && h.v[1].why == 0);
	/* After the next one. */
	assert_int_equal(history_mark(&h, &p, 1700000009, true, &e), 0);
	assert_true(h.v[0].why == 0 && h.v[1].why == 0);
	history_clear(&h);
}

#define T(f) cmocka_unit_test_setup_teardown(f, enter, store_tmp_leave)

static int
tests(void)
{
	const struct CMUnitTest all[] = {
		T(a_folder_is_listed_by_name_and_a_file_alone),
		T(no_link_is_followed_and_nothing_above_is_reached),
		T(metadata_is_what_was_backed_up),
		T(rows_come_in_as_many_frames_as_they_need),
		T(a_snapshot_is_held_while_it_is_listed),
		T(looking_whether_it_is_held_disturbs_nobody),
		T(a_history_has_records_pins_and_what_goes),
	};

	return cmocka_run_group_tests(all, NULL, NULL);
}

int
main(void)
{
	int failed = tests();

	return failed + store_tmp_as_user(tests);
}
