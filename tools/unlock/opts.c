/* SPDX-License-Identifier: ISC */
#include "unlock.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "opts_settle.h"
#include "ssh/host.h"
#include "ui/conf.h"
#include "ui/opt.h"

enum {
	O_FROM = 1, O_FIFO, O_SHARED, O_HOLD, O_CHECK, O_SETUP, O_CAGE,
	O_TEST, O_HOSTS, O_FILE, O_CNAME, O_SELF, O_DBDIR, O_HOST, O_EXCLUDE,
	O_MAP, O_USER, O_BECOME, O_SSH, O_SSHCFG, O_SSHOPT, O_KEY,
	O_HOLDER_KEY, O_STATE, O_JOBS, O_CONNECT, O_HOST_TIMEOUT,
	O_SCAN_TIMEOUT, O_FOR,
	O_VERIFY, O_STRICT, O_ACCEPT, O_DRY, O_JSON, O_QUIET, O_VERBOSE,
	O_CONFIG,
};

static const struct opt_row rows[] = {
	{ 0, "from", "HOST", "let HOST push (default: this host)", O_FROM },
	{ 0, "fifo", NULL, "feed a key a receiver into its FIFO, one push "
	    "after another", O_FIFO },
	{ 0, "shared", NULL, "one key in all FIFOs while csync2 pushes",
	    O_SHARED },
	{ 0, "hold", NULL, "keep a shared window open until Ctrl-C or --for",
	    O_HOLD },
	{ 0, "for", "TIME", "close after TIME (90s, 10m, 1h)", O_FOR },
	{ 0, "check", NULL, "say what is unsafe in this configuration",
	    O_CHECK },
	{ 0, "hosts", NULL, "with --check or --cage: on every host, over ssh",
	    O_HOSTS },
	{ 0, "setup", NULL, "make FIFOs and folders on every host", O_SETUP },
	{ 0, "holder-key", "FILE", "with --setup: print the authorized_keys "
	    "line of this public key", O_HOLDER_KEY },
	{ 0, "cage", NULL, "write the systemd drop-in that confines the "
	    "always-on daemon", O_CAGE },
	{ 0, "test", NULL, "with --cage: prove it by trying the attacks",
	    O_TEST },
	{ 0, "verify", NULL, "after the push, compare every file's hash on "
	    "every host", O_VERIFY },
	{ 0, "strict", NULL, "stop at any finding of the check", O_STRICT },
	{ 0, "accept-risk", NULL, "go on with --fifo or a shared window "
	    "although the check found a risk", O_ACCEPT },
	{ 'n', "dry-run", NULL, "show the plan, connect to nothing", O_DRY },
	{ 'c', "csync2-config", "FILE", "csync2's configuration", O_FILE },
	{ 'C', "name", "NAME", "csync2's configuration csync2_NAME.cfg",
	    O_CNAME },
	{ 'N', "self", "NAME", "this host's name in that configuration",
	    O_SELF },
	{ 'D', "database", "DIR", "csync2's database folder, with --fifo and "
	    "--shared", O_DBDIR },
	{ 'H', "host", "HOST", "only this host (again for more)", O_HOST },
	{ 'x', "exclude", "HOST", "not this host (again for more)",
	    O_EXCLUDE },
	{ 0, "map", "NAME=DEST", "ssh destination of csync2's host NAME",
	    O_MAP },
	{ 0, "user", "USER", "log in as USER", O_USER },
	{ 0, "become", "COMMAND", "how to be root there ('sudo -n')",
	    O_BECOME },
	{ 'F', "ssh-config", "FILE", "ssh's configuration file", O_SSHCFG },
	{ 'o', "ssh-option", "OPTION", "passed to ssh -o", O_SSHOPT },
	{ 0, "ssh", "PROGRAM", "run this instead of ssh", O_SSH },
	{ 'k', "key", "SOURCE", "random, file:PATH, fd:N, cmd:COMMAND or tty",
	    O_KEY },
	{ 0, "state", "DIR", "where scans are kept, '-' for nowhere "
	    "(/var/lib/postern/unlock)", O_STATE },
	{ 'j', "jobs", "N", "handshakes under way at once (16)", O_JOBS },
	{ 0, "connect-timeout", "TIME", "until a host answers (10s)",
	    O_CONNECT },
	{ 0, "timeout", "TIME", NULL, O_HOST_TIMEOUT },
	{ 0, "host-timeout", "TIME", "for one host's push (60s)",
	    O_HOST_TIMEOUT },
	{ 0, "scan-timeout", "TIME", "for the scan on the pushing host (30m)",
	    O_SCAN_TIMEOUT },
	{ 0, "config", "FILE", "instead of unlock.conf(5)", O_CONFIG },
	{ 0, "json", NULL, "an object a line on standard output", O_JSON },
	{ 'q', "quiet", NULL, "say only what failed", O_QUIET },
	{ 'v', "verbose", NULL, "say more", O_VERBOSE },
	{ 0, NULL, NULL, NULL, 0 },
};

