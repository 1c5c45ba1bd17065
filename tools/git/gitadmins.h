/* SPDX-License-Identifier: ISC */
/*
 * gitadmins: who may write to gitolite-admin. By gitolite's own commands they
 * rule every repository (`writable @all off`), whatever deny-repo says, so that
 * a gateway that speaks for them has to be as good as the git server.
 *
 * gitolite is asked after each of its compiles, by our trigger, and the answer
 * lies in a file of the git user's, a name a line: asking takes longer than a
 * session may wait (deny-admins = yes). The file's time is that of the compile
 * that it is about; where it is another one, whoever should have asked could
 * not, and the timer's push asks again. admins.lock is held from the question
 * to the answer's being written, so that no older answer comes last.
 */
#ifndef GIT_GITADMINS_H
#define GIT_GITADMINS_H

#include <pwd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "gitconf.h"

#define GITADMINS_NAMES	1024	/* bytes */
#define GITADMINS_FILE	"admins"	/* in state-dir */
#define GITADMINS_MS	30000		/* for gitolite's answer */

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

/* gitadmins_note(): the same into the file, as the user that we are, whose
 * home it is, by a process of the caller's that ends then: it changes the
 * environment. ms: for the lock and for gitolite. gitadmins_note_as(): as pw.
 * 0, or -1: the same, ERR_BUSY, and what pushstate_put() gives. */
int gitadmins_note(const struct gitconf_server *c, const char *home,
	uint64_t ms, struct err *e);
int gitadmins_note_as(const struct passwd *pw, const struct gitconf_server *c,
	struct err *e);

/* gitadmins_late(): whether gitolite of this home has compiled since the file
 * was written. */
bool gitadmins_late(const struct gitconf_server *c, const char *home);

/* gitadmins_asked(): that there is the file: without one whoever comes could be
 * one of them, so that nobody may. Nothing of it holds where deny-admins = no,
 * or where another program than gitolite serves the user whose home it is.
 * 0, or -1: ERR_REFUSED, with what asks gitolite. */
int gitadmins_asked(const struct gitconf_server *c, const char *home,
	struct err *e);

/* gitadmins_has(): whether the file has id; a missing one has nobody.
 * 1, 0, or -1 ERR_SYS, ERR_UNSAFE. */
int gitadmins_has(const struct gitconf_server *c, const char *id,
	struct err *e);

#endif
