/* SPDX-License-Identifier: ISC */
#include "size.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

void
size_text(uint64_t bytes, char out[SIZE_TEXT])
{
	static const char units[] = "KMGTPE";
	double v = (double)bytes;
	int i = -1;

	/* What would be written as 1024.0 is the next unit's 1.0. */
	while (v >= 1023.95 && units[i + 1] != '\0') {
		v /= 1024;
		i++;
	}
	if (i < 0)
		snprintf(out, SIZE_TEXT, "%" PRIu64 " B", bytes);
	else
		snprintf(out, SIZE_TEXT, "%.1f %ciB", v, units[i]);
}

void
size_time(int64_t time_s, char out[SIZE_TIME])
{
	time_t t = (time_t)time_s;
	struct tm tm;

	if (time_s <= 0 || localtime_r(&t, &tm) == NULL ||
	    strftime(out, SIZE_TIME, "%Y-%m-%d %H:%M", &tm) == 0)
		snprintf(out, SIZE_TIME, "never");
}

void
size_date(int64_t time_s, char out[SIZE_TIME])
{
	time_t t = (time_t)time_s;
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(out, SIZE_TIME, "%Y-%m-%d", &tm) == 0)
		snprintf(out, SIZE_TIME, "?");
}

void
size_ago(int64_t s, char out[SIZE_TEXT])
{
	if (s < 120)
		snprintf(out, SIZE_TEXT, "%" PRId64 " s", s < 0 ? 0 : s);
	else if (s < 2 * 3600)
		snprintf(out, SIZE_TEXT, "%" PRId64 " min", s / 60);
	else if (s < 2 * 86400)
		snprintf(out, SIZE_TEXT, "%" PRId64 " h", s / 3600);
	else
		snprintf(out, SIZE_TEXT, "%u days",
		    (unsigned)(s / 86400 % 1000000));
}
