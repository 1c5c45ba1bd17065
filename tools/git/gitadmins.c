/* SPDX-License-Identifier: ISC */
#include "gitadmins.h"

#include <stdio.h>
#include <string.h>

#include "asuser.h"
#include "gitid.h"
#include "keydir.h"
#include "keyproc.h"

#define GITOLITE_MS	30000

struct job {
	const struct passwd *pw;
	const struct gitconf_server *conf;
};

static bool
has(const struct gitadmins *f, const char *id, size_t len)
{
	const char *p = f->ids;
	size_t n;

	for (; *p != '\0'; p += n + (p[n] == ' ')) {
		n = strcspn(p, " ");
		if (n == len && memcmp(p, id, len) == 0)
			return true;
	}
	return false;
}

/* A line of gitolite's: REPO TAB USER TAB REFEX or "... DENIED ...". */
static void
line(struct gitadmins *f, const char *p, size_t len)
{
	const char *id = memchr(p, '\t', len), *end = p + len, *tab;
	size_t at = strlen(f->ids);

	if (id == NULL || memmem(p, len, "DENIED", 6) != NULL)
		return;
	id++;
	tab = memchr(id, '\t', (size_t)(end - id));
	if (tab == NULL || !gitid_valid(id, (size_t)(tab - id)) ||
	    has(f, id, (size_t)(tab - id)))
		return;
	f->n++;
	if (at + (size_t)(tab - id) + 2 < sizeof(f->ids))
		snprintf(f->ids + at, sizeof(f->ids) - at, "%s%.*s",
		    at > 0 ? " " : "", (int)(tab - id), id);
	else
		f->cut = true;
}

static int
ask(const struct buf *ids, struct gitadmins *f, struct err *e)
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
	const struct job *j = arg;
	const struct gitconf_server *s = j->conf;
	struct keylist keys = { 0 };
	struct buf path, ids;
	const char *last = "";
	size_t i;
	int rc;

	buf_init(&path, 8192);
	buf_init(&ids, (size_t)64 << 20);
	rc = (s->keydir != NULL ? buf_adds(&path, s->keydir) : buf_addf(&path,
	    "%s/.gitolite/keydir", j->pw->pw_dir)) == -1 ? err_set(e,
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
gitadmins_ask(const struct passwd *pw, const struct gitconf_server *c,
    struct gitadmins *ret, struct err *e)
{
	struct job j = { pw, c };

	*ret = (struct gitadmins){ 0 };
	return asuser_run(pw, look, &j, ret, sizeof(*ret), e);
}
