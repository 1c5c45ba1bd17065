/* SPDX-License-Identifier: ISC */
#include "prune.h"

#include "history.h"
#include "store_remove.h"

static int
remove_all(const struct store_client *c, const struct history *h, bool dry,
    struct strv *removed, struct err *e)
{
	const struct history_snap *snap;
	size_t i;

	/* The oldest first: what a crash leaves is a shorter history. */
	for (i = h->n; i-- > 0;) {
		snap = &h->v[i];
		if (snap->why != 0)
			continue;
		if (!dry && store_remove(c, snap->name, e) == -1) {
			/* Read or pinned since. */
			if (e->code != ERR_BUSY && e->code != ERR_REFUSED)
				return -1;
			*e = (struct err)ERR_INIT;
			continue;
		}
		if (strv_add(removed, snap->name) == -1)
			return err_set(e, ERR_MEM, "out of memory");
	}
	return 0;
}

struct retain_rules
prune_rules(const struct settings_policy *p)
{
	return (struct retain_rules){
		.last = (unsigned)p->keep[KEEP_LAST],
		.hourly = (unsigned)p->keep[KEEP_HOURLY],
		.daily = (unsigned)p->keep[KEEP_DAILY],
		.weekly = (unsigned)p->keep[KEEP_WEEKLY],
		.monthly = (unsigned)p->keep[KEEP_MONTHLY],
		.yearly = (unsigned)p->keep[KEEP_YEARLY],
		.min_keep = (unsigned)p->min_keep,
	};
}

int
prune_mark(const struct store_client *c, struct history *h,
    const struct settings_policy *p, const char *job, struct err *e)
{
	if (job == NULL)
		return history_mark(h, p, c->store->now(), false, e);
	return history_retire(h, job) > 0 ? 0 : err_set(e, ERR_CONFIG,
	    "%s has no snapshot of a job '%s'", c->name, job);
}

int
prune_client(const struct store_client *c, const struct settings_policy *p,
    const char *job, bool dry, struct strv *removed, struct err *e)
{
	struct history h;
	int rc;

	if (history_read(c, &h, e) == -1)
		return -1;
	rc = prune_mark(c, &h, p, job, e);
	if (rc == 0)
		rc = remove_all(c, &h, dry, removed, e);
	history_clear(&h);
	return rc;
}
