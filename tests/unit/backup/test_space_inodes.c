/* SPDX-License-Identifier: ISC */
/* What goes for the sake of inodes, and what goes before any snapshot. */
#include "../unit.h"

#include "store_space.h"

#define NONE	UINT64_MAX	/* a file system that makes them as needed */

/* Client a has snapshots a1 to a4, b has b1 to b3; what each took. */
static struct store_space_snap a[] = {
	{ .name = "a1", .bytes = 9, .added = 9, .inodes = 900 },
	{ .name = "a2", .bytes = 9, .added = 1, .inodes = 100 },
	{ .name = "a3", .bytes = 9, .added = 1, .inodes = 0 },
	{ .name = "a4", .bytes = 9, .added = 1, .inodes = 200 },
};
static struct store_space_snap b[] = {
	{ .name = "b1" }, { .name = "b2" }, { .name = "b3" },
};

static const struct row {
	uint64_t bytes, inodes, spare;	/* there is */
	size_t min_keep;
	bool across, a_left, b_left;
	const char *want;
	uint64_t need_inodes;
} rows[] = {
	/* The average without the oldest, 100, on top of what is spare. */
	{ 99, 120, 20, 1, false, false, false, "", 120 },
	{ 99, 119, 20, 1, false, false, false, "a1 a2 a3", 120 },
	/* Without a number of them they are no reason. */
	{ 99, NONE, 0, 1, false, false, false, "", 0 },
	{ 2, NONE, 0, 1, false, false, false, "a1 a2 a3", 0 },
	/* The same rules: min-keep, others by the setting only, in turn. */
	{ 99, 0, 20, 3, false, false, false, "a1", 120 },
	{ 99, 0, 20, 9, false, false, false, "", 120 },
	{ 99, 0, 20, 2, true, false, false, "a1 a2 b1", 120 },
	/* What was abandoned goes first; one's own, which would be gone on
	 * with, after one's own history and before that of others. */
	{ 99, 120, 20, 1, true, true, true, "", 120 },
	{ 99, 119, 20, 3, false, true, true, "b/left a1 a/left", 120 },
	{ 99, 119, 20, 2, true, true, true, "b/left a1 a2 a/left b1", 120 },
	{ 99, 119, 20, 9, true, true, false, "a/left", 120 },
	{ 2, NONE, 0, 3, false, true, false, "a1 a/left", 0 },
};

static const char *
words(const struct store_space_client *c, const struct store_space_plan *p)
{
	static char out[256];
	size_t i, at = 0;

	out[0] = '\0';
	for (i = 0; i < p->n; i++) {
		const struct store_space_step *s = &p->steps[i];
		bool left = s->snap == STORE_SPACE_LEFT;

		assert_false(s->quota);
		at += (size_t)snprintf(out + at, sizeof(out) - at, "%s%s%s",
		    at > 0 ? " " : "", left ? c[s->client].name :
		    c[s->client].snaps[s->snap].name, left ? "/left" : "");
	}
	return out;
}

static void
each_row_of_the_table_holds(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];
		const struct store_space_client c[] = {
			{ "a", a, 4, r->a_left, r->min_keep, NONE, NONE },
			{ "b", b, 3, r->b_left, r->min_keep, NONE, NONE } };
		const struct store_space_rules rules = { 3, 0, r->across };
		const struct store_space_room room = { r->bytes, r->inodes,
			r->spare };
		struct store_space_plan p;
		struct err e = ERR_INIT;

		assert_int_equal(store_space_plan(c, 2, 0, &rules, &room, &p,
		    &e), 0);
		if (strcmp(words(c, &p), r->want) != 0 ||
		    p.need_inodes != r->need_inodes)
			fail_msg("row %zu: '%s', not '%s'; need %llu", i,
			    words(c, &p), r->want,
			    (unsigned long long)p.need_inodes);
		store_space_clear(&p);
	}
}

static void
both_have_to_be_enough(void **state)
{
	const struct store_space_plan p = { .need = 10, .need_inodes = 5 };
	static const struct { uint64_t bytes, inodes; bool want; } t[] = {
		{ 10, 5, true }, { 9, 5, false }, { 10, 4, false },
		{ 10, NONE, true },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		const struct store_space_room room = { t[i].bytes,
			t[i].inodes, 0 };

		assert_int_equal(store_space_enough(&p, &room), t[i].want);
	}
}

static void
a_quota_in_vain_leaves_what_a_run_has_left(void **state)
{
	const struct store_space_client c = { "a", a, 4, true, 1 };
	const struct store_space_rules rules = { 3, 1, false };
	const struct store_space_room room = { 0, 0, 20 };
	struct store_space_plan p;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(store_space_plan(&c, 1, 0, &rules, &room, &p, &e),
	    0);
	assert_true(p.over_quota);
	assert_int_equal(p.n, 0);
	store_space_clear(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row_of_the_table_holds),
		cmocka_unit_test(both_have_to_be_enough),
		cmocka_unit_test(a_quota_in_vain_leaves_what_a_run_has_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
