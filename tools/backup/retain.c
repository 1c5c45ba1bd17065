/* SPDX-License-Identifier: ISC */
#include "retain.h"

#include <string.h>
#include <time.h>

#define HOUR_S	3600
#define DAY_S	86400

/* Which period a time falls in: any number that only grows with time. */

static int64_t
hour(int64_t t)
{
	return t / HOUR_S;
}

static int64_t
day(int64_t t)
{
	return t / DAY_S;
}

static int64_t
week(int64_t t)
{
	/* The first of January 1970 was a Thursday. */
	return (t / DAY_S + 3) / 7;
}

static int64_t
month(int64_t time_s)
{
	time_t t = (time_t)time_s;
	struct tm tm = { 0 };

	gmtime_r(&t, &tm);
	return (int64_t)tm.tm_year * 12 + tm.tm_mon;
}

static int64_t
year(int64_t time_s)
{
	return month(time_s) / 12;
}

static const struct rule {
	unsigned bit;
	size_t off;		/* in struct retain_rules */
	int64_t (*period)(int64_t t);	/* NULL: each is its own */
} rules_table[] = {
	{ RETAIN_LAST, offsetof(struct retain_rules, last), NULL },
	{ RETAIN_HOURLY, offsetof(struct retain_rules, hourly), hour },
	{ RETAIN_DAILY, offsetof(struct retain_rules, daily), day },
	{ RETAIN_WEEKLY, offsetof(struct retain_rules, weekly), week },
	{ RETAIN_MONTHLY, offsetof(struct retain_rules, monthly), month },
	{ RETAIN_YEARLY, offsetof(struct retain_rules, yearly), year },
};
#define NRULES	(sizeof(rules_table) / sizeof(rules_table[0]))

static const struct { unsigned bit; const char *name; } names[] = {
	{ RETAIN_LAST, "last" }, { RETAIN_HOURLY, "hourly" },
	{ RETAIN_DAILY, "daily" }, { RETAIN_WEEKLY, "weekly" },
	{ RETAIN_MONTHLY, "monthly" }, { RETAIN_YEARLY, "yearly" },
	{ RETAIN_MIN_KEEP, "min-keep" }, { RETAIN_PINNED, "pinned" },
	{ RETAIN_HELD, "held" }, { RETAIN_FUTURE, "future" },
	{ RETAIN_NO_RULE, "no rule" }, { RETAIN_OTHER_JOB, "other job" },
};

/* As strcmp(). */
static int
series(const struct retain_snap *a, const struct retain_snap *b)
{
	return strcmp(a->series != NULL ? a->series : "",
	    b->series != NULL ? b->series : "");
}

static int
series_and_newest_first(const void *a, const void *b)
{
	const struct retain_snap *x = a, *y = b;
	int by = series(x, y);

	return by != 0 ? by : (x->time_s < y->time_s) -
	    (x->time_s > y->time_s);
}

static unsigned
count_of(const struct retain_rules *rules, const struct rule *r)
{
	unsigned n;

	memcpy(&n, (const char *)rules + r->off, sizeof(n));
	return n;
}

/* One rule over those that are not from the future, the newest first. */
static void
mark_rule(struct retain_snap *v, size_t n, const struct rule *r, unsigned left)
{
	int64_t period, last = 0;
	bool any = false;
	size_t i;

	for (i = 0; i < n && left > 0; i++) {
		period = r->period != NULL ? r->period(v[i].time_s) : 0;
		if (any && r->period != NULL && period == last)
			continue;
		v[i].why |= r->bit;
		last = period;
		any = true;
		left--;
	}
}

static void
mark_min_keep(struct retain_snap *v, size_t n, unsigned min_keep)
{
	size_t i, stay = 0;

	for (i = 0; i < n; i++)
		stay += (v[i].why & ~(unsigned)RETAIN_HELD) != 0;
	for (i = 0; i < n && stay < min_keep; i++) {
		if ((v[i].why & ~(unsigned)RETAIN_HELD) != 0)
			continue;
		v[i].why |= RETAIN_MIN_KEEP;
		stay++;
	}
}

static void
mark_series(struct retain_snap *v, size_t n, const struct retain_rules *rules,
    int64_t now_s)
{
	size_t i, future = 0;
	bool any = false;

	for (i = 0; i < NRULES; i++)
		any = any || count_of(rules, &rules_table[i]) > 0;
	for (i = 0; i < n; i++) {
		v[i].why = (v[i].pinned ? RETAIN_PINNED : 0u) |
		    (v[i].held ? RETAIN_HELD : 0u) |
		    (any ? 0u : RETAIN_NO_RULE);
		if (v[i].time_s > now_s) {
			v[i].why |= RETAIN_FUTURE;
			future++;
		}
	}
	/* They are the first ones: the rules begin behind them. */
	v += future;
	n -= future;
	for (i = 0; i < NRULES; i++)
		mark_rule(v, n, &rules_table[i],
		    count_of(rules, &rules_table[i]));
	mark_min_keep(v, n, rules->min_keep);
}

void
retain_mark(struct retain_snap *v, size_t n, const struct retain_rules *rules,
    int64_t now_s)
{
	size_t i, end;

	if (n == 0)
		return;
	qsort(v, n, sizeof(*v), series_and_newest_first);
	for (i = 0; i < n; i = end) {
		for (end = i + 1; end < n && series(&v[i], &v[end]) == 0;)
			end++;
		mark_series(v + i, end - i, rules, now_s);
	}
}

int
retain_why(unsigned why, struct buf *out)
{
	const char *gap = "";
	size_t i;

	if (why == 0)
		return buf_addc(out, '-');
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if ((why & names[i].bit) == 0)
			continue;
		if (buf_addf(out, "%s%s", gap, names[i].name) == -1)
			return -1;
		gap = ", ";
	}
	return 0;
}
