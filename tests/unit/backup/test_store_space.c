/* SPDX-License-Identifier: ISC */
/* What goes for the sake of space, as a table. */
#include "../unit.h"

#include "../failmalloc.h"
#include "store_space.h"

#define GIB	(1ull << 30)
#define TOP	9		/* snapshots of a client at most */

/* A client as "NAME:BYTES/ADDED…", GiB, the oldest first; '!' pinned. */
struct fixture {
	struct store_space_client clients[4];
	struct store_space_snap snaps[4][TOP];
	char names[4][TOP][8];
	size_t n;
};

static void
add(struct fixture *f, const char *name, const char *text)
{
	struct store_space_client *c = &f->clients[f->n];
	struct store_space_snap *s;
	char *end;

	c->name = name;
	c->snaps = f->snaps[f->n];
	for (; *text != '\0'; c->n++) {
		s = &f->snaps[f->n][c->n];
		snprintf(f->names[f->n][c->n], 8, "%s%zu", name, c->n + 1);
		s->name = f->names[f->n][c->n];
		s->bytes = strtoull(text, &end, 10) * GIB;
		s->added = strtoull(end + 1, &end, 10) * GIB;
		s->keep = *end == '!';
		text = end + strspn(end, "! ");
	}
	f->n++;
}

/* The steps in words: "a1 a2 | b1": what is for the quota comes before |. */
static const char *
words(const struct fixture *f, const struct store_space_plan *p)
{
	static char out[512];
	size_t i, at = 0;
	int quota = 1;

	out[0] = '\0';
	for (i = 0; i < p->n; i++) {
		if (quota && !p->steps[i].quota) {
			quota = 0;
			at += (size_t)snprintf(out + at, sizeof(out) - at,
			    "%s|", at > 0 ? " " : "");
		}
		at += (size_t)snprintf(out + at, sizeof(out) - at, "%s%s",
		    at > 0 ? " " : "", f->clients[p->steps[i].client].
		    snaps[p->steps[i].snap].name);
	}
	return out;
}

static const struct row {
	const char *a, *b, *c;	/* the tables; a runs */
	unsigned free, min_free, quota;		/* GiB */
	size_t min_keep;
	bool across;
	const char *want;
	unsigned need, used, used_after;	/* GiB */
	bool over;
} rows[] = {
	/* Nothing there yet, or enough is free: nothing goes. */
	{ "", "", "", 5, 5, 0, 1, true, "", 5, 0, 0 },
	{ "10/10 10/2", "", "", 5, 5, 0, 1, true, "", 5, 12, 12 },
	/* The average is of what was added, and counts against min-free. */
	{ "10/10 10/2 10/6", "", "", 3, 1, 0, 1, false, "| a1 a2", 4, 18,
	    18 },
	{ "10/10 10/2 10/6", "", "", 4, 1, 0, 1, false, "", 4, 18, 18 },
	/* The oldest first, never under min-keep. */
	{ "1/1 1/1 1/1 1/1", "", "", 0, 2, 0, 2, false, "| a1 a2", 2, 4, 4 },
	{ "1/1 1/1", "", "", 0, 2, 0, 2, false, "", 2, 2, 2 },
	{ "1/1 1/1", "", "", 0, 2, 0, 9, false, "", 2, 2, 2 },
	{ "1/1 1/1", "", "", 0, 2, 0, 0, false, "| a1 a2", 2, 2, 2 },
	/* Pinned ones stay, and count for min-keep. */
	{ "1/1! 1/1 1/1! 1/1", "", "", 0, 2, 0, 1, false, "| a2 a4", 2, 4,
	    4 },
	{ "1/1! 1/1 1/1! 1/1", "", "", 0, 2, 0, 3, false, "| a2", 2, 4, 4 },
	/* Others only by the setting, after one's own, in turn. */
	{ "1/1 1/1", "1/1 1/1 1/1", "1/1 1/1", 0, 2, 0, 1, false, "| a1", 2,
	    2, 2 },
	{ "1/1 1/1", "1/1 1/1 1/1", "1/1 1/1", 0, 2, 0, 1, true,
	    "| a1 b1 c1 b2", 2, 2, 2 },
	{ "1/1 1/1", "1/1! 1/1 1/1", "1/1!", 0, 2, 0, 0, true,
	    "| a1 a2 b2 b3", 2, 2, 2 },
	{ "", "1/1 1/1 1/1", "", 0, 2, 0, 1, true, "| b1 b2", 2, 0, 0 },
	/* The quota: what is used and one more; others don't matter. */
	{ "10/10 10/2 10/2", "99/99", "", 50, 5, 16, 1, true, "", 5, 14,
	    14 },
	{ "10/10 10/2 10/2", "99/99", "", 50, 5, 15, 1, true, "a1", 5, 14,
	    12 },
	{ "10/10 10/2 10/2", "", "", 50, 5, 13, 1, false, "a1 a2", 5, 14,
	    10 },
	/* Then in vain: nothing goes at all, also not for the space. */
	{ "10/10 10/2 10/2", "99/99 99/99", "", 0, 5, 11, 1, true, "", 5, 14,
	    10, true },
	{ "10/10! 10/2 10/2", "", "", 50, 5, 11, 1, false, "", 5, 14, 10,
	    true },
	/* For the quota first, then for the space. */
	{ "10/10 10/2 10/2 10/2", "", "", 0, 5, 16, 1, false, "a1 | a2 a3", 5,
	    16, 14 },
	/* A first snapshot alone: half of the disk may be free. */
	{ "100/100", "", "", 50, 5, 150, 1, false, "", 5, 100, 100 },
	/* A middle one went: the largest is what counts at least. */
	{ "1/1 50/2", "", "", 50, 5, 0, 1, false, "", 5, 50, 50 },
};

