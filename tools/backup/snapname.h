/* SPDX-License-Identifier: ISC */
/*
 * snapname: names of clients and of their snapshots. Pure.
 *
 *	CLIENT    [a-z0-9][a-z0-9._-]{0,62}, without "..", never what reads as a
 *	          snapshot's name, and not "lock" (a file of ours beside the
 *	          clients' folders). Jobs are named by the same grammar.
 *	SNAPSHOT  CLIENT.YYYY-mm-dd.UNIXTIME
 *
 * UNIXTIME is the store's clock, decimal without leading zeros, from 0 to the
 * end of the year 9999; the date is its day in UTC and must agree. So a name
 * that parses is one path component that begins with neither '.' nor '-',
 * and there is one name for each client and second.
 */
#ifndef POSTERN_SNAPNAME_H
#define POSTERN_SNAPNAME_H

#include <stdint.h>

#include "base/err.h"

#define SNAPNAME_CLIENT_MAX	63	/* bytes, without the NUL */
#define SNAPNAME_TIME_MAX	INT64_C(253402300799)	/* 9999-12-31 */
/* A whole name: two dots, a date, a time. Without the NUL. */
#define SNAPNAME_MAX		(SNAPNAME_CLIENT_MAX + 1 + 10 + 1 + 12)

struct snapname {
	char client[SNAPNAME_CLIENT_MAX + 1];
	int64_t time_s;		/* seconds since 1970, UTC */
};

/*
 * snapname_client(): whether name can be a client's (or a job's).
 * what   says in the message whose name it is ("client", "job").
 * Returns 0, or -1 ERR_CONFIG; the message is printable whatever name is.
 */
int snapname_client(const char *name, const char *what, struct err *e);

/* snapname_parse(): text, NUL-terminated, borrowed. 0, or -1 ERR_CONFIG; the
 * message is printable. */
int snapname_parse(const char *text, struct snapname *ret, struct err *e);

/* snapname_emit(): 0, or -1 ERR_CONFIG: no such client or time. What is
 * emitted parses to the same. */
int snapname_emit(const struct snapname *s, char ret[SNAPNAME_MAX + 1],
	struct err *e);

/* snapname_cmp(): as strcmp(), by time, those of one second by client. */
int snapname_cmp(const struct snapname *a, const struct snapname *b);

#endif
