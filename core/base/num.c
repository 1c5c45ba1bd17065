/* SPDX-License-Identifier: ISC */
#include "base/num.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define DAY_MS		86400000ull
#define DURATION_MAX_MS	(366 * DAY_MS)

/* The part of a refused string that a message repeats. */
#define SHOW		"%.40s"

/*
 * The digits at *s as a number; *s moves behind them. false when there are
 * none or they pass UINT64_MAX.
 */
static bool
digits(const char **s, uint64_t *ret)
{
	const char *p = *s;
	uint64_t n = 0, d;

	if (*p < '0' || *p > '9')
		return false;
	for (; *p >= '0' && *p <= '9'; p++) {
		d = (uint64_t)(*p - '0');
		if (n > (UINT64_MAX - d) / 10)
			return false;
		n = n * 10 + d;
	}
	*s = p;
	*ret = n;
	return true;
}

/* s can't be repeated to a terminal when it holds anything but these. */
static bool
plain(const char *s)
{
	for (; *s != '\0'; s++)
		if (*s < 0x20 || *s > 0x7e)
			return false;
	return true;
}

static int
refuse(struct err *e, const char *what, const char *s, const char *why)
{
	if (!plain(s))
		return err_set(e, ERR_USAGE, "%s: %s", what, why);
	return err_set(e, ERR_USAGE, "%s: '" SHOW "': %s", what, s, why);
}

int
num_u64(const char *s, const char *what, uint64_t min, uint64_t max,
    uint64_t *ret, struct err *e)
{
	const char *p = s;
	uint64_t n;

	if (*s < '0' || *s > '9')
		return refuse(e, what, s, "not a number");
	if (!digits(&p, &n))
		return refuse(e, what, s, "too large");
	if (*p != '\0')
		return refuse(e, what, s, "not a number");
	if (n < min || n > max)
		return err_set(e, ERR_USAGE,
		    "%s: '" SHOW "': must be from %llu to %llu", what, s,
		    (unsigned long long)min, (unsigned long long)max);
	*ret = n;
	return 0;
}

/* Milliseconds of the unit at *s, 0 when it is none; *s moves behind it. */
static uint64_t
unit_ms(const char **s)
{
	static const struct { const char *name; uint64_t ms; } units[] = {
		{ "ms", 1 },		/* before "m" */
		{ "s", 1000 },
		{ "m", 60000 },
		{ "h", 3600000 },
		{ "d", DAY_MS },
	};
	size_t i, len;

	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		len = strlen(units[i].name);
		if (strncmp(*s, units[i].name, len) == 0) {
			*s += len;
			return units[i].ms;
		}
	}
	return 0;
}

int
num_duration_ms(const char *s, const char *what, uint64_t *ret,
    struct err *e)
{
	static const char form[] =
	    "not a duration such as 500ms, 10s, 5m, 2h or 1h30m";
	static const char large[] = "longer than 366 days";
	uint64_t total = 0, last = UINT64_MAX, n, unit;
	const char *p = s;

	do {
		if (*p < '0' || *p > '9')
			return refuse(e, what, s, form);
		if (!digits(&p, &n))
			return refuse(e, what, s, large);
		if (*p == '\0' && last == UINT64_MAX)
			unit = 1000;
		else
			unit = unit_ms(&p);
		/* "30m1h" and "1m2m" are more likely slips than wishes. */
		if (unit == 0 || unit >= last)
			return refuse(e, what, s, form);
		last = unit;
		if (n > (DURATION_MAX_MS - total) / unit)
			return refuse(e, what, s, large);
		total += n * unit;
	} while (*p != '\0');
	*ret = total;
	return 0;
}

int
num_size(const char *s, const char *what, uint64_t *ret, struct err *e)
{
	static const char suffixes[] = "KMGT";
	const char *p = s, *suffix;
	unsigned shift = 0;
	uint64_t n;

	if (*s < '0' || *s > '9')
		return refuse(e, what, s, "not a size such as 4096, 64K or 1G");
	if (!digits(&p, &n))
		return refuse(e, what, s, "too large");
	if (*p != '\0') {
		suffix = strchr(suffixes, *p);
		if (suffix == NULL || p[1] != '\0')
			return refuse(e, what, s,
			    "not a size such as 4096, 64K or 1G");
		shift = 10 * (unsigned)(suffix - suffixes + 1);
	}
	if (n > UINT64_MAX >> shift)
		return refuse(e, what, s, "too large");
	*ret = n << shift;
	return 0;
}
