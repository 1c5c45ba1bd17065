/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "authgen.h"
#include "keys.h"
#include "keystore.h"
#include "place.h"

static struct err e;

static void
add(struct keylist *l, const char *id, const char *line)
{
	struct keyline k;

	assert_int_equal(keyline_parse(line, strlen(line), &k, &e), 0);
	assert_int_equal(keylist_add(l, id, &k, "here", &e), 0);
}

/* Generation gen with one key more the higher more is; in force. */
static int
try_put(struct keystore *ks, uint64_t gen, int more, bool lie)
{
	struct keylist keys = { 0 };
	struct buf text, index, who;
	const struct keystore_files files = { &text, &index, &who };
	int rc;

	buf_init(&text, 1 << 20);
	buf_init(&who, 1 << 20);
	buf_init(&index, 1 << 20);
	add(&keys, "ann", LINE(ED));
	if (more > 0)
		add(&keys, "bob", LINE(P256));
	assert_int_equal(authgen_text("/p", "", 0, "gl", gen, &keys, &text,
	    &e), 0);
	assert_int_equal(authindex_emit("/p", gen, &keys, &index, &e), 0);
	assert_int_equal(authgen_principals("/p", &keys, &who, &e), 0);
	if (lie)
		add(&keys, "eve", LINE(P384));
	e = (struct err)ERR_INIT;
	rc = keystore_put(ks, gen, &files, &keys, &e);
	keylist_clear(&keys);
	buf_clear(&text);
	buf_clear(&index);
	buf_clear(&who);
	return rc;
}

static void
make(struct keystore *ks, uint64_t gen, int more)
{
	assert_int_equal(try_put(ks, gen, more, false), 0);
	assert_int_equal(keystore_switch(ks, gen, &e), 0);
}

static struct keystore
open_one(void)
{
	struct keystore ks = KEYSTORE_INIT;

	assert_int_equal(keystore_open(place, &ks, &e), 0);
	return ks;
}

static uint64_t
current(const struct keystore *ks)
{
	uint64_t n = 99;

	assert_int_equal(keystore_current(ks, &n, &e), 0);
	return n;
}

static void
keystore_begins_with_nothing_in_force(void **state)
{
	struct keystore ks = open_one();
	struct keystore_note note;
	uint64_t *v, n64;
	size_t n = 1;

	assert_int_equal(current(&ks), 0);
	assert_int_equal(keystore_list(&ks, &v, &n, &e), 0);
	assert_int_equal(n, 0);
	assert_int_equal(keystore_highest(&ks, &n64, &e), 0);
	assert_int_equal(n64, 0);
	keystore_noted(&ks, &note);
	assert_int_equal(note.time_s, 0);
	free(v);
	keystore_close(&ks);
}

static void
keystore_has_all_files_of_the_generation_in_force(void **state)
{
	struct keystore ks = open_one();
	struct keystore_map m = { 0 };
	struct authindex x;

	make(&ks, 7, 0);
	make(&ks, 9, 1);
	assert_int_equal(current(&ks), 9);
	assert_non_null(strstr(got_file("current/authorized_keys"),
	    "command=\"/p bob\" " LINE(P256) "\n"));
	assert_non_null(strstr(got_file("current/principals"),
	    "command=\"/p bob\" bob\n"));
	assert_int_equal(keystore_map(&ks, 9, "index", &m, &e), 0);
	assert_int_equal(authindex_parse(m.p, m.len, &x, &e), 0);
	assert_int_equal(x.count, 2);
	assert_int_equal(x.sequence, 9);
	keystore_unmap(&m);
	assert_int_equal(keystore_switch(&ks, 7, &e), 0);
	assert_null(strstr(got_file("current/authorized_keys"), "bob"));
	keystore_close(&ks);
}

static void
keystore_does_not_keep_what_reads_back_as_something_else(void **state)
{
	struct keystore ks = open_one();

	make(&ks, 1, 0);
	assert_int_equal(try_put(&ks, 2, 1, true), -1);
	assert_err(&e, ERR_CONFIG, "reading back");
	assert_int_equal(current(&ks), 1);
	assert_int_equal(access(at("generations/2"), F_OK), -1);
	assert_int_equal(access(at("generations/.new"), F_OK), -1);
	keystore_close(&ks);
}

static void
keystore_writes_no_generation_twice(void **state)
{
	struct keystore ks = open_one();

	make(&ks, 1, 0);
	assert_int_equal(try_put(&ks, 1, 1, false), -1);
	assert_int_equal(e.code, ERR_SYS);
	assert_null(strstr(got_file("current/authorized_keys"), "bob"));
	keystore_close(&ks);
}

static void
keystore_clears_away_what_a_dead_writer_left(void **state)
{
	struct keystore ks = open_one();

	make(&ks, 1, 0);
	assert_int_equal(mkdir(at("generations/.new"), 0700), 0);
	put("generations/.new/index", "half");
	assert_int_equal(mkdir(at("generations/.old"), 0700), 0);
	put("generations/.old/index", "half");
	assert_int_equal(symlink("nowhere", at(".current")), 0);
	make(&ks, 2, 1);
	make(&ks, 3, 1);
	assert_int_equal(current(&ks), 3);
	assert_int_equal(keystore_prune(&ks, 1, &e), 0);
	assert_int_equal(access(at("generations/.new"), F_OK), -1);
	assert_int_equal(access(at("generations/.old"), F_OK), -1);
	assert_int_equal(access(at("generations/2"), F_OK), -1);
	keystore_close(&ks);
}

