/* SPDX-License-Identifier: ISC */
/*
 * store: the folder that backups are kept in, and one client's part of it.
 *
 *	STORE/NAME/			snapshots, 0700 (but store_lend.h); what a
 *					jail may touch
 *	STORE/NAME/.incoming/		being built
 *	STORE/NAME/.trash-SNAPSHOT/	being removed
 *	STORE/.postern/			ours, 0700, in no jail's domain
 *	STORE/.postern/lock		for space work across clients
 *	STORE/.postern/NAME/		lock runs begun pins/ hold/ snap/
 *
 * Everything is reached from the store's own descriptor, one part of a path
 * at a time, and no symbolic link is followed, so that nothing that a jail
 * leaves in its folder leads anywhere else. The path of the store itself is
 * walked once, by store_open(): each folder on it must be ours or root's, and
 * not to be changed by others.
 *
 *	struct store s; struct store_client c;
 *	store_open("/srv/backup", &s, e);
 *	store_client_open(&s, "laptop", &c, e);
 *	store_client_lock(&c, 0, e);		who writes; readers don't
 *	store_build_begin(&c, &b, e); … store_build_finish(&c, &b, …);
 *	store_client_close(&c); store_close(&s);
 */
#ifndef POSTERN_STORE_H
#define POSTERN_STORE_H

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/strv.h"
#include "snapname.h"

#define STORE_ADMIN	".postern"
#define STORE_INCOMING	".incoming"
#define STORE_TRASH	".trash-"
#define STORE_PROBE	".probe"	/* an empty subvolume, at times */

#define STORE_NAME_MAX	(SNAPNAME_CLIENT_MAX + 1)

enum store_backend { STORE_HARDLINK = 1, STORE_BTRFS };

/* store_backend_name(): "hardlink", "btrfs". */
const char *store_backend_name(enum store_backend b);

struct store {
	char *path;		/* owned; as given, for messages */
	int fd;			/* STORE */
	int admin_fd;		/* STORE/.postern */
	int64_t (*now)(void);	/* the store's clock, seconds of Unix time */
};

struct store_client {
	const struct store *store;	/* borrowed */
	char name[STORE_NAME_MAX];
	char *path;		/* owned: STORE/NAME, for messages */
	char *admin_path;	/* owned: STORE/.postern/NAME */
	int fd;			/* STORE/NAME */
	int admin_fd;		/* STORE/.postern/NAME */
	int lock_fd;		/* -1 until store_client_lock() */
	/* Of new snapshots; 0, what store_client_open() sets: what fits. */
	enum store_backend want;
	/* Who receives for it, where the owner has made a user for that; 0,
	 * what store_client_open() sets: we do. store_lend.h */
	uid_t recv_uid;
	gid_t recv_gid;
	const char *job;	/* borrowed; that one is made of; or NULL */
	/* borrowed; its sender can tell what has changed since that snapshot;
	 * or NULL */
	const char *since;
	/* It is made by a sender that stays on one file system and doesn't
	 * say where others begin (mounts.h). */
	bool narrow;
};

/*
 * store_make(): make the store at path and its missing parents. What is
 * there already is left as it is. 0, or -1 as store_open().
 */
int store_make(const char *path, struct err *e);

/*
 * store_open(): path must be absolute, without "..". 0 with *ret filled (for
 * store_close()), or -1: ERR_CONFIG (path is not of that form), ERR_UNSAFE (a
 * symbolic link on the way; a folder that belongs to somebody else or that
 * others may write to, sticky ones above the store excepted), ERR_SYS (ENOENT:
 * it isn't there, or was not made by store_make()).
 */
int store_open(const char *path, struct store *ret, struct err *e);
void store_close(struct store *s);

/* store_lock(): for work across clients; as lock_take(). Who has it only
 * tries the locks of clients (timeout 0), so that one who has a client's lock
 * may wait for it. */
int store_lock(const struct store *s, unsigned timeout_ms, int *ret_fd,
	struct err *e);

/* store_clients(): append the names of all clients to names, sorted. 0, or
 * -1 ERR_SYS, ERR_MEM. */
int store_clients(const struct store *s, struct strv *names, struct err *e);

/* store_client_make(): make a client's folders (accept does). 0, or -1 as
 * store_client_open(). */
int store_client_make(const struct store *s, const char *name,
	struct err *e);

/*
 * store_client_open(): 0 with *ret filled (for store_client_close()), or -1:
 * ERR_CONFIG (no client's name), ERR_REFUSED (no such client), ERR_UNSAFE (a
 * folder is a link, somebody else's, or open to others), ERR_SYS, ERR_MEM.
 */
int store_client_open(const struct store *s, const char *name,
	struct store_client *ret, struct err *e);
void store_client_close(struct store_client *c);

/* store_client_lock(): one writer (run, prune, remove) at a time; held until
 * store_client_close(). As lock_take(). */
int store_client_lock(struct store_client *c, unsigned timeout_ms,
	struct err *e);

/* store_snapshot_ok(): whether name is one of a snapshot of c's. 0, or -1
 * ERR_CONFIG. */
int store_snapshot_ok(const struct store_client *c, const char *name,
	struct err *e);

#endif
