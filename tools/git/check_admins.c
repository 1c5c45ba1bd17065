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

int
check_admins(struct check *c, struct err *e)
{
	struct gitadmins a;
	char names[SHOWN] = "";

	if (gitadmins_ask(&c->user, &c->conf->server, &a, e) == -1)
		return -1;
	show(&a, names);
	if (a.n > 0)
		check_note(c, "%s may write to gitolite-admin: a gateway that "
		    "was taken over could be %s in other repositories; "
		    "deny-id keeps it from that", names, a.n == 1 ?
		    "this user" : "these users");
	return 0;
}
