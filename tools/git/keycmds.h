/* SPDX-License-Identifier: ISC */
/*
 * keycmds: the commands about keys, with their settings out of git.conf. Each
 * says what came of it, and returns the exit status.
 */
#ifndef GIT_KEYCMDS_H
#define GIT_KEYCMDS_H

#include <stdbool.h>
#include <stdint.h>

#include "gitconf.h"
#include "pushkeys.h"

/* keycmds_update(): the gateway's forced command of the push key; path: of
 * git.conf. It answers (keyreply.h) whatever goes wrong. */
int keycmds_update(const char *path);

/* How a push is wanted. */
struct keycmds_push {
	enum pushkeys_voice voice;
	bool quiet, force;
	bool dry_run;		/* what would be pushed, and what is there */
	uint64_t timeout_ms;	/* 0: git.conf's; at most a day */
};

/* keycmds_push(): a root becomes the owner of the state folder. */
int keycmds_push(const struct gitconf_server *c,
	const struct keycmds_push *how);

/* keycmds_send(): how the gateway is reached; borrows from c. */
struct keysend keycmds_send(const struct gitconf_server *c);

/* keycmds_try(): one push as a check has it, by a process that is the state
 * folder's owner: said nowhere but to syslog. check: as in pushkeys.h.
 * As pushkeys_run(). */
int keycmds_try(const struct gitconf_server *c, const char *check,
	struct pushkeys_result *ret, struct err *e);

/* keycmds_trigger(): gitolite's push-authkeys: 0 whatever goes wrong. */
int keycmds_trigger(const char *path);

int keycmds_rollback(const struct gitconf_gateway *c, uint64_t gen,
	bool dry_run, bool json);

/* keycmds_ask(): id or fp is NULL. */
int keycmds_ask(const struct gitconf_gateway *c, const char *id,
	const char *fp, bool json);

int keycmds_lint(const struct gitconf_server *c, const char *path,
	bool json);

#endif
