/* SPDX-License-Identifier: ISC */
/*
 * settings: backup.conf(5) as structs. One table has every key, its kind, its
 * limits and its place; the manual page is compared with it by a test.
 *
 *	[job NAME]	on the machine that is backed up
 *	[store]		on the store
 *	[client NAME]	on the store: what differs for one client, and how
 *			`pull` reaches it
 *
 * settings_parse() is pure. Numbers are int64_t and SETTINGS_UNSET (-1) where
 * the file says nothing; settings_job_fill() and settings_client_get() put
 * the defaults in. Sizes are bytes, times milliseconds.
 *
 *	struct settings s = { 0 };
 *	settings_load(&s, NULL, &e) … settings_clear(&s)
 */
#ifndef BACKUP_SETTINGS_H
#define BACKUP_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strv.h"

#define SETTINGS_UNSET (-1)

#define SETTINGS_COMMAND_KEY	"command-timeout"

enum settings_compress { COMPRESS_NONE, COMPRESS_ZSTD, COMPRESS_ZLIB };
enum settings_mode { MODE_CHANNEL, MODE_DIRECT };
enum settings_backend { BACKEND_AUTO, BACKEND_HARDLINK, BACKEND_BTRFS };
enum settings_metadata { METADATA_FAKE_SUPER, METADATA_REAL };

/* ioprio_set(2): the class in the upper part, the level (0-7) in the lower. */
#define SETTINGS_IONICE(class, level) ((int64_t)(class) << 13 | (level))

/* What is backed up, and how it gets to the store. A [job], or the part of a
 * [client] that `pull` uses. */
struct settings_job {
	char *section;		/* NAME of [job NAME] */
	char *name;		/* what the store calls it; filled: section */
	char *destination;	/* [user@]host or ssh://…, host_check()ed */
	struct strv roots;	/* absolute, no "..", no "//", no end slash */
	struct strv excludes;	/* absolute path, or an rsync pattern */
	char *ssh, *ssh_config;	/* NULL: ssh, its own configuration */
	struct strv ssh_options;	/* for -o */
	char *key, *known_hosts;	/* filled: those of keys.h */
	char *before, *after, *on_failure;	/* sh -c, or NULL */
	char *textfile;		/* for Prometheus, or NULL */
	int64_t one_file_system;	/* 0, 1; filled: 0 */
	int64_t compress;	/* enum settings_compress; filled: none */
	int64_t bandwidth;	/* bytes a second; filled: 0, no limit */
	int64_t nice;		/* 0..19; filled: 0 */
	int64_t ionice;		/* SETTINGS_IONICE(); filled: 0, as it is */
	int64_t mode;		/* enum settings_mode; filled: channel */
	int64_t direct_port;	/* of the one-time sshd; filled: 0, any */
	struct strv direct_from;	/* addresses that the store comes
				 * from; none: what its name stands for */
	int64_t postern;	/* a [client]'s, for `pull`: 0: not there */
	int64_t timeout;	/* ms for the whole; filled: 0, none */
	int64_t command_timeout;	/* ms for each command; filled: an
					 * hour */
	int64_t connect_timeout;	/* filled: 30 s */
	int64_t files_cache;	/* 0, 1; filled: 1: what a run saw is kept, so
				 * that the next sends only what changed */
	int64_t beat;		/* ms between two 'B', of both ends; filled:
				 * 10 s. Lost is who says nothing for three */
};

enum settings_keep {
	KEEP_LAST, KEEP_HOURLY, KEEP_DAILY, KEEP_WEEKLY, KEEP_MONTHLY,
	KEEP_YEARLY, KEEP_MAX
};

/* What holds for a client: [store] and, before it, [client NAME]. */
struct settings_policy {
	int64_t keep[KEEP_MAX];	/* by enum settings_keep; all 0: keep all */
	int64_t min_keep;	/* snapshots that space never takes; 1 */
	int64_t quota;		/* bytes; 0: none */
	int64_t max_jobs;	/* that it has backups of at a time; 16 */
	int64_t rate_limit;	/* ms between the begins of two runs; 0 */
	int64_t silent_days;	/* 0: never said */
	int64_t allow;		/* allow.h; a [client]'s narrows what accept
				 * wrote, [store] has none */
	int64_t timeout;	/* ms that one run may take; 0: no limit */
	int64_t backend;	/* enum settings_backend; auto */
	int64_t metadata;	/* enum settings_metadata; fake-super */
};

