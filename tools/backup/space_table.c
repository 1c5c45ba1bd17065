/* SPDX-License-Identifier: ISC */
#include "space_table.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "store_evict.h"
#include "store_hold.h"
#include "store_runs.h"
#include "store_weigh.h"

bool
space_table_left(const struct store_client *c, bool own)
{
	struct store_runs runs = { 0 };
	struct store_runs_state s;
	int64_t touched;
	struct stat st;

	if (fstatat(c->fd, STORE_INCOMING, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return false;
	if (own)
		return true;
	if (store_runs_read(c, &runs, NULL) == -1)
		return false;
	touched = (int64_t)st.st_ctim.tv_sec;
	store_runs_state(&runs, c->store->now(), &s);
	if (s.last != NULL && s.last->time_s > touched)
		touched = s.last->time_s;
	store_runs_clear(&runs);
	return c->store->now() - touched > STORE_EVICT_LEFT_S;
}

static void
part_clear(struct space_part *p)
{
	store_list_clear(&p->list);
	free(p->snaps);
	free(p->series);
	*p = (struct space_part){ .snaps = NULL };
}

static void
take(const struct store_client *c, const struct store_snap *from,
    struct store_space_snap *to, char series[STORE_REC_WORD])
{
	struct store_rec rec;

	to->name = from->name;
	to->series = series;
	to->future = from->time_s > c->store->now();
	to->keep = store_hold_pinned(c, from->name) ||
	    store_hold_held(c, from->name);
	/* One without a record, or a broken one, counts as nothing. */
	if (store_rec_get(c, from->name, &rec, NULL) == -1)
		return;
	to->bytes = rec.bytes;
	to->added = rec.added;
	to->inodes = rec.inodes;
	to->files = rec.files;
	memcpy(series, rec.job, STORE_REC_WORD);
	store_rec_clear(&rec);
}

/* Add c's part to the table, which has room for it. */
static int
fill(struct space_table *t, const struct store_client *c, size_t min_keep,
    bool snaps, struct err *e)
{
	struct space_part *p = &t->parts[t->n];
	size_t i, n;

	memcpy(p->name, c->name, sizeof(p->name));
	if (snaps && store_list_read(c, &p->list, e) == -1) {
		part_clear(p);
		return -1;
	}
	n = p->list.n;
	p->snaps = calloc(n + 1, sizeof(p->snaps[0]));
	p->series = calloc(n + 1, sizeof(p->series[0]));
	if (p->snaps == NULL || p->series == NULL) {
		part_clear(p);
		return err_set(e, ERR_MEM, "out of memory");
	}
	for (i = 0; i < n; i++)
		take(c, &p->list.snaps[n - 1 - i], &p->snaps[i],
		    p->series[i]);
	t->clients[t->n++] = (struct store_space_client){ .name = p->name,
		.snaps = p->snaps, .n = n, .min_keep = min_keep,
		.left = space_table_left(c, c == t->own) };
	return 0;
}

/* What .incoming takes, as an upper bound. */
static void
weigh(const struct store_client *c, struct store_space_client *x)
{
	struct store_weight w = { 0 };

	if (!x->left)
		return;
	if (store_weigh_left(c, &w, NULL) == -1)
		w.bytes = w.inodes = UINT64_MAX;
	x->left_bytes = w.bytes;
	x->left_inodes = w.inodes;
}

int
space_table_own(struct space_table *t, const struct store_client *own,
    size_t min_keep, struct err *e)
{
	*t = (struct space_table){ .own = own };
	t->parts = calloc(1, sizeof(t->parts[0]));
	t->clients = calloc(1, sizeof(t->clients[0]));
	if (t->parts == NULL || t->clients == NULL) {
		space_table_clear(t);
		return err_set(e, ERR_MEM, "out of memory");
	}
	if (fill(t, own, min_keep, true, e) == 0)
		return 0;
	space_table_clear(t);
	return -1;
}

static int
one(struct space_table *t, const struct store_client *c, bool across,
    size_t min_keep, struct err *e)
{
	if (!across && !space_table_left(c, false))
		return 0;
	/* A client whose snapshots may not go is here for its .incoming. */
	if (fill(t, c, min_keep, across, e) == -1)
		return -1;
	weigh(c, &t->clients[t->n - 1]);
	return 0;
}

int
space_table_others(struct space_table *t, bool across,
    size_t (*min_keep)(void *arg, const char *name), void *arg,
    struct err *e)
{
	struct store_client c;
	struct strv names = { 0 };
	struct space_part *parts;
	struct store_space_client *clients;
	struct err why;
	size_t i;
	int rc = -1;

	weigh(t->own, &t->clients[0]);
	if (store_clients(t->own->store, &names, e) == -1)
		goto out;
	parts = reallocarray(t->parts, names.n + 1, sizeof(parts[0]));
	if (parts != NULL)
		t->parts = parts;
	clients = reallocarray(t->clients, names.n + 1, sizeof(clients[0]));
	if (clients != NULL)
		t->clients = clients;
	if (parts == NULL || clients == NULL) {
		err_set(e, ERR_MEM, "out of memory");
		goto out;
	}
	memset(parts + 1, 0, names.n * sizeof(parts[0]));
	/* The own part has moved. */
	clients[0].name = parts[0].name;
	for (i = 0; i < names.n; i++) {
		why = (struct err)ERR_INIT;
		if (strcmp(names.v[i], t->own->name) == 0 ||
		    store_client_open(t->own->store, names.v[i], &c, &why) ==
		    -1)
			continue;
		rc = one(t, &c, across, across ? min_keep(arg, c.name) : 0,
		    &why);
		store_client_close(&c);
		if (rc == -1 && why.code == ERR_MEM) {
			if (e != NULL)
				*e = why;
			goto out;
		}
	}
	rc = 0;
out:
	strv_clear(&names);
	return rc;
}

void
space_table_clear(struct space_table *t)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		part_clear(&t->parts[i]);
	free(t->parts);
	free(t->clients);
	*t = (struct space_table){ .own = NULL };
}
