/* SPDX-License-Identifier: ISC */
/*
 * send_grants: what postern-backup-send does with its grants (grants.h), with
 * the right to look that it has: tells the kernel what to let through, and
 * afterwards, whether what was not let through could have been read.
 */
#ifndef BACKUP_SEND_GRANTS_H
#define BACKUP_SEND_GRANTS_H

#include "base/buf.h"
#include "base/err.h"
#include "jail/sandbox.h"

/*
 * send_grants_allow(): text to s. What is gone is passed over, and so is what
 * became a link: rsync doesn't go through it. 0, or -1: as grants_parse(),
 * ERR_SYS, ERR_MEM.
 */
int send_grants_allow(const struct buf *text, struct sandbox *s,
	struct err *e);

/*
 * send_grants_readable(): whether each regular file that text names (letter
 * 'r') may be read by this process, out of any jail. What is gone counts as
 * readable, and what is no regular file any more. 0: all; or -1: ERR_REFUSED
 * names the first one that may not, or as grants_parse().
 */
int send_grants_readable(const struct buf *text, struct err *e);

#endif
