/* SPDX-License-Identifier: ISC */
/*
 * gitask: what one session asks for, and whether it may: the one judgement of
 * each side. The forced commands ask it, and so does `postern git explain`,
 * which has none of its own. On the gateway all but the id comes from the
 * client; on the server all of it comes from a gateway that is not believed.
 *
 *	gitask_init → gitask_gateway, or gitask_server → ... → gitask_clear
 */
#ifndef GIT_GITASK_H
#define GIT_GITASK_H

#include <pwd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"
#include "gitcmd.h"
#include "gitconf.h"
#include "gitprobe.h"
#include "gitwire.h"

struct gitask {
	struct gitwire w;
	struct gitcmd cmd;
	struct buf canon;	/* the command, canonical; w points into it
				 * on the gateway */
	struct buf line;	/* gateway: the wire line */
	enum gitprobe probe;	/* server: no user's session, and cmd is
				 * empty but for its verb */
};

void gitask_init(struct gitask *a);
void gitask_clear(struct gitask *a);	/* legal on a zeroed one */

/*
 * gitask_gateway(): what id asks for on the gateway. a->w has to have ip, fp
 * and sid already. Pure.
 * command   SSH_ORIGINAL_COMMAND; NULL: none.
 * gitproto  GIT_PROTOCOL; NULL: none.
 * Returns 0 with *a filled, or -1: ERR_CONFIG (id is no key id), ERR_REFUSED,
 * ERR_MEM; a->w.id is set as soon as it is one, for the log.
 */
int gitask_gateway(const struct gitconf_gateway *c, const char *id,
	const char *command, const char *gitproto, struct gitask *a,
	struct err *e);

/*
 * gitask_server(): what a wire line asks for on the git server. Looks into
 * gitolite's keydir.
 * home  of the user whose gitolite it is.
 * line  SSH_ORIGINAL_COMMAND, borrowed as long as *a is; NULL: none.
 * Returns 0 with *a filled, or -1: ERR_PEER (no wire line), ERR_REFUSED,
 * ERR_SYS (keydir can't be read), ERR_MEM.
 */
int gitask_server(const struct gitconf_server *c, const char *home,
	const char *line, struct gitask *a, struct err *e);

/* gitask_env(): the environment that gitolite-shell gets for *a, all of it,
 * appended to env. Pure. 0, or -1 ERR_MEM. */
int gitask_env(const struct gitask *a, const struct passwd *pw,
	struct strv *env, struct err *e);

#endif
