/* SPDX-License-Identifier: ISC */
/*
 * keystale: the alarm of a gateway whose keys were not refreshed for longer
 * than stale-after: somebody who was revoked since may still be let in.
 */
#ifndef GIT_KEYSTALE_H
#define GIT_KEYSTALE_H

#include <stdbool.h>
#include <stdint.h>

#include "gitconf.h"
#include "keystore.h"

/* keystale_is(): pure: whether the last push that was taken is older than
 * stale_ms (0: never); one that is not known is. now_s: seconds since 1970. */
bool keystale_is(const struct keystore_note *last, int64_t stale_ms,
	int64_t now_s);

/* keystale_ago(): pure: how long ago that push was, "SECONDS s ago", or
 * "never" where it is not known. */
#define KEYSTALE_AGO	32
void keystale_ago(const struct keystore_note *last, int64_t now_s,
	char ret[KEYSTALE_AGO]);

/* keystale_tell(): says so in syslog (LOG_ALERT), once until it is mended,
 * which is said too (LOG_NOTICE): a file "stale" in run-dir is there in
 * between; where that can't be made, it is said each time. For whoever may
 * write there: sessions, the pool. A store without keys is no alarm. */
void keystale_tell(const struct gitconf_gateway *c);

#endif
