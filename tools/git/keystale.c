/* SPDX-License-Identifier: ISC */
#include "keystale.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define PATH	4096

bool
keystale_is(const struct keystore_note *last, int64_t stale_ms, int64_t now_s)
{
	if (stale_ms == 0)
		return false;
	return last->time_s == 0 || last->time_s > INT64_MAX / 1000 ||
	    now_s - (int64_t)last->time_s > stale_ms / 1000;
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
	char mark[PATH];
	int fd;

	if (snprintf(mark, PATH, "%s/stale", c->run_dir) >= PATH)
		return;
	if (!look(c, &last)) {
		if (unlink(mark) == 0)
			syslog(LOG_NOTICE, "the keys are fresh again");
		return;
	}
	/* Whoever makes it says so. */
	fd = open(mark, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
	    0600);
	if (fd == -1)
		return;
	close(fd);
	syslog(LOG_ALERT, "the keys are too old: the last push, sequence %llu, "
	    "came %lld s ago, and stale-after is %lld s; who was revoked "
	    "since may still be let in: postern git check on the git server",
	    (unsigned long long)last.sequence,
	    (long long)time(NULL) - (long long)last.time_s,
	    (long long)(c->stale_ms / 1000));
}
