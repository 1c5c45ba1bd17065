/* SPDX-License-Identifier: ISC */
/*
 * gitcmd: what one SSH_ORIGINAL_COMMAND asks for, or why it is refused. Both
 * sides of the gateway ask it: the gateway before it passes a command on, the
 * server anew, since it trusts nothing that comes from there. What runs is
 * the canonical command of gitcmd_emit(), never the bytes that came. Pure.
 *
 * What may be asked is a table (gitcmd_table.c): a verb and the shape of its
 * arguments.
 *	git	git-upload-pack 'REPO', git-receive-pack 'REPO',
 *		git-upload-archive 'REPO'; the quotes are git's own
 *	LFS	git-lfs-authenticate REPO download|upload [OID],
 *		git-lfs-transfer REPO download|upload; if policy says so
 *	gitolite	info, help, desc, perms, writable, and further ones that
 *		policy names; words without quotes, as gitolite reads them
 * "git upload-pack 'r'" with a space is refused: no client sends it of itself
 * (git 2.39 sends the dash, and the space only for --upload-pack='git
 * upload-pack'), and gitolite does not know it.
 */
#ifndef GIT_GITCMD_H
#define GIT_GITCMD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"
#include "gitword.h"

enum gitcmd_kind {
	GITCMD_GIT = 1,		/* git's own protocol */
	GITCMD_LFS,
	GITCMD_GITOLITE,	/* one of gitolite's commands */
};

/* All borrowed. Names of repositories are patterns of gitid_like(), held
 * against gitrepo_name(). A zeroed struct is the default. */
struct gitcmd_policy {
	bool lfs;			/* LFS verbs are let through */
	bool login_info;		/* no command at all asks for info */
	const struct strv *deny_repos;	/* NULL: gitolite-admin; these are not
					 * reached by any command */
	const struct strv *read_only;	/* NULL: none */
	const struct strv *commands;	/* gitolite's; NULL: the five that a
					 * new installation has: help desc
					 * info perms writable */
};

struct gitcmd {
	enum gitcmd_kind kind;
	const char *verb;	/* of the table; never freed */
	bool write;		/* asks to change a repository */
	char *repo;		/* owned; name of the first one; NULL: none */
	struct gitword line;	/* owned; the verb and its arguments */
};

/*
 * gitcmd_parse(): len bytes of a command.
 * cmd      borrowed; NULL: there was none.
 * ret      gitcmd_clear() frees it; untouched on failure.
 * Returns 0, or -1: ERR_REFUSED (why, for a person; escaped), ERR_MEM.
 */
int gitcmd_parse(const char *cmd, size_t len,
	const struct gitcmd_policy *policy, struct gitcmd *ret,
	struct err *e);

/* gitcmd_clear(): legal on a zeroed struct. */
void gitcmd_clear(struct gitcmd *c);

/* gitcmd_emit(): the canonical command, appended; gitcmd_parse() makes the
 * same of it. 0, or -1: out's cap is reached. */
int gitcmd_emit(const struct gitcmd *c, struct buf *out);

/*
 * gitcmd_known(): whether name can stand in policy's commands. For a check of
 * the configuration: what is not in the table can't be switched on.
 */
bool gitcmd_known(const char *name);

#endif
