/* SPDX-License-Identifier: ISC */
/*
 * gitadmins: who may write to gitolite-admin. By gitolite's own commands they
 * rule every repository (`writable @all off`), whatever deny-repo says, so that
 * a gateway that speaks for them has to be as good as the git server.
 */
#ifndef GIT_GITADMINS_H
#define GIT_GITADMINS_H

#include <pwd.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "gitconf.h"

#define GITADMINS_NAMES	1024	/* bytes */

struct gitadmins {
	char ids[GITADMINS_NAMES];	/* a blank between two */
	size_t n;
	bool cut;		/* more than ids has room for */
};

/* gitadmins_ask(): of the users that have a key in keydir and no deny-id, by
 * gitolite itself, as its user pw. 0, or -1: what keydir_read() gives,
 * ERR_PEER, ERR_TIMEOUT, ERR_SYS, ERR_MEM.
 * Source: gitolite, commands/access, batch mode; Easy.pm, is_admin(). */
int gitadmins_ask(const struct passwd *pw, const struct gitconf_server *c,
	struct gitadmins *ret, struct err *e);

#endif
