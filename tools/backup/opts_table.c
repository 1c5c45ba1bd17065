/* SPDX-License-Identifier: ISC */
#include "opts_table.h"

#define AT(field) offsetof(struct backup_opts, field)

static const struct opts_place places[] = {
	[O_CONFIG] = { "config", OPTS_STR, AT(config) },
	[O_JSON] = { "json", OPTS_FLAG, AT(json) },
	[O_QUIET] = { "quiet", OPTS_FLAG, AT(quiet) },
	[O_VERBOSE] = { "verbose", OPTS_FLAG, AT(verbose) },
	[O_DRY] = { "dry-run", OPTS_FLAG, AT(dry_run) },
	[O_JOB] = { "job", OPTS_NAME, AT(job) },
	[O_CLIENT] = { "client", OPTS_NAME, AT(client) },
	[O_STORE] = { "store", OPTS_PATH, AT(store) },
	[O_KEY] = { "key", OPTS_STR, AT(key) },
	[O_FINGERPRINT] = { "fingerprint", OPTS_STR, AT(fingerprint) },
	[O_SSHCFG] = { "ssh-config", OPTS_STR, AT(ssh_config) },
	[O_SSH] = { "ssh", OPTS_STR, AT(ssh) },
	[O_SSHOPT] = { "ssh-option", OPTS_LIST, AT(ssh_options) },
	[O_ALLOW] = { "allow", OPTS_ALLOW, AT(allow) },
	[O_QUOTA] = { "quota", OPTS_SIZE, AT(quota) },
	[O_USER] = { "user", OPTS_STR, AT(user) },
	[O_REMOVE] = { "remove", OPTS_FLAG, AT(remove) },
	[O_MODE] = { "mode", OPTS_STR, AT(mode) },
	[O_BANDWIDTH] = { "bandwidth", OPTS_SIZE, AT(bandwidth) },
	[O_TIMEOUT] = { "timeout", OPTS_TIME, AT(timeout_ms) },
	[O_TO] = { "to", OPTS_STR, AT(to) },
	[O_PRIVILEGED] = { "privileged", OPTS_FLAG, AT(privileged) },
	[O_EXACT] = { "exact", OPTS_FLAG, AT(exact) },
	[O_PREFIX] = { "prefix", OPTS_FLAG, AT(prefix) },
	[O_SNAPSHOT] = { "snapshot", OPTS_STR, AT(snapshot) },
	[O_MAX_AGE] = { "max-age", OPTS_TIME, AT(max_age_ms) },
	[O_SAMPLE] = { "sample", OPTS_NUM, AT(sample), 1, 100 },
	[O_LINES] = { "lines", OPTS_NUM, AT(lines), 1, 100000 },
	[O_MIN] = { "min", OPTS_SIZE, AT(min_size) },
	[O_DEPTH] = { "depth", OPTS_NUM, AT(depth), 1, 1000 },
	[O_HTML] = { "html", OPTS_STR, AT(html) },
	[O_TEXTFILE] = { "textfile", OPTS_STR, AT(textfile) },
	[O_STDIO] = { "stdio", OPTS_FLAG, AT(stdio) },
	[O_FULL] = { "full", OPTS_FLAG, AT(full) },
};

/* What several commands have. */
#define COMMON \
	{ 0, "config", "FILE", "instead of backup.conf(5)", O_CONFIG }, \
	{ 0, "json", NULL, "an object a line on standard output", O_JSON }, \
	{ 'q', "quiet", NULL, "say only what failed", O_QUIET }, \
	{ 'v', "verbose", NULL, "say more", O_VERBOSE }, \
	{ 0 }
#define DRY { 'n', "dry-run", NULL, "show what would be done", O_DRY }
#define JOB { 'j', "job", "NAME", "this [job] of backup.conf", O_JOB }
#define CLIENT \
	{ 0, "client", "NAME", "on the store: of this client", O_CLIENT }
#define STORE { 0, "store", "DIR", "on the store: its folder", O_STORE }
#define SSH \
	{ 'F', "ssh-config", "FILE", "ssh's configuration file", O_SSHCFG }, \
	{ 'o', "ssh-option", "OPTION", "passed to ssh -o", O_SSHOPT }, \
	{ 0, "ssh", "PROGRAM", "run this instead of ssh", O_SSH }
