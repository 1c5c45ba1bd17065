/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "retain.h"
#include "state.h"

#define DAY	86400
#define NOW	(INT64_C(20000) * DAY + 40000)

static struct state s;
static struct store_run runs_v[8];
static struct store_runs runs = { runs_v, 0, 0 };
static struct settings_policy policy;
static struct err e;

static int
enter(void **state)
{
	(void)state;
	s = (struct state){ .name = "laptop", .backend = STORE_HARDLINK };
	runs.n = 0;
	policy = (struct settings_policy){ .min_keep = 1 };
	e = (struct err)ERR_INIT;
	return 0;
}

static int
leave(void **state)
{
	(void)state;
	state_clear(&s);
	return 0;
}

static void
snapshots(size_t n, int newest)
{
	size_t i;

	s.history.v = calloc(n + 1, sizeof(*s.history.v));
	assert_non_null(s.history.v);
	for (i = 0; i < n; i++) {
		s.history.v[i] = (struct history_snap){ .recorded = true,
			.time_s = NOW - (newest + (int64_t)i) * DAY,
			.bytes = 1000, .added = 10 };
		snprintf(s.history.v[i].name, sizeof(s.history.v[i].name),
		    "laptop.%zu", i);
	}
	s.history.n = n;
}

static void
run(int days_ago, const char *op, const char *state, const char *message)
{
	struct store_run *r = &runs_v[runs.n++];

	*r = (struct store_run){ .time_s = NOW - days_ago * DAY };
	snprintf(r->op, sizeof(r->op), "%s", op);
	snprintf(r->state, sizeof(r->state), "%s", state);
	snprintf(r->message, sizeof(r->message), "%s", message);
}

static void
make(void)
{
	assert_int_equal(state_make(&s, &runs, &policy, NOW, &e), 0);
}

static void
alarms_are(const char *want)
{
	struct buf b;

	buf_init(&b, 4096);
	assert_int_equal(state_alarms(&s, &b), 0);
	assert_string_equal(b.data, want);
	buf_clear(&b);
}

static void
a_client_that_is_well_has_no_alarm(void **state)
{
	(void)state;
	policy.silent_days = 2;
	policy.quota = 2000;
	snapshots(3, 0);
	run(0, "run", "ok", "");
	run(0, "verify", "ok", "");
	make();
	assert_int_equal(s.alarms, 0);
	alarms_are("");
	assert_true(s.good_s == NOW);
	assert_int_equal(s.used, 1020);
}

static void
silence_is_longer_than_silent_days(void **state)
{
	(void)state;
	policy.silent_days = 2;
	snapshots(1, 2);
	make();
	assert_int_equal(s.alarms, 0);
	policy.silent_days = 1;
	make();
	assert_int_equal(s.alarms, STATE_SILENT);
	alarms_are("silent for 2 days");
}

static void
one_that_never_came_is_silent_from_its_acceptance_on(void **state)
{
	(void)state;
	policy.silent_days = 3;
	s.since_s = NOW - DAY;
	make();
	assert_int_equal(s.alarms, 0);
	s.since_s = NOW - 4 * DAY;
	run(1, "run", "failed", "no");
	make();
	assert_int_equal(s.alarms, STATE_SILENT);
	alarms_are("never made a backup");
	assert_int_equal(s.failures, 1);
}

static void
near_the_quota_is_90_per_cent(void **state)
{
	(void)state;
	snapshots(1, 0);
	policy.quota = 1112;
	make();
	assert_int_equal(s.alarms, 0);
	policy.quota = 1111;
	make();
	assert_int_equal(s.alarms, STATE_FULL);
	alarms_are("at 90 % of its quota");
	s.alarms = 0;
	policy.quota = 1;
	make();
	assert_int_equal(s.alarms, STATE_FULL);
}

static void
what_verify_found_is_told(void **state)
{
	(void)state;
	snapshots(1, 0);
	run(1, "verify", "failed", "2 files have rotted");
	make();
	assert_int_equal(s.alarms, STATE_ROTTEN);
	alarms_are("verify: 2 files have rotted");
}

static void
the_next_prune_is_that_after_the_next_backup(void **state)
{
	const struct history_snap *oldest = NULL;

	(void)state;
	policy.keep[KEEP_LAST] = 3;
	snapshots(3, 1);
	s.history.v[2].pinned = true;
	make();
	assert_int_equal(state_next(&s, &oldest), 0);
	assert_null(oldest);
	s.history.v[2].pinned = false;
	make();
	assert_int_equal(state_next(&s, &oldest), 1);
	assert_string_equal(oldest->name, "laptop.2");
	/* And now, without another one, all three stay. */
	assert_int_equal(history_mark(&s.history, &policy, NOW, false, &e), 0);
	assert_int_equal(state_next(&s, NULL), 0);
}

static void
the_calendar_tells_ran_failed_and_missed_apart(void **state)
{
	enum state_day *end = &s.days[STATE_DAYS - 1];

	(void)state;
	snapshots(1, 6);
	run(4, "run", "ok", "");
	run(3, "run", "failed", "no");
	run(3, "verify", "ok", "");
	make();
	assert_int_equal(end[-7], STATE_DAY_EMPTY);	/* before the first */
	assert_int_equal(end[-6], STATE_DAY_RAN);	/* a snapshot alone */
	assert_int_equal(end[-5], STATE_DAY_MISSED);
	assert_int_equal(end[-4], STATE_DAY_RAN);
	assert_int_equal(end[-3], STATE_DAY_FAILED);
	assert_int_equal(end[-1], STATE_DAY_MISSED);
	assert_int_equal(end[0], STATE_DAY_EMPTY);	/* it isn't over */
}

#define T(f) cmocka_unit_test_setup_teardown(f, enter, leave)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_client_that_is_well_has_no_alarm),
		T(silence_is_longer_than_silent_days),
		T(one_that_never_came_is_silent_from_its_acceptance_on),
		T(near_the_quota_is_90_per_cent),
		T(what_verify_found_is_told),
		T(the_next_prune_is_that_after_the_next_backup),
		T(the_calendar_tells_ran_failed_and_missed_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
