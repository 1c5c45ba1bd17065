/* SPDX-License-Identifier: ISC */
/*
 * serve_snap: a snapshot that an operation reads, held for as long as that
 * runs, and what lies in it. Nothing here follows a symbolic link.
 */
#ifndef BACKUP_SERVE_SNAP_H
#define BACKUP_SERVE_SNAP_H

#include <sys/types.h>

#include "serve.h"
#include "store_list.h"

struct serve_snap {
	char name[STORE_SNAP_MAX];
	int hold, dir;			/* owned */
	bool fake_super;		/* it was stored so */
};

/*
 * serve_snap_resolve(): a request for the latest snapshot becomes one for the
 * newest that there is; any other stays as it is. 0, or -1: ERR_REFUSED (there
 * is none), ERR_SYS, ERR_MEM.
 */
int serve_snap_resolve(struct serve *s, struct err *e);

/*
 * serve_snap_open(): the one that s->req names, resolved. 0 with *ret filled
 * (for serve_snap_close()), or -1 as serve_snap_resolve() and
 * store_hold_take().
 */
int serve_snap_open(struct serve *s, struct serve_snap *ret, struct err *e);
void serve_snap_close(struct serve_snap *p);

/*
 * serve_snap_at(): open path (plain) below the snapshot with flags of
 * open(2). 0 with *ret_fd owned, or -1: ERR_REFUSED (not in it; a part of it
 * is a link), ERR_SYS. The message is printable whatever path is.
 */
int serve_snap_at(const struct serve_snap *p, const char *path, int flags,
	int *ret_fd, struct err *e);

/* serve_snap_mode(): the mode that the open file had on the client. */
mode_t serve_snap_mode(const struct serve_snap *p, int fd);

#endif
