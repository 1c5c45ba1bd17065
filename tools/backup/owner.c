/* SPDX-License-Identifier: ISC */
#include "owner.h"

#include "snapname.h"
#include "ui/log.h"

int
owner_open(struct owner *w, struct err *e)
{
	if (store_open(w->o->store, &w->store, e) == -1)
		return -1;
	w->is_open = true;
	return 0;
}

static void
close_client(struct owner *w)
{
	if (w->client_open)
		store_client_close(&w->client);
	w->client_open = false;
}

void
owner_close(struct owner *w)
{
	close_client(w);
	if (w->is_open)
		store_close(&w->store);
	w->is_open = false;
}

int
owner_client(struct owner *w, const char *name, struct err *e)
{
	struct settings accepted = { 0 };
	int rc;

	close_client(w);
	if (store_client_open(&w->store, name, &w->client, e) == -1)
		return -1;
	w->client_open = true;
	rc = settings_accepted(w->store.path, name, &accepted, e);
	if (rc == 0)
		settings_client_get(&w->o->conf, &accepted, name, &w->policy,
		    NULL);
	settings_clear(&accepted);
	return rc;
}

int
owner_snapshot(struct owner *w, const char *snapshot, struct err *e)
{
	struct snapname n;

	if (snapname_parse(snapshot, &n, e) == -1) {
		if (e != NULL)
			e->code = ERR_USAGE;
		return -1;
	}
	return owner_client(w, n.client, e);
}

int
owner_names(struct owner *w, struct strv *names, struct err *e)
{
	const struct backup_opts *o = w->o;
	size_t i;

	if (o->args.n == 0 && o->client == NULL)
		return store_clients(&w->store, names, e);
	if (o->client != NULL && strv_add(names, o->client) == -1)
		return err_set(e, ERR_MEM, "out of memory");
	for (i = 0; i < o->args.n; i++)
		if (!strv_has(names, o->args.v[i]) &&
		    strv_add(names, o->args.v[i]) == -1)
			return err_set(e, ERR_MEM, "out of memory");
	return 0;
}

int
owner_each(struct owner *w, int (*fn)(void *w, struct store_client *c,
    struct err *e), struct err *e)
{
	struct strv names = { 0 };
	struct err why;
	int status = 0, rc;
	size_t i;

	if (owner_names(w, &names, e) == -1) {
		strv_clear(&names);
		return -1;
	}
	for (i = 0; i < names.n; i++) {
		why = (struct err)ERR_INIT;
		rc = owner_client(w, names.v[i], &why);
		if (rc == 0)
			rc = fn(w, &w->client, &why);
		close_client(w);
		if (rc == -1)
			rc = log_err(&why);
		status = i == 0 || rc == status ? rc : 2;
	}
	strv_clear(&names);
	return status;
}
