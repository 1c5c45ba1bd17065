/* SPDX-License-Identifier: ISC */
#include "check_priv.h"
#include "gwask.h"

int
check_mirrors(struct check *c, struct err *e)
{
	const struct gitconf_gateway *g = &c->conf->gateway;
	struct gwask a = { .conf = g, .user = c->user.pw_name,
		.timeout_ms = c->o->timeout_ms };
	struct gitreach reach;
	size_t i;

	if (g->mirrors.n > 0 && g->exec != 0) {
		check_note(c, "no session asks one: exec = yes in "
		    GITCONF_PATH);
		return CHECK_NOT_TRIED;
	}
	for (i = 0; i < g->mirrors.n; i++) {
		a.dest = g->mirrors.v[i];
		if (gwask_serves(&a, &reach, e) == -1)
			return -1;
	}
	return 0;
}
