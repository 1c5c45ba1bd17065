/* SPDX-License-Identifier: ISC */
/* oneshot_conf: the sshd_config of oneshot.c. Pure. */
#ifndef POSTERN_ONESHOT_CONF_H
#define POSTERN_ONESHOT_CONF_H

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"

struct oneshot_conf {		/* all borrowed */
	const char *host_key;	/* path */
	const char *user;
	const char *login_key;	/* "ssh-ed25519 BASE64" */
	const struct strv *peers;	/* numeric addresses */
	const char *command;
};

/* oneshot_conf_emit(): appended. 0, or -1: ERR_CONFIG (a value that would end
 * its line or be read otherwise), ERR_MEM. */
int oneshot_conf_emit(const struct oneshot_conf *c, struct buf *out,
	struct err *e);

#endif
