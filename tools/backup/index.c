/* SPDX-License-Identifier: ISC */
#include "index.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store_hold.h"
#include "store_list.h"
#include "sys/lock.h"

#define FILE_NAME "catalog.db"
#define LOCK_NAME "catalog.lock"
#define PATH_ROOM 4096

struct sync {
	const struct store_client *client;
	const struct index_opts *o;
	struct catalog cat;
	struct store_list list;
	const char *name;		/* whose manifest is made */
	struct index_state st;
};

static int
path_of(const struct store_client *c, const char *name, char out[PATH_ROOM],
    struct err *e)
{
	if (snprintf(out, PATH_ROOM, "%s/%s", c->admin_path, name) >=
	    PATH_ROOM)
		return err_set(e, ERR_CONFIG, "%s: too long", c->admin_path);
	return 0;
}

int
index_open(const struct store_client *c, bool write, struct catalog *ret,
    struct err *e)
{
	char path[PATH_ROOM];

	*ret = (struct catalog){ 0 };
	if (path_of(c, FILE_NAME, path, e) == -1)
		return -1;
	return catalog_open(ret, path, write, e);
}

/* Whether the catalogue has these snapshots and no other. */
static bool
in_step(const struct sync *s)
{
	size_t i;

	if (s->cat.n != s->list.n)
		return false;
	for (i = 0; i < s->list.n; i++)
		if (catalog_snap(&s->cat, s->list.snaps[i].name) == NULL)
			return false;
	return true;
}

static int
progress(void *arg, const struct manifest_stats *sofar, struct err *e)
{
	struct sync *s = arg;

	return s->o->progress == NULL ? 0 :
	    s->o->progress(s->o->arg, s->name, sofar, e);
}

static int
make(struct sync *s, const char *name, struct err *e)
{
	struct manifest_opts o = { .name = name, .client = s->client->fd,
		.now = s->client->store->now(), .threads = MANIFEST_THREADS,
		.stop = s->o->stop, .progress = progress, .arg = s };
	struct err why = ERR_INIT;
	int hold, rc;

	if (s->o->newest != NULL && strcmp(s->o->newest, name) == 0) {
		o.since = s->o->since;
		o.changes = s->o->changes;
	}
	s->name = name;
	if (store_hold_take(s->client, name, &hold, &o.root, &why) == -1) {
		/* It went since the list was read. */
		if (why.code == ERR_REFUSED)
			return 0;
		if (e != NULL)
			*e = why;
		return -1;
	}
	rc = manifest_make(&s->cat, &o, &s->st.last, e);
	s->st.made += rc == 0;
	close(o.root);
	close(hold);
	return rc;
}

static int
fill(struct sync *s, struct err *e)
{
	size_t i;
	int rc = 0;

	for (i = s->cat.n; rc == 0 && i-- > 0;)
		if (store_list_find(&s->list, s->cat.snaps[i].name) == NULL)
			rc = catalog_remove(&s->cat, s->cat.snaps[i].name, e);
	for (i = s->list.n; rc == 0 && i-- > 0;)
		if (catalog_snap(&s->cat, s->list.snaps[i].name) == NULL)
			rc = make(s, s->list.snaps[i].name, e);
	return rc;
}

/* With the lock. 1: it is damaged. */
static int
attempt(struct sync *s, bool check, struct err *e)
{
	int rc;

	rc = index_open(s->client, true, &s->cat, e);
	if (rc == 0 && check)
		rc = catalog_check(&s->cat, e);
	if (rc == 0)
		rc = fill(s, e);
	if (rc == -1 && s->cat.damaged)
		rc = 1;
	catalog_close(&s->cat);
	return rc;
}

static int
locked(struct sync *s, struct err *e)
{
	char path[PATH_ROOM];
	int rc = s->o->anew ? 1 : attempt(s, s->o->check, e);

	if (rc != 1)
		return rc;
	if (e != NULL)
		*e = (struct err)ERR_INIT;
	s->st.rebuilt = true;
	if (path_of(s->client, FILE_NAME, path, e) == -1 ||
	    catalog_discard(path, e) == -1)
		return -1;
	rc = attempt(s, false, e);
	return rc == 1 ? -1 : rc;
}

int
index_sync(const struct store_client *c, const struct index_opts *o,
    struct index_state *ret, struct err *e)
{
	struct sync s = { .client = c, .o = o };
	struct err why = ERR_INIT;
	char path[PATH_ROOM];
	int lock = -1, rc = 0;
	bool done = false;

	if (path_of(c, LOCK_NAME, path, e) == -1 ||
	    store_list_read(c, &s.list, e) == -1)
		return -1;
	if (!o->check && !o->anew) {
		done = index_open(c, false, &s.cat, &why) == 0 && in_step(&s);
		catalog_close(&s.cat);
	}
	if (!done) {
		why = (struct err)ERR_INIT;
		rc = lock_take_at(c->admin_fd, LOCK_NAME, path, 0, &lock,
		    &why);
		if (rc == -1 && why.code == ERR_BUSY) {
			s.st.busy = true;
			rc = 0;
		} else if (rc == -1) {
			if (e != NULL)
				*e = why;
		} else {
			rc = locked(&s, e);
			close(lock);
		}
	}
	store_list_clear(&s.list);
	*ret = s.st;
	return rc;
}
