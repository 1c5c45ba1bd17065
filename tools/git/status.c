/* SPDX-License-Identifier: ISC */
#include <stdio.h>

#include "check.h"
#include "status_gateway.h"
#include "status_server.h"

/* Of both sides the worse one: 1, what is wrong, before 2, what was not
 * asked. */
static int
worse(int a, int b)
{
	return a == 1 || b == 0 ? a : b;
}

int
status_run(const struct gitconf *c, const struct check_opts *o, struct err *e)
{
	int server = 0, rc = 0;

	if (c->server.gateway == NULL && c->gateway.server == NULL)
		return err_set(e, ERR_CONFIG, GITCONF_PATH ": neither "
		    "[gateway] has a server nor [server] a gateway");
	if (c->server.gateway != NULL)
		server = status_server(&c->server, o->json, e);
	if (server == -1)
		return -1;
	if (c->gateway.server != NULL)
		rc = status_gateway(&c->gateway, o, e);
	if (rc != -1 && fflush(stdout) != 0)
		rc = err_sys(e, "standard output");
	return rc == -1 ? -1 : worse(server, rc);
}