static const char *const usage[] = {
	"postern unlock [options] GROUP…",
	"postern unlock [options] GROUP… -- COMMAND…",
	"postern unlock --hold [--for TIME] GROUP…",
	"postern unlock --check [--hosts] [GROUP…]",
	"postern unlock --setup GROUP…",
	"postern unlock --cage [--test] [--hosts]",
	NULL
};

static const struct opt_cmd cmd = {
	.name = "postern unlock",
	.usage = usage,
	.about = "Pushes csync2 groups whose key is a FIFO: nobody can sync "
	    "them but in the moment that you open.",
	.rows = rows,
};

static const struct conf_key conf_keys[] = {
	{ "unlock", "user", O_USER, false },
	{ "unlock", "become", O_BECOME, false },
	{ "unlock", "ssh-config", O_SSHCFG, false },
	{ "unlock", "ssh-option", O_SSHOPT, true },
	{ "unlock", "ssh", O_SSH, false },
	{ "unlock", "csync2-config", O_FILE, false },
	{ "unlock", "name", O_CNAME, false },
	{ "unlock", "self", O_SELF, false },
	{ "unlock", "from", O_FROM, false },
	{ "unlock", "key", O_KEY, false },
	{ "unlock", "state", O_STATE, false },
	{ "unlock", "jobs", O_JOBS, false },
	{ "unlock", "connect-timeout", O_CONNECT, false },
	{ "unlock", "host-timeout", O_HOST_TIMEOUT, false },
	{ "unlock", "scan-timeout", O_SCAN_TIMEOUT, false },
	{ "map", "*", O_MAP, false },
	{ NULL, NULL, 0, false },
};

/* What the walk over argv collects beside the options themselves. */
struct walk {
	struct unlock_opts *o;
	char *config;
	int answer;		/* OPT_HELP and the like, or 0 */
	bool file;		/* unlock.conf: argv's values stay */
};

/* What most options are: a place in struct unlock_opts. */
enum kind { KIND_STR, KIND_LIST, KIND_TIME, KIND_FLAG };

static const struct place {
	int id;
	enum kind kind;
	size_t at;
} places[] = {
	{ O_FROM, KIND_STR, offsetof(struct unlock_opts, from) },
	{ O_FILE, KIND_STR, offsetof(struct unlock_opts, cfg_file) },
	{ O_CNAME, KIND_STR, offsetof(struct unlock_opts, cfg_name) },
	{ O_SELF, KIND_STR, offsetof(struct unlock_opts, self) },
	{ O_DBDIR, KIND_STR, offsetof(struct unlock_opts, dbdir) },
	{ O_USER, KIND_STR, offsetof(struct unlock_opts, user) },
	{ O_BECOME, KIND_STR, offsetof(struct unlock_opts, become) },
	{ O_SSH, KIND_STR, offsetof(struct unlock_opts, ssh) },
	{ O_SSHCFG, KIND_STR, offsetof(struct unlock_opts, ssh_config) },
	{ O_KEY, KIND_STR, offsetof(struct unlock_opts, key) },
	{ O_HOLDER_KEY, KIND_STR, offsetof(struct unlock_opts, holder_key) },
	{ O_STATE, KIND_STR, offsetof(struct unlock_opts, state_dir) },
	{ O_SSHOPT, KIND_LIST, offsetof(struct unlock_opts, ssh_options) },
	{ O_HOST, KIND_LIST, offsetof(struct unlock_opts, only) },
	{ O_EXCLUDE, KIND_LIST, offsetof(struct unlock_opts, except) },
	{ O_CONNECT, KIND_TIME, offsetof(struct unlock_opts, connect_ms) },
	{ O_HOST_TIMEOUT, KIND_TIME, offsetof(struct unlock_opts, host_ms) },
	{ O_SCAN_TIMEOUT, KIND_TIME, offsetof(struct unlock_opts, scan_ms) },
	{ O_FOR, KIND_TIME, offsetof(struct unlock_opts, for_ms) },
	{ O_TEST, KIND_FLAG, offsetof(struct unlock_opts, test) },
	{ O_HOSTS, KIND_FLAG, offsetof(struct unlock_opts, hosts) },
	{ O_VERIFY, KIND_FLAG, offsetof(struct unlock_opts, verify) },
	{ O_STRICT, KIND_FLAG, offsetof(struct unlock_opts, strict) },
	{ O_ACCEPT, KIND_FLAG, offsetof(struct unlock_opts, accept_risk) },
	{ O_DRY, KIND_FLAG, offsetof(struct unlock_opts, dry_run) },
	{ O_JSON, KIND_FLAG, offsetof(struct unlock_opts, json) },
	{ O_QUIET, KIND_FLAG, offsetof(struct unlock_opts, quiet) },
	{ O_VERBOSE, KIND_FLAG, offsetof(struct unlock_opts, verbose) },
};

