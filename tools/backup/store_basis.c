/* SPDX-License-Identifier: ISC */
#include "store_basis.h"

#include <string.h>

#include "store_rec.h"

const struct store_snap *
store_basis(const struct store_client *c, const struct store_list *l)
{
	const struct store_snap *any = store_list_basis(l, c->store->now());
	const struct store_snap *s = any;
	struct store_rec rec;
	bool same;

	if (c->job == NULL || any == NULL)
		return any;
	for (; s < l->snaps + l->n; s++) {
		if (store_rec_get(c, s->name, &rec, NULL) == -1)
			continue;
		same = strcmp(rec.job, c->job) == 0;
		store_rec_clear(&rec);
		if (same)
			return s;
	}
	return any;
}

bool
store_basis_ours(const struct store_client *c,
    const struct store_snap *basis)
{
	struct store_rec rec = { 0 };
	uint64_t uid = 0;

	if (store_rec_get(c, basis->name, &rec, NULL) == 0)
		uid = rec.receiver;
	store_rec_clear(&rec);
	return uid == c->recv_uid;
}

bool
store_basis_wide(const struct store_client *c,
    const struct store_snap *basis)
{
	struct store_rec rec = { 0 };
	bool wide = false;

	if (c->narrow && basis != NULL)
		wide = store_rec_get(c, basis->name, &rec, NULL) == -1 ||
		    !rec.one_fs;
	store_rec_clear(&rec);
	return wide;
}
