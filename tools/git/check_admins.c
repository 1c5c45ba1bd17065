/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <string.h>

#include "check_priv.h"
#include "gitadmins.h"

#define SHOWN	200	/* bytes of names */

/* "admin, ann", or "admin, ..." */
static void
show(const struct gitadmins *a, char ret[SHOWN])
{
	const char *p = a->ids;
	size_t at = 0, n;

	for (; *p != '\0'; p += n + (p[n] == ' ')) {
		n = strcspn(p, " ");
		if (at + n + sizeof(", , ...") > SHOWN)
			break;
		at += (size_t)snprintf(ret + at, SHOWN - at, "%s%.*s",
		    at > 0 ? ", " : "", (int)n, p);
	}
	if (*p != '\0' || a->cut)
		snprintf(ret + at, SHOWN - at, ", ...");
}

/* Each of them is known to be one to the sessions. */
static int
denied(struct check *c, struct gitadmins *a, struct err *e)
{
	char *id, *rest = a->ids;
	int has = 1;

	while (a->n > 0 && has == 1 && (id = strsep(&rest, " ")) != NULL) {
		has = gitadmins_has(&c->conf->server, id, e);
		if (has == 0)
			err_set(e, ERR_CONFIG, "%s may write to "
			    "gitolite-admin, and is not denied to the gateway",
			    id);
	}
	return has == 1 ? 0 : -1;
}

int
check_admins(struct check *c, struct err *e)
{
	struct gitadmins a;
	char names[SHOWN] = "";

	if (gitadmins_asked(&c->conf->server, c->user.pw_dir, e) == -1 ||
	    gitadmins_ask(&c->user, &c->conf->server, &a, e) == -1)
		return -1;
	if (c->conf->server.deny_admins != 0)
		return denied(c, &a, e);
	show(&a, names);
	if (a.n > 0)
		check_note(c, "%s may write to gitolite-admin: a gateway that "
		    "was taken over could be %s in other repositories; "
		    "deny-admins keeps it from that", names, a.n == 1 ?
		    "this user" : "these users");
	return 0;
}