/* The name of option id, for messages. */
static const char *
name_of(int id)
{
	const struct opt_row *r;

	for (r = rows; r->id != 0; r++)
		if (r->id == id)
			return r->name;
	return "?";
}

/* Sets a string once; the file never overrides the command line. */
static int
set_str(struct walk *w, char **s, const char *value, struct err *e)
{
	if (w->file && *s != NULL)
		return 0;
	free(*s);
	*s = strdup(value);
	return *s != NULL ? 0 : err_set(e, ERR_MEM, "out of memory");
}

static int
set_time(struct walk *w, int id, uint64_t *ms, const char *value,
    struct err *e)
{
	char what[40];

	if (w->file && *ms != 0)
		return 0;
	snprintf(what, sizeof(what), "--%s", name_of(id));
	if (num_duration_ms(value, what, ms, e) == -1)
		return -1;
	if (*ms == 0)
		return err_set(e, ERR_USAGE, "%s: must be more than 0", what);
	return 0;
}

static int
set_place(struct walk *w, const struct place *p, const char *v, struct err *e)
{
	void *at = (char *)w->o + p->at;

	switch (p->kind) {
	case KIND_STR:
		return set_str(w, at, v, e);
	case KIND_LIST:
		return strv_add(at, v) == 0 ? 0 :
		    err_set(e, ERR_MEM, "out of memory");
	case KIND_TIME:
		return set_time(w, p->id, at, v, e);
	case KIND_FLAG:
		*(bool *)at = true;
		return 0;
	}
	return 0;
}

/* Of several that exclude each other, the one that was given. */
static int
set_one(int *at, int unset, int value, const char *which, struct err *e)
{
	if (*at != unset && *at != value)
		return err_set(e, ERR_USAGE, "only one of %s", which);
	*at = value;
	return 0;
}

static int
add_map(struct walk *w, const char *name, size_t len, const char *dest,
    struct err *e)
{
	struct unlock_opts *o = w->o;
	struct unlock_map *m;
	size_t i;

	if (host_check(dest, e) == -1)
		return -1;
	for (i = 0; i < o->nmap; i++)
		if (strlen(o->map[i].name) == len &&
		    strncasecmp(o->map[i].name, name, len) == 0)
			return w->file ? 0 : err_set(e, ERR_USAGE,
			    "--map: '%.*s' is given twice", (int)len, name);
	m = reallocarray(o->map, o->nmap + 1, sizeof(*m));
	if (m == NULL)
		return err_set(e, ERR_MEM, "out of memory");
	o->map = m;
	m[o->nmap].name = strndup(name, len);
	m[o->nmap].dest = strdup(dest);
	o->nmap++;
	return m[o->nmap - 1].name != NULL && m[o->nmap - 1].dest != NULL ?
	    0 : err_set(e, ERR_MEM, "out of memory");
}

static int
set_map(struct walk *w, const char *value, struct err *e)
{
	const char *eq = strchr(value, '=');

	if (eq == NULL || eq == value)
		return err_set(e, ERR_USAGE,
		    "--map: '%s' is not NAME=DESTINATION", value);
	return add_map(w, value, (size_t)(eq - value), eq + 1, e);
}

