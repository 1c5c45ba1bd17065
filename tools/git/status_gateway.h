/* SPDX-License-Identifier: ISC */
/*
 * status_gateway: the gateway's half of `postern git status`: the keys in
 * force, what the git server has, which is asked with the gateway's key, and
 * how each of the connections does.
 */
#ifndef GIT_STATUS_GATEWAY_H
#define GIT_STATUS_GATEWAY_H

#include "check.h"

/* status_gateway(): on stdout. A root becomes the owner of the store. Returns
 * status_run()'s 0, 1 and 2, or -1: as keyroll_list(), ERR_SYS. */
int status_gateway(const struct gitconf_gateway *c, const struct check_opts *o,
	struct err *e);

#endif
