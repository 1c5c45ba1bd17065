/* SPDX-License-Identifier: ISC */
#include "prune.h"

#include <stdlib.h>

#include "store_hold.h"
#include "store_list.h"
#include "store_remove.h"

static int
remove_all(const struct store_client *c, const struct retain_snap *v,
    size_t n, bool dry, struct strv *removed, struct err *e)
{
	const struct store_snap *snap;
	size_t i;

	/* The oldest first: what a crash leaves is a shorter history. */
	for (i = n; i-- > 0;) {
		snap = v[i].tag;
		if (v[i].why != 0)
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
prune_client(const struct store_client *c, const struct settings_policy *p,
    bool dry, struct strv *removed, struct err *e)
{
	const struct retain_rules rules = prune_rules(p);
	struct store_list list = { 0 };
	struct retain_snap *v;
	size_t i;
	int rc;

	if (store_list_read(c, &list, e) == -1)
		return -1;
	v = calloc(list.n + 1, sizeof(*v));
	if (v == NULL) {
		store_list_clear(&list);
		return err_set(e, ERR_MEM, "out of memory");
	}
	for (i = 0; i < list.n; i++)
		v[i] = (struct retain_snap){ .time_s = list.snaps[i].time_s,
			.pinned = store_hold_pinned(c, list.snaps[i].name),
			.held = store_hold_held(c, list.snaps[i].name),
			.tag = &list.snaps[i] };
	retain_mark(v, list.n, &rules, c->store->now());
	rc = remove_all(c, v, list.n, dry, removed, e);
	free(v);
	store_list_clear(&list);
	return rc;
}
