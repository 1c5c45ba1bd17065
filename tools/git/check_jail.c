/* SPDX-License-Identifier: ISC */
#include "asuser.h"
#include "check_priv.h"
#include "gitjail.h"

struct job {
	enum gitjail kind;
	const struct gitconf *conf;
};

static int
enter(void *arg, void *ret, struct err *e)
{
	const struct job *j = arg;

	(void)ret;
	return gitjail_enter(j->kind, j->conf, e);
}

/* As the user, in a process of its own. */
static int
try(struct check *c, enum gitjail kind, struct err *e)
{
	struct job j = { kind, c->conf };

	return asuser_run(&c->user, enter, &j, NULL, 0, e);
}

static void
note(struct check *c)
{
	char text[512];

	if (gitjail_lacks(text, sizeof(text)))
		check_note(c, "%s", text);
}

int
check_jail_gateway(struct check *c, struct err *e)
{
	if (try(c, GITJAIL_SESSION, e) == -1 ||
	    try(c, GITJAIL_UPDATE, e) == -1)
		return -1;
	note(c);
	return 0;
}

int
check_jail_server(struct check *c, struct err *e)
{
	if (try(c, GITJAIL_SERVE, e) == -1)
		return -1;
	note(c);
	return 0;
}
