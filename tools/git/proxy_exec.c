/* SPDX-License-Identifier: ISC */
#include "proxy.h"

#include <signal.h>
#include <unistd.h>

#include "base/strv.h"
#include "gitssh.h"

int
proxy_exec(struct proxy *p, struct err *e)
{
	static char *const env[] = { "PATH=/usr/bin:/bin", "LANG=C.UTF-8",
		NULL };
	const struct gitconf_gateway *c = &p->conf.gateway;
	struct strv argv = { 0 };

	if (gitssh_argv(&(struct gitssh){ .conf = c, .dest = c->server,
	    .command = p->ask.line.data }, &argv, e) == 0) {
		/* What is ignored stays so over exec. */
		(void)signal(SIGPIPE, SIG_DFL);
		execve(argv.v[0], argv.v, env);
		(void)signal(SIGPIPE, SIG_IGN);
		err_sys(e, "%s", argv.v[0]);
	}
	strv_clear(&argv);
	return -1;
}
