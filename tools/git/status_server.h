/* SPDX-License-Identifier: ISC */
/*
 * status_server: the git server's half of `postern git status`: how its last
 * push ended, and what the gateway has, which is asked for by the push key.
 */
#ifndef GIT_STATUS_SERVER_H
#define GIT_STATUS_SERVER_H

#include <stdbool.h>

#include "base/err.h"
#include "gitconf.h"

/* status_server(): on stdout. Where root asks, it asks as the state folder's
 * owner. Returns status_run()'s 0, 1 and 2, or -1: ERR_SYS. */
int status_server(const struct gitconf_server *c, bool json, struct err *e);

#endif