static void
keystore_prune_keeps_the_last_ones_and_that_in_force(void **state)
{
	struct keystore ks = open_one();
	uint64_t *v, gen;
	size_t n;

	for (gen = 1; gen <= 6; gen++)
		make(&ks, gen * 10, 1);
	assert_int_equal(keystore_switch(&ks, 20, &e), 0);
	assert_int_equal(keystore_prune(&ks, 2, &e), 0);
	assert_int_equal(keystore_list(&ks, &v, &n, &e), 0);
	assert_int_equal(n, 3);
	assert_int_equal(v[0], 20);
	assert_int_equal(v[1], 50);
	assert_int_equal(v[2], 60);
	assert_int_equal(keystore_highest(&ks, &gen, &e), 0);
	assert_int_equal(gen, 60);
	free(v);
	keystore_close(&ks);
}

static void
keystore_remembers_the_last_push_beyond_its_generations(void **state)
{
	struct keystore_note note = { 77, 1234, 5, 1 }, got;
	struct keystore ks = open_one();
	uint64_t highest;

	make(&ks, 50, 0);
	assert_int_equal(keystore_note(&ks, &note, &e), 0);
	keystore_noted(&ks, &got);
	assert_memory_equal(&got, &note, sizeof(note));
	assert_int_equal(keystore_highest(&ks, &highest, &e), 0);
	assert_int_equal(highest, 77);
	put("refreshed", "77 1234 5\n");
	keystore_noted(&ks, &got);
	assert_int_equal(got.sequence, 0);
	keystore_close(&ks);
}

static void
keystore_follows_no_link_but_its_own(void **state)
{
	static const char *const to[] = { "/etc/passwd", "generations/../x",
		"generations/", "generations/01/../..", "generations/x",
		"elsewhere" };
	struct keystore ks = open_one(), other = KEYSTORE_INIT;
	uint64_t n;
	size_t i;

	make(&ks, 1, 0);
	for (i = 0; i < sizeof(to) / sizeof(to[0]); i++) {
		assert_int_equal(unlink(at("current")), 0);
		assert_int_equal(symlink(to[i], at("current")), 0);
		assert_int_equal(keystore_current(&ks, &n, &e), -1);
		assert_err(&e, ERR_UNSAFE, "not a link to one of");
		assert_int_equal(keystore_switch(&ks, 1, &e), -1);
	}
	assert_int_equal(unlink(at("current")), 0);
	put("current", "a file");
	assert_int_equal(keystore_switch(&ks, 1, &e), -1);
	assert_string_equal(got_file("current"), "a file");
	keystore_close(&ks);

	assert_int_equal(rename(at("generations"), at("real")), 0);
	assert_int_equal(symlink("real", at("generations")), 0);
	assert_int_equal(keystore_open(place, &other, &e), -1);
	assert_err(&e, ERR_UNSAFE, "symbolic link");
	assert_int_equal(symlink(place, at("me")), 0);
	assert_int_equal(keystore_open(at("me"), &other, &e), -1);
	assert_err(&e, ERR_UNSAFE, "symbolic link");
}

static void
keystore_refuses_a_folder_that_others_may_write_to(void **state)
{
	struct keystore ks = KEYSTORE_INIT;

	assert_int_equal(chmod(place, 0770), 0);
	assert_int_equal(keystore_open(place, &ks, &e), -1);
	assert_err(&e, ERR_UNSAFE, "nobody else may write to it");
	assert_int_equal(chmod(place, 0700), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(place, 12345, 12345), 0);
		assert_int_equal(keystore_open(place, &ks, &e), -1);
		assert_err(&e, ERR_UNSAFE, "must belong to");
		assert_int_equal(chown(place, 0, 0), 0);
	}
}

static void
keystore_is_one_writers_at_a_time(void **state)
{
	struct keystore a = open_one(), b = open_one();

	assert_int_equal(keystore_lock(&a, 0, &e), 0);
	assert_int_equal(keystore_lock(&b, 0, &e), -1);
	assert_int_equal(e.code, ERR_BUSY);
	keystore_close(&a);
	assert_int_equal(keystore_lock(&b, 0, &e), 0);
	keystore_close(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		in_place(keystore_begins_with_nothing_in_force),
		in_place(keystore_has_all_files_of_the_generation_in_force),
		in_place(
		    keystore_does_not_keep_what_reads_back_as_something_else),
		in_place(keystore_writes_no_generation_twice),
		in_place(keystore_clears_away_what_a_dead_writer_left),
		in_place(keystore_prune_keeps_the_last_ones_and_that_in_force),
		in_place(
		    keystore_remembers_the_last_push_beyond_its_generations),
		in_place(keystore_follows_no_link_but_its_own),
		in_place(keystore_refuses_a_folder_that_others_may_write_to),
		in_place(keystore_is_one_writers_at_a_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
