/* SPDX-License-Identifier: ISC */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "asuser.h"
#include "check_priv.h"
#include "gitid.h"
#include "keydir.h"
#include "keyproc.h"

#define GITOLITE_MS	30000
#define SHOWN		200	/* bytes of names */

/* What comes of it: "admin, ann", or "". */
struct found {
	char names[SHOWN];
	size_t n;
	bool cut;
};

/* A line of gitolite's: REPO TAB USER TAB REFEX or "... DENIED ...". */
static void
line(struct found *f, const char *p, size_t len)
{
	const char *id = memchr(p, '\t', len), *end = p + len, *tab;
	size_t at = strlen(f->names);

	if (id == NULL || memmem(p, len, "DENIED", 6) != NULL)
		return;
	id++;
	tab = memchr(id, '\t', (size_t)(end - id));
	if (tab == NULL || !gitid_valid(id, (size_t)(tab - id)))
		return;
	f->n++;
	if (at + (size_t)(tab - id) + 3 < sizeof(f->names))
		snprintf(f->names + at, sizeof(f->names) - at, "%s%.*s",
		    at > 0 ? ", " : "", (int)(tab - id), id);
	else
		f->cut = true;
}

static int
ask(const struct buf *ids, struct found *f, struct err *e)
{
	char *const argv[] = { "gitolite", "access", "gitolite-admin", "%",
		"W", "any", NULL };
	struct keyproc p = { .argv = argv, .in = ids->data,
		.in_len = ids->len, .timeout_ms = GITOLITE_MS };
	struct keyproc_end end;
	const char *at, *nl;
	struct buf out;
	int rc;

	buf_init(&out, (size_t)64 << 20);
	rc = keyproc_run(&p, &out, &end, e);
	if (rc == 0)
		rc = keyproc_why(&end, "gitolite access", e);
	for (at = out.data; rc == 0 && *at != '\0'; at = nl + (*nl != '\0')) {
		nl = strchrnul(at, '\n');
		line(f, at, (size_t)(nl - at));
	}
	buf_clear(&out);
	return rc;
}

/* As gitolite's user, whose HOME says which gitolite. */
static int
look(void *arg, void *ret, struct err *e)
{
	const struct check *c = arg;
	const struct gitconf_server *s = &c->conf->server;
	struct keylist keys = { 0 };
	struct buf path, ids;
	const char *last = "";
	size_t i;
	int rc;

	buf_init(&path, 8192);
	buf_init(&ids, (size_t)64 << 20);
	rc = (s->keydir != NULL ? buf_adds(&path, s->keydir) : buf_addf(&path,
	    "%s/.gitolite/keydir", c->user.pw_dir)) == -1 ? err_set(e,
	    ERR_MEM, "out of memory") : keydir_read(path.data,
	    s->deny_ids.n > 0 ? &s->deny_ids : NULL, &keys, NULL, NULL, e);
	for (i = 0; rc == 0 && i < keys.n; i++) {
		/* Several keys of one person are often neighbours. */
		if (strcmp(last, keys.v[i].id) != 0 &&
		    buf_addf(&ids, "%s\n", keys.v[i].id) == -1)
			rc = err_set(e, ERR_MEM, "out of memory");
		last = keys.v[i].id;
	}
	if (rc == 0 && ids.len > 0)
		rc = ask(&ids, ret, e);
	keylist_clear(&keys);
	buf_clear(&path);
	buf_clear(&ids);
	return rc;
}

int
check_admins(struct check *c, struct err *e)
{
	struct found f = { 0 };

	if (asuser_run(&c->user, look, c, &f, sizeof(f), e) == -1)
		return -1;
	if (f.n > 0)
		check_note(c, "%s%s may write to gitolite-admin: a gateway "
		    "that was taken over could be %s in other repositories; "
		    "deny-id keeps it from that", f.names,
		    f.cut ? ", ..." : "", f.n == 1 ? "this user" :
		    "these users");
	return 0;
}
