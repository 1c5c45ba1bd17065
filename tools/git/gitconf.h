/* SPDX-License-Identifier: ISC */
/*
 * gitconf: git.conf(5), read as core/ui/conf does, which names file and line
 * of what is wrong. [gateway] is for the host that people reach, [server] for
 * the one with gitolite; a file may have both. A forced command reads
 * GITCONF_PATH and nothing else: neither the environment nor a home folder may
 * say where it is, since that user is who is held to it.
 *
 *	gitconf_init → gitconf_load, or gitconf_parse → ... → gitconf_clear
 *
 * gitconf_parse() is pure.
 */
#ifndef GIT_GITCONF_H
#define GIT_GITCONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strv.h"
#include "gitcmd.h"

#define GITCONF_PATH	"/etc/postern/git.conf"

/* What may be asked, and what is written down of it: both sides have these.
 * The order of a word's values is that of the words in the table. */
struct gitconf_side {
	int64_t lfs, login_info;	/* 0, 1 */
	struct strv deny_repos;		/* gitolite-admin is always among
					 * them */
	struct strv read_only;
	struct strv commands;		/* empty: gitcmd's own five */
	int64_t audit_json;		/* 0: text */
	int64_t audit_syslog;		/* 0, 1 */
	char *audit_file;		/* owned; NULL: none */
	int64_t audit_bytes;		/* 0, 1: they are counted */
};

struct gitconf_gateway {
	struct gitconf_side side;
	char *server;			/* owned, as all here; NULL: missing */
	struct strv mirrors;		/* for reads, in this order */
	char *key, *known_hosts, *ssh, *run_dir;
	int64_t connect_ms, alive_ms;	/* ssh's ConnectTimeout; its
					 * ServerAliveInterval, twice of which
					 * a silent server has */
	int64_t answer_ms;		/* from the begin until a session of
					 * ssh stands, or it is given up */
	int64_t session_ms;		/* of a whole session; 0: no limit */
	int64_t exec;			/* 0, 1: a session becomes an ssh: no
					 * pool, no mirror, no end in the
					 * audit */
	int64_t mux;			/* masters; 0: none */
	int64_t mux_demand;		/* 1: started by the first session */
	int64_t mux_idle_ms;		/* such ones end after that */
	int64_t sessions, sessions_per_id;	/* at once; 0: no limit */
	int64_t rate, rate_per_id;	/* begun a minute; 0: no limit */
	/* Of updates of the keys: keyupdate.h. */
	char *server_name;		/* who signs them */
	char *keys_dir, *allowed_signers, *base;
	char *proxy;			/* NULL: the program that updates */
	int64_t min_keys, max_drop;	/* max_drop: percent */
	int64_t generations;
	int64_t revoke_end;		/* 0: sessions go on, 1: they end */
	int64_t update_ms, lock_ms;
	int64_t stale_ms;		/* without a push; 0: never too old */
	int64_t lookup_index;		/* how sshd finds a key: 0: in a file,
					 * 1: by asking postern-git-keys */
};

struct gitconf_server {
	struct gitconf_side side;
	char *shell;			/* gitolite-shell */
	char *keydir;			/* NULL: ~/.gitolite/keydir */
	struct strv deny_ids;		/* besides what gitid_denied() has */
	int64_t deny_admins;		/* 0, 1: gitadmins.h */
	/* Of pushes of the keys: pushkeys.h. */
	char *name;
	char *gateway;			/* NULL: missing */
	char *state_dir, *push_key, *push_known_hosts;
	char *ssh_config;		/* NULL: none is read */
	int64_t push_ms;
};

struct gitconf {
	struct gitconf_gateway gateway;
	struct gitconf_server server;
};

/* gitconf_init(): the defaults. 0, or -1 ERR_MEM; gitconf_clear() then, too. */
int gitconf_init(struct gitconf *c, struct err *e);
void gitconf_clear(struct gitconf *c);		/* legal on a zeroed one */

/* gitconf_parse(): text of len bytes over what is there. name is for
 * messages. 0, or -1: ERR_CONFIG, ERR_MEM. */
int gitconf_parse(struct gitconf *c, const char *text, size_t len,
	const char *name, struct err *e);

/* gitconf_load(): init, and parse the file at path, which only root may be
 * able to change. 0, or -1: ERR_SYS, ERR_CONFIG, ERR_UNSAFE, ERR_MEM. */
int gitconf_load(struct gitconf *c, const char *path, struct err *e);

/* gitconf_policy(): what s says, for gitcmd_parse(); borrows from s. */
struct gitcmd_policy gitconf_policy(const struct gitconf_side *s);

#endif