#define TRANSFER \
	{ 0, "mode", "MODE", "channel or direct", O_MODE }, \
	{ 0, "bandwidth", "SIZE", "at most SIZE bytes a second", \
	    O_BANDWIDTH }, \
	{ 0, "timeout", "TIME", "end it after TIME", O_TIMEOUT }

static const struct opt_row setup_rows[] = {
	{ 0, "client", "NAME", "what the store shall call this machine "
	    "(its host name)", O_CLIENT },
	{ 0, "fingerprint", "SHA256:…", "the host key's, so that nobody is "
	    "asked", O_FINGERPRINT },
	{ 0, "key", "FILE", "use this private key", O_KEY },
	SSH, DRY, COMMON
};
static const struct opt_row run_rows[] = {
	{ 0, "full", NULL, "look at everything, whatever the last run saw",
	    O_FULL },
	{ 0, "stdio", NULL, "what pull runs here: not for people", O_STDIO },
	TRANSFER, SSH, DRY, COMMON
};
static const struct opt_row restore_rows[] = {
	{ 0, "to", "DIR", "below this folder (./restored-SNAPSHOT)", O_TO },
	{ 0, "privileged", NULL, "owners, devices, setuid and capabilities "
	    "too", O_PRIVILEGED },
	JOB, CLIENT, STORE, SSH, DRY, COMMON
};
static const struct opt_row ask_rows[] = { JOB, CLIENT, STORE, SSH, COMMON };
static const struct opt_row find_rows[] = {
	{ 0, "exact", NULL, "PATTERN is a path", O_EXACT },
	{ 0, "prefix", NULL, "PATTERN is how a path begins", O_PREFIX },
	{ 0, "snapshot", "NAME", "only in this one", O_SNAPSHOT },
	JOB, CLIENT, STORE, SSH, COMMON
};
static const struct opt_row verify_rows[] = {
	{ 0, "max-age", "TIME", "only what was not compared for TIME",
	    O_MAX_AGE },
	{ 0, "sample", "N", "N per cent of the files, at random", O_SAMPLE },
	JOB, CLIENT, STORE, SSH, COMMON
};
static const struct opt_row usage_rows[] = {
	{ 0, "lines", "N", "show at most N folders (30)", O_LINES },
	{ 0, "min", "SIZE", "only folders of at least SIZE", O_MIN },
	COMMON
};
static const struct opt_row accept_rows[] = {
	{ 0, "client", "NAME", "what the machine is called here", O_CLIENT },
	{ 0, "key", "KEY", "its public key: FILE, - or 'ssh-ed25519 …'",
	    O_KEY },
	{ 0, "allow", "LIST", "of run, list, restore, verify (run)",
	    O_ALLOW },
	{ 0, "quota", "SIZE", "at most SIZE for all of its snapshots",
	    O_QUOTA },
	{ 0, "user", "USER", "the account whose authorized_keys it is (this "
	    "one)", O_USER },
	{ 0, "remove", NULL, "take the key away; snapshots stay", O_REMOVE },
	STORE, DRY, COMMON
};
static const struct opt_row pull_rows[] = {
	{ 0, "client", "NAME", "what the host is called here (HOST)",
	    O_CLIENT },
	{ 'j', "job", "NAME", "the [job] of HOST's own backup.conf", O_JOB },
	STORE, TRANSFER, SSH, DRY, COMMON
};
static const struct opt_row receive_rows[] = {
	{ 0, "client", "NAME", "whose key this is", O_CLIENT },
	{ 0, "allow", "LIST", "what it may ask for (run)", O_ALLOW },
	STORE, COMMON
};
static const struct opt_row explain_rows[] = {
	{ 0, "allow", "LIST", "as if this were allowed", O_ALLOW },
	JOB, CLIENT, STORE, COMMON
};
static const struct opt_row store_rows[] = { CLIENT, STORE, COMMON };
static const struct opt_row du_rows[] = {
	{ 0, "depth", "N", "of a snapshot: folders so deep (2)", O_DEPTH },
	CLIENT, STORE, COMMON
};
static const struct opt_row prune_rows[] = {
	{ 'j', "job", "NAME", "instead: all of a CLIENT's job of that name",
	    O_JOB },
	CLIENT, STORE, DRY, COMMON
};
static const struct opt_row pin_rows[] = {
	{ 0, "remove", NULL, "let it go again", O_REMOVE },
	CLIENT, STORE, COMMON
};
static const struct opt_row status_rows[] = {
	{ 0, "html", "FILE", "write a page with calendars and plots",
	    O_HTML },
	{ 0, "textfile", "FILE", "write metrics for Prometheus",
	    O_TEXTFILE },
	CLIENT, STORE, COMMON
};

