/* SPDX-License-Identifier: ISC */
/*
 * cfg: csync2's configuration, read exactly as csync2 2.0 reads it: the same
 * words, the same statements, the same verdict on each file, with file:line
 * where csync2 gives none. The parser is pure: it asks for included files
 * ("config FILE;") through a callback.
 *
 * Words that name hosts are lower-cased as csync2 does. Relative key paths
 * are kept as written; cfg_key_path() resolves them. Nothing here reads a
 * key, resolves a name or looks at the file system.
 * Source: csync2(8), and the differential test of tests/csync2cfg.
 */
#ifndef POSTERN_CFG_H
#define POSTERN_CFG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"

struct cfg_at {
	const char *file;	/* borrowed from cfg->files */
	unsigned line;
};

struct cfg_host {
	char *self;		/* what a host compares its own name with */
	char *peer;		/* what others connect to; = self without @ */
	bool slave;		/* stood in ( ) */
	struct cfg_at at;
};

enum cfg_pattern_kind { CFG_INCLUDE, CFG_EXCLUDE, CFG_COMPARE };

struct cfg_pattern {
	enum cfg_pattern_kind kind;
	char *text;		/* as csync2 keeps it: trailing / stripped */
	struct cfg_at at;
};

struct cfg_action {
	struct strv patterns;
	struct strv execs;
	char *logfile;		/* NULL: none */
	bool do_local, do_local_only;
	struct cfg_at at;
};

struct cfg_group {
	char *name;		/* "group_1" when anonymous */
	struct cfg_host *hosts;
	size_t nhosts;
	struct cfg_host **by_self;	/* sorted for cfg_self(); NULL: not */
	struct cfg_pattern *patterns;	/* in the order of the file */
	size_t npatterns;
	struct cfg_action *actions;
	size_t nactions;
	char *key;		/* as written */
	struct cfg_at key_at;
	char *autom;		/* auto METHOD, "none" when not given */
	char *backup_dir;	/* NULL: none */
	char *backup_generations;	/* as written, NULL: default */
	struct cfg_at at;
};

struct cfg_prefix_on {
	char *host;		/* fnmatch pattern, as written */
	char *path;		/* trailing / stripped */
};

struct cfg_prefix {
	char *name;
	struct cfg_prefix_on *on;
	size_t non;
	struct cfg_at at;
};

struct cfg_nossl { char *from, *to; struct cfg_at at; };

struct cfg {
	struct cfg_group *groups;
	size_t ngroups;
	struct cfg_prefix *prefixes;
	size_t nprefixes;
	struct cfg_nossl *nossl;
	size_t nnossl;
	char *database, *tempdir, *lock_timeout;	/* NULL: not given */
	bool ignore_uid, ignore_gid, ignore_mod;
	struct strv files;	/* every file that was read, in order */
};

/*
 * cfg_parse(): the configuration that starts in file name.
 * load     called for name and each included file: appends its bytes to out;
 *          0, or -1 with *e filled.
 * hostname who we are, lower case. No verdict depends on it: csync2 drops
 *          what is not for this host while it parses, the model keeps all.
 * Fills *ret (zeroed by the caller; cfg_clear() afterwards, also on
 * failure). 0, or -1: ERR_CONFIG "FILE:LINE: what and why", ERR_MEM.
 */
int cfg_parse(const char *name, const char *hostname,
	int (*load)(void *arg, const char *name, struct buf *out,
	struct err *e), void *arg, struct cfg *ret, struct err *e);
void cfg_clear(struct cfg *c);

/* cfg_load_file(): a load callback that reads the file system; arg unused. */
int cfg_load_file(void *arg, const char *name, struct buf *out,
	struct err *e);

/*
 * cfg_path(): where csync2 looks for its configuration: file when not NULL;
 * else SYSDIR/csync2.cfg, or SYSDIR/csync2_NAME.cfg for -C name (whose
 * grammar csync2 restricts); sysdir NULL is /etc. Appends to out.
 * 0, or -1 ERR_USAGE.
 */
int cfg_path(const char *sysdir, const char *cname, const char *file,
	struct buf *out, struct err *e);

/* cfg_group(): the groups named name, in order; start from *i = 0; NULL when
 * there are no more (duplicate names are legal in csync2). */
const struct cfg_group *cfg_group(const struct cfg *c, const char *name,
	size_t *i);