struct settings_store {
	bool there;		/* the file has a [store] */
	char *dir;		/* absolute; filled: NULL if not there */
	int64_t min_free;	/* bytes */
	int64_t evict_others;	/* 0, 1 */
	int64_t connect_timeout;	/* ms until a client has asked */
	int64_t command_timeout;	/* settings_command_ms() */
	struct settings_policy policy;
	char *before, *after, *on_failure, *on_silent, *textfile;
};

struct settings_client {
	char *name;
	char *user;		/* who receives for it; NULL: who runs us */
	struct settings_policy policy;
	struct settings_job pull;	/* section: name */
};

struct settings {
	struct settings_job *jobs;
	size_t njobs;
	struct settings_client *clients;
	size_t nclients;
	struct settings_store store;
};

/* settings_parse(): len bytes of text, added to *s (zeroed at first); name is
 * used in messages. 0, or -1: ERR_CONFIG with name:line, ERR_MEM. *s may then
 * hold a part, for settings_clear(). */
int settings_parse(struct settings *s, const char *text, size_t len,
	const char *name, struct err *e);
/* settings_load(): the file at path, or the user's own, or /etc/postern's
 * (conf_find()); none is no error unless path was given. As conf_load(). */
int settings_load(struct settings *s, const char *path, struct err *e);
void settings_clear(struct settings *s);

/* settings_check(): what must be there once a whole file is read: a job's
 * root, [store]'s dir; and that no two jobs have the same textfile, no two
 * clients the same user (settings_users()). 0, or -1: ERR_CONFIG, ERR_SYS. A
 * job's destination must be there for who goes to the store (opts_job()): not
 * where the store comes. */
int settings_check(const struct settings *s, struct err *e);

/* settings_users(): whether each client that is received by a user has one of
 * its own: the uids are compared, as the user database has them now; of names
 * that it doesn't have, the names (serve_user() refuses those). 0, or -1:
 * ERR_CONFIG, ERR_SYS (the database can't be asked), ERR_MEM. */
int settings_users(const struct settings *s, struct err *e);

/* settings_job(): the job called name; name NULL: the only one there is.
 * Borrowed, or NULL: ERR_CONFIG. */
struct settings_job *settings_job(struct settings *s, const char *name,
	struct err *e);
/* settings_job_fill(): defaults, in place. 0, or -1 ERR_MEM. */
int settings_job_fill(struct settings_job *j, struct err *e);

/* settings_accepted(): what `accept` wrote of client name, STORE/.postern/
 * NAME/client.conf, into *ret (zeroed). A missing file is no error. 0, or as
 * conf_load(). */
int settings_accepted(const char *store, const char *name,
	struct settings *ret, struct err *e);

/* settings_client_get(): what holds for client name: [client NAME] of s, then
 * what accept wrote (NULL: not asked), then [store], then the defaults.
 * *ret_pull, unless NULL, is the client's job for `pull` (borrowed), NULL when
 * it has no section. */
void settings_client_get(struct settings *s, const struct settings *accepted,
	const char *name, struct settings_policy *ret,
	struct settings_job **ret_pull);

/* settings_client_user(): the user that receives for client name, borrowed;
 * NULL: who runs us. */
const char *settings_client_user(const struct settings *s, const char *name);

/* settings_command_ms(): how long each of [store]'s commands may take, but for
 * `before`, which is part of the run; an hour unless the file says. 0: for
 * ever. */
uint64_t settings_command_ms(const struct settings *s);

/* settings_name(): whether s can be the name of a client or a job:
 * [a-z0-9][a-z0-9._-]{0,62}, no "..", not the name of a snapshot.
 * 0, or -1 ERR_USAGE, the message beginning with what. */
int settings_name(const char *s, const char *what, struct err *e);

#endif
