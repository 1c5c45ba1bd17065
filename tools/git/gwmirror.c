/* SPDX-License-Identifier: ISC */
#include "gwmirror.h"

#include <string.h>

#include "gitid.h"
#include "gwask.h"

/* For an id that no gitolite has: the answer of postern-git-serve, and of
 * nothing else that this key could open there, has that name in it. */
int
gwmirror_ask(const struct gwmirror *m, enum sshfail *ret_fail, struct err *e)
{
	const struct gwask a = { .conf = m->conf, .dest = m->dest,
		.user = m->user, .command = "info",
		.timeout_ms = m->timeout_ms };
	struct err why = ERR_INIT;
	struct buf said;
	int rc;

	buf_init(&said, 65536);
	rc = gwask_run(&a, &said, ret_fail, &why);
	if (strstr(rc == -1 ? why.msg : said.data, GITID_CHECK) != NULL)
		rc = 0;
	else if (rc == -1)
		*e = why;
	else
		rc = err_set(e, ERR_PEER, "%s: it let this key in and did "
		    "not hold it to postern-git-serve", m->dest);
	buf_clear(&said);
	return rc;
}