#define CMD(name, rows, about, ...) \
	static const struct opt_cmd name##_cmd = { "postern backup " #name, \
		(const char *const []){ __VA_ARGS__, NULL }, about, rows, NULL }

CMD(setup, setup_rows, "On the machine that is to be backed up, once: makes "
    "its key, pins the store's host key, writes a first backup.conf, and "
    "prints the line to run on the store.",
    "postern backup setup [options] [USER@]STORE");
CMD(run, run_rows, "Asks the store for a backup now.",
    "postern backup run [options] [JOB…]");
CMD(restore, restore_rows, "Brings files back.",
    "postern backup restore [options] SNAPSHOT [PATH…]");
CMD(list, ask_rows, "Snapshots, or what is in a folder of one of them.",
    "postern backup list [options] [SNAPSHOT [PATH]]",
    "postern backup list [options] [CLIENT…]    (on the store)");
CMD(find, find_rows, "Which snapshots have a path, and how it was there.",
    "postern backup find [options] PATTERN");
CMD(verify, verify_rows, "Compares what is stored with what arrived.",
    "postern backup verify [options] [SNAPSHOT…]",
    "postern backup verify [options] [CLIENT…]    (on the store)");
CMD(cat, ask_rows, "One file to standard output.",
    "postern backup cat [options] SNAPSHOT PATH");
CMD(usage, usage_rows, "The largest folders that a job would back up, and "
    "the line that would leave each of them out.",
    "postern backup usage [options] [JOB…]");
CMD(accept, accept_rows, "On the store, once a machine: lets its key make "
    "backups, and nothing else.",
    "postern backup accept [options] --client NAME --key KEY",
    "postern backup accept --remove --client NAME");
CMD(pull, pull_rows, "On the store: a backup of HOST that the owner starts.",
    "postern backup pull [options] HOST");
CMD(receive, receive_rows, "What a client's key runs on the store. Not for "
    "people.",
    "postern backup receive --client NAME [--allow LIST]");
CMD(explain, explain_rows, "What would be done with a command that a client "
    "sends, or which of a job's rules who enforces.",
    "postern backup explain [options] ['COMMAND']");
CMD(show, store_rows, "What one snapshot was made of.",
    "postern backup show [options] SNAPSHOT");
CMD(diff, store_rows, "What changed from one snapshot to another.",
    "postern backup diff [options] SNAPSHOT SNAPSHOT [PATH]");
CMD(du, du_rows, "What snapshots, or the folders of one, take, and what "
    "removing it would free.",
    "postern backup du [options] [CLIENT…]",
    "postern backup du [options] SNAPSHOT");
CMD(prune, prune_rows, "Removes what retention no longer keeps.",
    "postern backup prune [options] [CLIENT…]",
    "postern backup prune [options] --job NAME CLIENT");
CMD(pin, pin_rows, "Keeps a snapshot, whatever retention and space say.",
    "postern backup pin [options] SNAPSHOT",
    "postern backup pin --remove [options] SNAPSHOT");
CMD(status, status_rows, "Each client's last run, sizes, quota, and who has "
    "been silent.",
    "postern backup status [options] [CLIENT…]");

