/* SPDX-License-Identifier: ISC */
#include "check_priv.h"
#include "gwmirror.h"

int
check_mirrors(struct check *c, struct err *e)
{
	struct gwmirror m = { .conf = &c->conf->gateway,
		.user = c->user.pw_name, .timeout_ms = c->o->timeout_ms };
	enum sshfail fail;
	size_t i;

	for (i = 0; i < m.conf->mirrors.n; i++) {
		m.dest = m.conf->mirrors.v[i];
		if (gwmirror_ask(&m, &fail, e) == -1)
			return -1;
	}
	return 0;
}
