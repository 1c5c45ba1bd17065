/* SPDX-License-Identifier: ISC */
#include "keystale.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define PATH	4096

/* A time that is one. */
static bool
known(const struct keystore_note *last)
{
	return last->time_s != 0 && last->time_s <= INT64_MAX / 1000;
}

bool
keystale_is(const struct keystore_note *last, int64_t stale_ms, int64_t now_s)
{
	if (stale_ms == 0)
		return false;
	return !known(last) ||
	    now_s - (int64_t)last->time_s > stale_ms / 1000;
}

void
keystale_ago(const struct keystore_note *last, int64_t now_s,
    char ret[KEYSTALE_AGO])
{
	if (known(last))
		snprintf(ret, KEYSTALE_AGO, "%" PRId64 " s ago",
		    now_s - (int64_t)last->time_s);
	else
		snprintf(ret, KEYSTALE_AGO, "never");
}

/* There are keys, and they are too old. */
static bool
look(const struct gitconf_gateway *c, struct keystore_note *last)
{
	struct keystore ks = KEYSTORE_INIT;
	char path[PATH];
	struct stat st;

	ks.path = c->keys_dir;
	keystore_noted(&ks, last);
	if (last->time_s == 0 &&
	    (snprintf(path, PATH, "%s/current", c->keys_dir) >= PATH ||
	    lstat(path, &st) == -1))
		return false;
	return keystale_is(last, c->stale_ms, (int64_t)time(NULL));
}

void
keystale_tell(const struct gitconf_gateway *c)
{
	struct keystore_note last = { 0 };
	char mark[PATH], ago[KEYSTALE_AGO];
	int fd;

	if (snprintf(mark, PATH, "%s/stale", c->run_dir) >= PATH)
		return;
	if (!look(c, &last)) {
		if (unlink(mark) == 0)
			syslog(LOG_NOTICE, "the keys are fresh again");
		return;
	}
	/* Whoever makes it says so; where nobody can, each one does. */
	fd = open(mark, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
	    0600);
	if (fd == -1 && errno == EEXIST)
		return;
	if (fd != -1)
		close(fd);
	keystale_ago(&last, (int64_t)time(NULL), ago);
	syslog(LOG_ALERT, "the keys are too old: last push: %s, sequence %"
	    PRIu64 "; stale-after is %" PRId64 " s; who was revoked since may "
	    "still be let in: postern git check on the git server", ago,
	    last.sequence, c->stale_ms / 1000);
}
