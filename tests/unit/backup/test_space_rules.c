/* SPDX-License-Identifier: ISC */
/* What stays whatever is needed: the series, the future, what would go in vain,
 * and other clients' own min-keep. A quota of inodes. */
#include "../unit.h"

#include "store_space.h"

#define NONE	UINT64_MAX
#define MIB	((uint64_t)1 << 20)

static const char *
words(const struct store_space_client *c, const struct store_space_plan *p)
{
	static char out[256];
	size_t i, at = 0;

	out[0] = '\0';
	for (i = 0; i < p->n; i++) {
		const struct store_space_step *s = &p->steps[i];

		at += (size_t)snprintf(out + at, sizeof(out) - at, "%s%s",
		    at > 0 ? " " : "", s->snap == STORE_SPACE_LEFT ? "left" :
		    c[s->client].snaps[s->snap].name);
	}
	return out;
}

/* Of clients, the first of which runs, what goes; r may be changed. */
static const char *
plan(const struct store_space_client *c, size_t n,
    struct store_space_rules rules, struct store_space_room room,
    struct store_space_plan *ret)
{
	struct err e = ERR_INIT;
	const char *said;

	assert_int_equal(store_space_plan(c, n, 0, &rules, &room, ret, &e),
	    0);
	said = words(c, ret);
	store_space_clear(ret);
	return said;
}

static void
each_job_keeps_its_newest(void **state)
{
	const struct store_space_snap s[] = {
		{ .name = "h1", .series = "home" },
		{ .name = "d1", .series = "db" },
		{ .name = "n1" },
		{ .name = "d2", .series = "db" },
		{ .name = "n2", .series = "" },
		{ .name = "d3", .series = "db" },
	};
	struct store_space_client c = { "a", s, 6, .min_keep = 1 };
	const struct store_space_rules rules = { 1, 0, false };
	const struct store_space_room room = { 0, NONE, 0 };
	struct store_space_plan p;

	(void)state;
	assert_string_equal(plan(&c, 1, rules, room, &p), "d1 n1 d2");
	c.min_keep = 2;
	assert_string_equal(plan(&c, 1, rules, room, &p), "d1");
	c.min_keep = 0;
	assert_string_equal(plan(&c, 1, rules, room, &p),
	    "h1 d1 n1 d2 n2 d3");
}

/* It was made before the clock was set back: neither goes it, nor is it one of
 * those that are kept. */
static void
one_of_the_future_stays_and_takes_no_place(void **state)
{
	const struct store_space_snap s[] = {
		{ .name = "a1" }, { .name = "a2" },
		{ .name = "a3", .future = true },
	};
	const struct store_space_snap held[] = {
		{ .name = "a1", .keep = true },
		{ .name = "a2", .future = true },
	};
	struct store_space_client c = { "a", s, 3, .min_keep = 1 };
	const struct store_space_rules rules = { 1, 0, false };
	const struct store_space_room room = { 0, NONE, 0 };
	struct store_space_plan p;

	(void)state;
	assert_string_equal(plan(&c, 1, rules, room, &p), "a1");
	c = (struct store_space_client){ "a", held, 2, .min_keep = 0 };
	assert_string_equal(plan(&c, 1, rules, room, &p), "");
}

static void
each_client_keeps_as_many_as_it_is_to(void **state)
{
	const struct store_space_snap a[] = { { .name = "a1" },
		{ .name = "a2" } };
	const struct store_space_snap b[] = { { .name = "b1" },
		{ .name = "b2" }, { .name = "b3" }, { .name = "b4" } };
	const struct store_space_client c[] = {
		{ "a", a, 2, .min_keep = 1 }, { "b", b, 4, .min_keep = 3 } };
	const struct store_space_rules rules = { 1, 0, true };
	const struct store_space_room room = { 0, NONE, 0 };
	struct store_space_plan p;

	(void)state;
	assert_string_equal(plan(c, 2, rules, room, &p), "a1 b1");
}