static int
set_action(struct unlock_opts *o, enum unlock_action a, struct err *e)
{
	int at = (int)o->action;
	int rc = set_one(&at, UNLOCK_PUSH, (int)a,
	    "--hold, --check, --setup and --cage", e);

	o->action = (enum unlock_action)at;
	return rc;
}

static int
set_way(struct unlock_opts *o, enum unlock_way way, struct err *e)
{
	int at = (int)o->way;
	int rc = set_one(&at, UNLOCK_PIPE, (int)way, "--fifo and --shared",
	    e);

	o->way = (enum unlock_way)at;
	return rc;
}

static int
set_opt(void *arg, int id, const char *v, struct err *e)
{
	struct walk *w = arg;
	struct unlock_opts *o = w->o;
	size_t i;

	for (i = 0; i < sizeof(places) / sizeof(*places); i++)
		if (places[i].id == id)
			return set_place(w, &places[i], v, e);
	switch (id) {
	case O_FIFO:
		return set_way(o, UNLOCK_FIFO, e);
	case O_SHARED:
		return set_way(o, UNLOCK_SHARED, e);
	case O_HOLD:
		return set_action(o, UNLOCK_HOLD, e);
	case O_CHECK:
		return set_action(o, UNLOCK_CHECK, e);
	case O_SETUP:
		return set_action(o, UNLOCK_SETUP, e);
	case O_CAGE:
		return set_action(o, UNLOCK_CAGE, e);
	case O_CONFIG:
		return set_str(w, &w->config, v, e);
	case O_MAP:
		return set_map(w, v, e);
	case O_JOBS:
		if (w->file && o->jobs_set)
			return 0;
		o->jobs_set = true;
		return num_u64(v, "--jobs", 1, 4096, &o->jobs, e);
	default:		/* OPT_HELP and the like */
		w->answer = id;
		return 0;
	}
}

static int
set_conf(void *arg, int id, const char *section, const char *key,
    const char *value, const char *at, struct err *e)
{
	struct walk *w = arg;
	int rc;

	(void)section;
	if (id == O_MAP)
		rc = add_map(w, key, strlen(key), value, e);
	else
		rc = set_opt(w, id, value, e);
	if (rc == -1) {
		err_wrap(e, "%s", at);
		if (e != NULL && e->code == ERR_USAGE)
			e->code = ERR_CONFIG;
	}
	return rc;
}

int
opts_parse(int argc, char **argv, bool hold, struct unlock_opts *ret,
    struct err *e)
{
	struct walk w = { .o = ret };
	int first, dashes, i, rc = -1;

	if (hold)
		ret->action = UNLOCK_HOLD;
	if (opt_parse(&cmd, argc, argv, 0, set_opt, &w, &first, &dashes,
	    e) == -1)
		goto out;
	if (w.answer != 0) {
		(void)opt_answer(&cmd, w.answer, POSTERN_VERSION, stdout);
		rc = 1;
		goto out;
	}
	for (i = first; i < dashes; i++)
		if (strv_add(&ret->groups, argv[i]) == -1)
			goto out;
	for (i = dashes; i < argc; i++)
		if (strv_add(&ret->command, argv[i]) == -1)
			goto out;
	w.file = true;
	if (conf_load("unlock", w.config, conf_keys, set_conf, &w, e) == -1 ||
	    opts_settle(ret, e) == -1)
		goto out;
	rc = 0;
out:
	if (rc == -1 && e->code == ERR_NONE)
		err_set(e, ERR_MEM, "out of memory");
	free(w.config);
	return rc;
}

void
opts_clear(struct unlock_opts *o)
{
	size_t i;

	for (i = 0; i < sizeof(places) / sizeof(*places); i++) {
		void *at = (char *)o + places[i].at;

		if (places[i].kind == KIND_STR)
			free(*(char **)at);
		else if (places[i].kind == KIND_LIST)
			strv_clear(at);
	}
	free(o->sysdir);
	strv_clear(&o->groups);
	strv_clear(&o->command);
	for (i = 0; i < o->nmap; i++) {
		free(o->map[i].name);
		free(o->map[i].dest);
	}
	free(o->map);
	*o = (struct unlock_opts){ 0 };
}