static void
each_row_of_the_table_holds(void **state)
{
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];
		struct store_space_rules rules = { r->min_free * GIB,
		    r->quota * GIB, r->across };
		struct store_space_room room = { .inodes = UINT64_MAX };
		struct store_space_plan p;
		struct fixture f = { 0 };
		struct err e = ERR_INIT;

		add(&f, "a", r->a);
		add(&f, "b", r->b);
		add(&f, "c", r->c);
		f.clients[0].min_keep = f.clients[1].min_keep =
		    f.clients[2].min_keep = r->min_keep;
		room.bytes = r->free * GIB;
		assert_int_equal(store_space_plan(f.clients, f.n, 0, &rules,
		    &room, &p, &e), 0);
		if (strcmp(words(&f, &p), r->want) != 0)
			fail_msg("row %zu: '%s', not '%s'", i, words(&f, &p),
			    r->want);
		if (p.need != r->need * GIB || p.used != r->used * GIB ||
		    p.used_after != r->used_after * GIB ||
		    p.over_quota != r->over)
			fail_msg("row %zu: need %llu used %llu after %llu", i,
			    (unsigned long long)(p.need / GIB),
			    (unsigned long long)(p.used / GIB),
			    (unsigned long long)(p.used_after / GIB));
		store_space_clear(&p);
	}
}

static void
absurd_sizes_do_not_wrap(void **state)
{
	struct store_space_snap s[] = { { "a1", UINT64_MAX, UINT64_MAX },
	    { "a2", UINT64_MAX, UINT64_MAX }, { "a3", 1, UINT64_MAX } };
	struct store_space_client c = { "a", s, 3, .min_keep = 1 };
	struct store_space_rules rules = { 0, 100, false };
	struct store_space_room room = { 5, UINT64_MAX, 0 };
	struct store_space_plan p;
	struct err e = ERR_INIT;

	assert_int_equal(store_space_plan(&c, 1, 0, &rules, &room, &p, &e), 0);
	assert_true(p.used == UINT64_MAX);
	assert_true(p.over_quota);
	assert_int_equal(p.n, 0);
	store_space_clear(&p);
}

static void
out_of_memory_is_said(void **state)
{
	struct store_space_rules rules = { GIB, 0, true };
	struct store_space_room room = { 0, UINT64_MAX, 0 };
	struct store_space_plan p;
	struct fixture f = { 0 };
	struct err e = ERR_INIT;
	unsigned long n;
	int rc;

	add(&f, "a", "1/1 1/1");
	add(&f, "b", "1/1 1/1");
	for (n = 1;; n++) {
		failmalloc_arm(n);
		rc = store_space_plan(f.clients, f.n, 0, &rules, &room,
		    &p, &e);
		if (!failmalloc_disarm())
			break;
		assert_int_equal(rc, -1);
		assert_int_equal(e.code, ERR_MEM);
	}
	assert_true(n > 4);
	store_space_clear(&p);
}

int
main(void)
{
	const struct CMUnitTest all[] = {
		cmocka_unit_test(each_row_of_the_table_holds),
		cmocka_unit_test(absurd_sizes_do_not_wrap),
		cmocka_unit_test(out_of_memory_is_said),
	};

	return cmocka_run_group_tests(all, NULL, NULL);
}