static const struct vain {
	uint64_t min_free, free, left, all;	/* MiB; all 0: not known */
	uint64_t inodes, spare;		/* 0: there is no number */
	bool vain;
	const char *want;
} vain[] = {
	/* Two of 10 MiB may go, and what is left of 5. */
	{ 30, 5, 5, 0, 0, 0, false, "a1 a2 left" },
	{ 31, 5, 5, 0, 0, 0, true, "" },
	{ 30, 4, 5, 0, 0, 0, true, "" },
	/* There is not as much as that. */
	{ 30, 5, 5, 29, 0, 0, true, "" },
	{ 30, 5, 5, 30, 0, 0, false, "a1 a2 left" },
	/* Each has 4 inodes. */
	{ 0, 5, 0, 0, 10, 18, false, "a1 a2" },
	{ 0, 5, 0, 0, 10, 19, true, "" },
	/* Enough is free. */
	{ 5, 5, 0, 0, 0, 0, false, "" },
};

static void
nothing_goes_in_vain(void **state)
{
	/* A name counts 8 KiB on top of what is in it. */
	const uint64_t bytes = 10 * MIB - 4 * 8192;
	const struct store_space_snap s[] = {
		{ .name = "a1", .bytes = bytes, .files = 4 },
		{ .name = "a2", .bytes = bytes, .files = 4 },
		{ .name = "a3", .bytes = bytes, .files = 4 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(vain) / sizeof(vain[0]); i++) {
		const struct vain *r = &vain[i];
		const struct store_space_client c = { "a", s, 3, r->left > 0,
			1, r->left * MIB, 0 };
		const struct store_space_rules rules = { r->min_free * MIB, 0,
			false };
		const struct store_space_room room = { r->free * MIB,
			r->inodes > 0 ? r->inodes : NONE, r->spare,
			r->all * MIB, 0 };
		struct store_space_plan p;
		struct err e = ERR_INIT;

		assert_int_equal(store_space_plan(&c, 1, 0, &rules, &room, &p,
		    &e), 0);
		if (p.in_vain != r->vain || strcmp(words(&c, &p), r->want) !=
		    0)
			fail_msg("row %zu: '%s'", i, words(&c, &p));
		store_space_clear(&p);
	}
}

/* Nobody counted what is in it: it may be anything. */
static void
without_a_record_nothing_is_in_vain(void **state)
{
	const struct store_space_snap s[] = { { .name = "a1" },
		{ .name = "a2", .files = NONE, .bytes = NONE } };
	const struct store_space_client c = { "a", s, 2, .min_keep = 1 };
	struct store_space_rules rules = { 99 * MIB, 0, false };
	struct store_space_room room = { 0, NONE, 0 };
	struct store_space_plan p;

	(void)state;
	assert_string_equal(plan(&c, 1, rules, room, &p), "a1");
	/* But for more than the whole file system. */
	room.all_bytes = 98 * MIB;
	assert_string_equal(plan(&c, 1, rules, room, &p), "");
}

static void
a_quota_goes_for_inodes_too(void **state)
{
	const struct store_space_snap s[] = {
		{ .name = "a1", .files = 40, .inodes = 40 },
		{ .name = "a2", .files = 40, .inodes = 10 },
		{ .name = "a3", .files = 40, .inodes = 20 },
	};
	const struct store_space_client c = { "a", s, 3, .min_keep = 1 };
	struct store_space_rules rules = { 0, 10 * MIB, false };
	/* Ten of a hundred, so 85 of 850: used are 70, and 15 an average. */
	struct store_space_room room = { 50 * MIB, 500, 0, 100 * MIB, 850 };
	struct store_space_plan p;

	(void)state;
	assert_int_equal(store_space_quota_inodes(10 * MIB, &room), 85);
	assert_string_equal(plan(&c, 1, rules, room, &p), "");
	room.all_inodes = 840;
	assert_string_equal(plan(&c, 1, rules, room, &p), "a1");
	room.all_inodes = 500;
	assert_string_equal(plan(&c, 1, rules, room, &p), "");
	/* No number, no quota, and one of the whole: none. */
	room.all_inodes = 0;
	assert_true(store_space_quota_inodes(10 * MIB, &room) == NONE);
	room.all_inodes = 850;
	assert_true(store_space_quota_inodes(0, &room) == NONE);
	assert_true(store_space_quota_inodes(100 * MIB, &room) == NONE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_job_keeps_its_newest),
		cmocka_unit_test(one_of_the_future_stays_and_takes_no_place),
		cmocka_unit_test(each_client_keeps_as_many_as_it_is_to),
		cmocka_unit_test(nothing_goes_in_vain),
		cmocka_unit_test(without_a_record_nothing_is_in_vain),
		cmocka_unit_test(a_quota_goes_for_inodes_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
