/* SPDX-License-Identifier: ISC */
#include "keyend.h"

#include <syslog.h>

#include "keyask.h"
#include "sessions.h"

struct in_force {
	const struct authindex *x;
	const struct keylist *base;
};

static bool
keeps(void *arg, const struct session *s)
{
	const struct in_force *f = arg;

	return f->x == NULL || keyask_holds(f->x, f->base, s->id, s->fp);
}

static void
ended(void *arg, const struct session *s)
{
	(void)arg;
	syslog(LOG_NOTICE, "session %s of %s (%s) ended: its key is not in "
	    "force any more", s->sid, s->id, s->fp);
}

int
keyend_run(const char *dir, const struct authindex *x,
    const struct keylist *base, size_t *ret_n, struct err *e)
{
	struct in_force f = { x, base };

	return sessions_sweep(dir, keeps, ended, &f, ret_n, e);
}