/* cfg_key_path(): g's key as a path; relative ones join sysdir. */
int cfg_key_path(const struct cfg_group *g, const char *sysdir,
	struct buf *out, struct err *e);

/*
 * cfg_database(): where c's SQLite database lies, without the scheme of an
 * URL: a folder, in which csync2 makes HOST.db3 or HOST_NAME.db3, or a file
 * if no folder is there. Borrowed from c, as written (maybe relative);
 * NULL: it is on a server, or of a kind that csync2 doesn't know.
 */
const char *cfg_database(const struct cfg *c);

/*
 * cfg_database_folder(): the folder that csync2 writes for it (the database,
 * its journals). What it is can't be seen here: a name that ends in .db,
 * .db2, .db3, .sqlite or .sqlite3 is taken for a file's, which *ret_file says
 * (may be NULL). Appends to out. 0, or -1: ERR_CONFIG (as above, or not an
 * absolute path, or a file in /), ERR_MEM.
 */
int cfg_database_folder(const struct cfg *c, struct buf *out, bool *ret_file,
	struct err *e);

/* cfg_self(): g's entry for the host that calls itself name (lower case), as
 * csync2 picks it (named twice, the later one counts), or NULL. */
const struct cfg_host *cfg_self(const struct cfg_group *g, const char *name);

/*
 * cfg_expand(): %prefix% at the start of text replaced by its path on host.
 * Appends to out. 0, or -1: ERR_CONFIG (no such prefix on that host),
 * ERR_MEM.
 */
int cfg_expand(const struct cfg *c, const char *text, const char *host,
	struct buf *out, struct err *e);

/*
 * cfg_match(): whether path (absolute, expanded, no slash at the end)
 * belongs to g on host (what the host calls itself, see cfg_self(); false
 * when it is not in g), by csync2's rules: last match wins, FNM_LEADING_DIR,
 * basename-only patterns, "**". Patterns of "compare" don't count, as in all
 * of csync2 but its -o. Out of memory counts as a match.
 */
bool cfg_match(const struct cfg *c, const struct cfg_group *g,
	const char *host, const char *path);

/*
 * cfg_enter(): whether csync2's recursive check on host looks into the
 * folder path for files of g. A file that matches is found only when every
 * folder above it is entered: "exclude *.d" hides a.d/file, though the
 * file's own name matches. Several groups in one configuration open a folder
 * for each other.
 */
bool cfg_enter(const struct cfg *c, const struct cfg_group *g,
	const char *host, const char *path);

/*
 * cfg_roots(): the folders or files below which everything that g can match
 * on host lies (wildcard-free leading parts of its include patterns,
 * none inside another). A basename-only include yields nothing, nor does a
 * prefix that host does not have. 0, or -1 ERR_MEM.
 */
int cfg_roots(const struct cfg *c, const struct cfg_group *g,
	const char *host, struct strv *out, struct err *e);

/*
 * cfg_emit_pipe(): the configuration of one pipe push: the groups in g[],
 * between a pusher called 127.0.0.1 and the slave receiver@127.0.0.1, key
 * "k0".."k<n-1>" in the system directory, everything that shapes what is
 * pushed (patterns, prefixes, actions, ignore, tempdir, lock-timeout,
 * backup) as in c, each %prefix% resolved for the two hosts named (as they
 * call themselves). An action's log is CFG_ACTION_LOG and a number, see
 * cfg_action_logs(); what runs csync2 puts its private folder in place of
 * "/@POSTERN@". The receiver runs csync2 -N receiver, the pusher
 * -N 127.0.0.1. Appends text that csync2 reads back to the same meaning.
 * 0, or -1: ERR_CONFIG (a string that csync2's quoting can't write, a host
 * that is not in a group, one that would push to itself), ERR_MEM.
 */
#define CFG_ACTION_LOG "/@POSTERN@/action"

int cfg_emit_pipe(const struct cfg *c, const struct cfg_group *const *g,
	size_t ng, const char *pusher, const char *receiver, struct buf *out,
	struct err *e);

/*
 * cfg_action_logs(): appends the log file that the configuration gives for
 * each number behind CFG_ACTION_LOG, "" for none. Actions with the same log
 * share a number: csync2 runs a command once for each log file, not once
 * for each action. 0, or -1 ERR_MEM.
 */
int cfg_action_logs(const struct cfg_group *const *g, size_t ng,
	struct strv *out, struct err *e);

#endif