static const struct opts_command commands[] = {
	{ BACKUP_SETUP, OPTS_CLIENT, false, 1, 1, &setup_cmd },
	{ BACKUP_RUN, OPTS_CLIENT, false, 0, -1, &run_cmd },
	{ BACKUP_RESTORE, OPTS_EITHER, true, 1, -1, &restore_cmd },
	{ BACKUP_LIST, OPTS_EITHER, true, 0, -1, &list_cmd },
	{ BACKUP_FIND, OPTS_EITHER, true, 1, 1, &find_cmd },
	{ BACKUP_VERIFY, OPTS_EITHER, true, 0, -1, &verify_cmd },
	{ BACKUP_CAT, OPTS_EITHER, true, 2, 2, &cat_cmd },
	{ BACKUP_USAGE, OPTS_CLIENT, false, 0, -1, &usage_cmd },
	{ BACKUP_ACCEPT, OPTS_STORE, true, 0, 0, &accept_cmd },
	{ BACKUP_PULL, OPTS_STORE, true, 1, 1, &pull_cmd },
	{ BACKUP_RECEIVE, OPTS_STORE, true, 0, 0, &receive_cmd },
	{ BACKUP_EXPLAIN, OPTS_EITHER, false, 0, 1, &explain_cmd },
	{ BACKUP_SHOW, OPTS_STORE, true, 1, 1, &show_cmd },
	{ BACKUP_DIFF, OPTS_STORE, true, 2, 3, &diff_cmd },
	{ BACKUP_DU, OPTS_STORE, true, 0, -1, &du_cmd },
	{ BACKUP_PRUNE, OPTS_STORE, true, 0, -1, &prune_cmd },
	{ BACKUP_PIN, OPTS_STORE, true, 1, 1, &pin_cmd },
	{ BACKUP_STATUS, OPTS_STORE, true, 0, -1, &status_cmd },
};

static const struct opt_sub subs[] = {
	{ "setup", "make a key, pin the store's, print its line",
	    &setup_cmd, BACKUP_SETUP },
	{ "run", "ask for a backup now", &run_cmd, BACKUP_RUN },
	{ "restore", "bring files back", &restore_cmd, BACKUP_RESTORE },
	{ "list", "the snapshots that there are", &list_cmd, BACKUP_LIST },
	{ "find", "where a path is stored", &find_cmd, BACKUP_FIND },
	{ "verify", "find what has rotted", &verify_cmd, BACKUP_VERIFY },
	{ "cat", "one file to standard output", &cat_cmd, BACKUP_CAT },
	{ "usage", "the largest folders, to be left out", &usage_cmd,
	    BACKUP_USAGE },
	{ "accept", "store: let a machine make backups", &accept_cmd,
	    BACKUP_ACCEPT },
	{ "pull", "store: back a host up from here", &pull_cmd,
	    BACKUP_PULL },
	{ "receive", "store: what a client's key runs", &receive_cmd,
	    BACKUP_RECEIVE },
	{ "explain", "what would be allowed, and why not", &explain_cmd,
	    BACKUP_EXPLAIN },
	{ "show", "store: what a snapshot was made of", &show_cmd,
	    BACKUP_SHOW },
	{ "diff", "store: what changed between two", &diff_cmd,
	    BACKUP_DIFF },
	{ "du", "store: what snapshots take", &du_cmd, BACKUP_DU },
	{ "prune", "store: remove what is not kept", &prune_cmd,
	    BACKUP_PRUNE },
	{ "pin", "store: keep one snapshot", &pin_cmd, BACKUP_PIN },
	{ "status", "store: how all clients are", &status_cmd,
	    BACKUP_STATUS },
	{ 0 },
};

static const char *const usage[] = { "postern backup COMMAND [options] …",
	"postern backup COMMAND --help", NULL };
static const struct opt_row no_rows[] = { { 0 } };
static const struct opt_cmd top = { "postern backup", usage,
	"Backups on the request of the machine that is backed up: for that one "
	"request the store may read it, once.", no_rows, subs };

const struct opts_place *
opts_place(int id)
{
	return id > 0 && id < O_END ? &places[id] : NULL;
}

const struct opts_command *
opts_command(enum backup_cmd id)
{
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (commands[i].id == id)
			return &commands[i];
	return NULL;
}

const struct opt_cmd *
opts_top(void)
{
	return &top;
}
