/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "check_priv.h"
#include "gitprog.h"
#include "gitssh.h"
#include "gitwire.h"

/* Whose id no gitolite has: the answer of postern-git-serve, and of nothing
 * else that this key could open there, has that name in it. */
static int
ask(struct check *c, const char *dest, struct err *e)
{
	struct gitwire w = { .id = GITID_CHECK, .ip = "-", .fp = "-",
		.command = "info", .command_len = 4 };
	struct gitssh s = { .conf = &c->conf->gateway, .dest = dest };
	struct strv words = { 0 };
	struct err why = ERR_INIT;
	struct buf line, said;
	int rc = -1;

	buf_init(&line, GITWIRE_MAX);
	buf_init(&said, 65536);
	if (gitprog_sid(w.sid, e) == -1 || gitwire_emit(&w, &line, e) == -1)
		goto out;
	s.command = line.data;
	if (gitssh_argv(&s, &words, e) == -1)
		goto out;
	rc = check_as_user(c, (const char *const *)words.v, &said, &why);
	if (strstr(rc == -1 ? why.msg : said.data, GITID_CHECK) != NULL)
		rc = 0;
	else
		rc = err_set(e, ERR_PEER, "%s: %s", dest, rc == -1 ? why.msg :
		    "it let this key in and did not hold it to "
		    "postern-git-serve");
out:
	strv_clear(&words);
	buf_clear(&line);
	buf_clear(&said);
	return rc;
}

int
check_mirrors(struct check *c, struct err *e)
{
	const struct strv *v = &c->conf->gateway.mirrors;
	size_t i;

	for (i = 0; i < v->n; i++)
		if (ask(c, v->v[i], e) == -1)
			return -1;
	return 0;
}
