/* SPDX-License-Identifier: ISC */
/* size: sizes and times as a person reads them. Pure but for the time zone. */
#ifndef BACKUP_SIZE_H
#define BACKUP_SIZE_H

#include <stdint.h>

#define SIZE_TEXT	16	/* bytes, with the NUL */
#define SIZE_TIME	24

/* size_text(): "17 B", "1.2 GiB". */
void size_text(uint64_t bytes, char out[SIZE_TEXT]);

/* size_time(): "2026-11-21 22:37", local time; "never" for 0 and less. */
void size_time(int64_t time_s, char out[SIZE_TIME]);

/* size_date(): "2026-11-21" in UTC, which the days of a calendar are of. */
void size_date(int64_t time_s, char out[SIZE_TIME]);

/* size_ago(): "12 s", "5 min", "3 h", "12 days": how long seconds are. */
void size_ago(int64_t seconds, char out[SIZE_TEXT]);

#endif
