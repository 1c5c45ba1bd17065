/* SPDX-License-Identifier: ISC */
/* What is unsafe on the hosts, by what they told (remote/probe.sh). */
#include <string.h>

#include "check_rule.h"
#include "danger.h"

/* A risk to --fifo and shared windows that the pipe push does not have. */
static enum check_level
window_risk(const struct check_ctx *x)
{
	return x->in->mode == CHECK_PIPE ? CHECK_NOTE : CHECK_RISK;
}

struct fifo_state {
	const char *state;
	enum check_level level;
	const char *text, *cure;
};

static const struct fifo_state fifo_states[] = {
	{ "missing", CHECK_WARN, "is not there, so that csync2 refuses its "
	    "whole configuration", "Make it with --setup." },
	{ "not-fifo", CHECK_RISK, "is no FIFO: a key that lies in a file is "
	    "good at any time, for whoever reads it",
	    "Move it away, then make the FIFO with --setup." },
	{ "symlink", CHECK_RISK, "is a symlink: whoever may change it "
	    "decides where the key goes",
	    "Remove it, then make the FIFO with --setup." },
	{ "owner", CHECK_RISK, "does not belong to root:root: its owner can "
	    "read the key from it", "chown root:root, or remove it and run "
	    "--setup." },
	{ "mode", CHECK_RISK, "can be opened by others than root, who then "
	    "read the key from it", "chmod 600, or remove it and run "
	    "--setup." },
	{ "parent", CHECK_RISK, "lies in a folder that others than root "
	    "write: they can put something else in its place",
	    "Make every folder above it root's, mode 0755." },
};

static int
fifo_of(struct check_ctx *x, const struct check_host *h, const char *fact)
{
	const struct fifo_state *s;
	const char *path;
	size_t i, len;

	path = strchr(fact, ' ');
	path = path != NULL ? strchr(path + 1, ' ') : NULL;
	if (path == NULL)
		return 0;
	for (i = 0; i < sizeof(fifo_states) / sizeof(*fifo_states); i++) {
		s = &fifo_states[i];
		len = strlen(s->state);
		if (strncmp(fact, s->state, len) == 0 && fact[len] == ' ')
			return check_rule_found(x, "fifo", s->level,
			    (struct check_rule_at){ .host = h->name },
			    s->cure, "the key %s %s", path + 1, s->text);
	}
	return 0;
}

static int
rule_fifos(struct check_ctx *x)
{
	const struct check_host *h;
	const char *f;
	size_t i, n;

	for (i = 0; i < x->in->nhosts; i++) {
		h = &x->in->hosts[i];
		for (n = 0; (f = check_fact(h, "fifo", n)) != NULL; n++)
			if (fifo_of(x, h, f) == -1)
				return -1;
	}
	return 0;
}

static int
daemon_of(struct check_ctx *x, const struct check_host *h)
{
	const char *daemon = check_fact(h, "daemon", 0);
	const char *cage = check_fact(h, "cage", 0);
	const char *uid = check_fact(h, "daemon-uid", 0);
	struct check_rule_at at = { .host = h->name };
	const char *d;
	size_t i;

	if (daemon == NULL || strcmp(daemon, "none") == 0)
		return 0;
	/* The cage holds what systemd starts, and nothing beside it. */
	for (i = 0; (d = check_rule_uncaged(h, i)) != NULL; i++)
		if (check_rule_found(x, "other-daemon", CHECK_WARN, at,
		    "Let csync2.socket serve it, and put that into its cage "
		    "(--cage).", "a csync2 daemon that no cage of ours holds "
		    "is always on (%s)", d) == -1)
			return -1;
	if (check_rule_is(h, "cage", "in-force"))
		return 0;
	if (cage != NULL && strncmp(cage, "installed", 9) == 0)
		return check_rule_found(x, "cage-not-in-force", CHECK_WARN,
		    at, "Write it again (--cage), then --cage --test.",
		    "the cage is not in force (%s)", cage);
	if (uid != NULL && strcmp(uid, "0") != 0)
		return 0;
	return check_rule_found(x, "daemon-root", CHECK_WARN, at,
	    "Put it into its cage (--cage).",
	    "the always-on csync2 daemon is root and uncaged: a peer that "
	    "gets into any group writes any file");
}

static int
host_of(struct check_ctx *x, const struct check_host *h)
{
	struct check_rule_at at = { .host = h->name };
	const char *f, *path;
	size_t i;

	if (check_rule_is(h, "csync2", "missing") &&
	    check_rule_found(x, "csync2-missing", CHECK_RISK, at,
	    "apt-get install csync2", "csync2 is not installed") == -1)
		return -1;
	f = check_fact(h, "run", 0);
	if (f != NULL && strcmp(f, "tmpfs") != 0 && strcmp(f, "ramfs") != 0 &&
	    check_rule_found(x, "run", CHECK_RISK, at,
	    "Mount a tmpfs on /run.", "/run is on a disk (%s), where a key "
	    "must not lie", f) == -1)
		return -1;
	for (i = 0; (f = check_fact(h, "cert", i)) != NULL; i++) {
		path = strrchr(f, ' ');
		if ((strncmp(f, "mode ", 5) == 0 ||
		    strncmp(f, "owner ", 6) == 0) && path != NULL &&
		    check_rule_found(x, "cert-mode", window_risk(x), at,
		    "chown root, chmod 600 for the key, 644 for the "
		    "certificate.", "others than root can read or change "
		    "%s, which proves who this host is", path + 1) == -1)
			return -1;
		if (strncmp(f, "missing ", 8) == 0 && path != NULL &&
		    check_rule_found(x, "cert-missing",
		    x->in->mode == CHECK_PIPE ? CHECK_NOTE : CHECK_WARN, at,
		    "Make a certificate with the subject that all the hosts "
		    "have.", "%s is missing; csync2 over TLS needs it",
		    path + 1) == -1)
			return -1;
	}
	return daemon_of(x, h);
}

static int
rule_hosts(struct check_ctx *x)
{
	size_t i;

	for (i = 0; i < x->in->nhosts; i++)
		if (host_of(x, &x->in->hosts[i]) == -1)
			return -1;
	return 0;
}

static bool
pinned(const struct check_host *h, const char *peer)
{
	const char *f;
	size_t i;

	for (i = 0; (f = check_fact(h, "pin", i)) != NULL; i++)
		if (strcmp(f, peer) == 0)
			return true;
	return false;
}

static int
rule_pins(struct check_ctx *x)
{
	const struct check_host *h = check_rule_host(x, x->in->pusher);
	const struct cfg *cfg = x->in->cfgs[0];
	const struct cfg_group *g;
	const char *why;
	size_t i, j;

	if (h == NULL || (why = check_fact(h, "pins", 0)) == NULL)
		return 0;
	if (strncmp(why, "unknown", 7) == 0)
		return check_rule_found(x, "pins-unknown",
		    x->in->mode == CHECK_PIPE ? CHECK_NOTE : CHECK_WARN,
		    (struct check_rule_at){ .host = h->name },
		    "Install sqlite3 there, or look into csync2's database "
		    "yourself.", "whose certificates are pinned could not be "
		    "seen (%s)", why);
	for (i = 0; i < cfg->ngroups; i++) {
		g = &cfg->groups[i];
		if (!check_rule_chosen(x, 0, g))
			continue;
		for (j = 0; j < g->nhosts; j++) {
			if (strcmp(g->hosts[j].self, x->in->pusher) == 0 ||
			    pinned(h, g->hosts[j].peer))
				continue;
			if (check_rule_found(x, "not-pinned", window_risk(x),
			    (struct check_rule_at){ g->hosts[j].self,
			    &g->hosts[j].at }, "Sync once on a network that "
			    "you trust, and compare the certificate.",
			    "the pushing host has not pinned the certificate "
			    "of %s: whoever answers first is believed",
			    g->hosts[j].peer) == -1)
				return -1;
		}
	}
	return 0;
}

static int
rule_subjects(struct check_ctx *x)
{
	const char *first = NULL, *s;
	const char *first_host = NULL;
	size_t i;

	for (i = 0; i < x->in->nhosts; i++) {
		s = check_fact(&x->in->hosts[i], "cert-subject", 0);
		if (s == NULL || s[0] == '\0')
			continue;
		if (first == NULL) {
			first = s;
			first_host = x->in->hosts[i].name;
		} else if (strcmp(first, s) != 0 && check_rule_found(x,
		    "cert-subject", x->in->mode == CHECK_PIPE ? CHECK_NOTE :
		    CHECK_WARN, (struct check_rule_at){
		    .host = x->in->hosts[i].name },
		    "Make all certificates with the same subject, as "
		    "/CN=csync2.", "its certificate's subject (%s) is not "
		    "that of %s (%s): csync2's TLS then fails with "
		    "GNUTLS_E_CERTIFICATE_REQUIRED", s, first_host,
		    first) == -1)
			return -1;
	}
	return 0;
}

static int
rule_swap(struct check_ctx *x)
{
	const struct check_host *h;
	size_t i;

	for (i = 0; i < x->in->nhosts; i++) {
		h = &x->in->hosts[i];
		if (check_rule_is(h, "swap", "on") && check_rule_found(x,
		    "swap", x->in->key_file ? CHECK_WARN : CHECK_NOTE,
		    (struct check_rule_at){ .host = h->name },
		    "Use --key random, or encrypt the swap.", "swap is on: "
		    "what csync2 and sh hold of a key in memory may reach "
		    "the disk%s", x->in->key_file ?
		    ", and this key is used again" : "") == -1)
			return -1;
	}
	return 0;
}

/* Whether the caged daemon of c, if h has one, writes where priv's database
 * lies. */
static bool
same_folder(struct check_ctx *x, const struct cfg *priv, size_t c,
	const struct check_host *h)
{
	const struct cfg *cfg = x->in->cfgs[c];
	const char *db = cfg_database(priv);
	struct err ignored;
	bool ret = false;
	struct buf dir;
	size_t i;

	buf_init(&dir, 8192);
	for (i = 0; db != NULL && i < cfg->ngroups && !ret; i++) {
		buf_clear(&dir);
		ret = check_rule_ordinary(x, c, &cfg->groups[i], h->name) &&
		    cfg_database_folder(cfg, &dir, NULL, &ignored) == 0 &&
		    danger_inside(db, dir.data);
	}
	buf_clear(&dir);
	return ret;
}

/* A cage binds the folder of the database, the privileged one's with it. */
static int
rule_database(struct check_ctx *x)
{
	const struct cfg *priv = x->in->cfgs[0];
	struct cfg_at at = { NULL, 0 };
	const struct check_host *h;
	size_t i, c;

	if (priv->files.n > 0)
		at = (struct cfg_at){ priv->files.v[0], 1 };
	for (i = 0; i < x->in->nhosts; i++) {
		h = &x->in->hosts[i];
		for (c = 0; c < x->in->ncfgs; c++) {
			if (check_rule_is(h, "cage", "in-force") &&
			    same_folder(x, priv, c, h) &&
			    check_rule_found(x, "database", window_risk(x),
			    (struct check_rule_at){ h->name, &at },
			    "Give the privileged configuration a folder of "
			    "its own: database /var/lib/csync2-priv;",
			    "the privileged groups' "
			    "database lies in %s, where the caged daemon "
			    "writes: a command put into it runs outside the "
			    "cage at the next csync2 here",
			    cfg_database(x->in->cfgs[c])) == -1)
				return -1;
		}
	}
	return 0;
}

/* What csync2 finds in the table of actions it runs. */
static int
rule_database_mode(struct check_ctx *x)
{
	const struct check_host *h;
	const char *f;
	size_t i, n;

	for (i = 0; i < x->in->nhosts; i++) {
		h = &x->in->hosts[i];
		for (n = 0; (f = check_fact(h, "database", n)) != NULL; n++)
			if (strncmp(f, "writable ", 9) == 0 &&
			    check_rule_found(x, "database-mode", CHECK_RISK,
			    (struct check_rule_at){ .host = h->name },
			    "Make it, and every folder above it, root's and "
			    "writable by root alone.", "others than root can "
			    "write csync2's database %s: a command put into it "
			    "runs as root", f + 9) == -1)
				return -1;
	}
	return 0;
}

check_rule *const check_rules_facts[] = {
	rule_fifos, rule_hosts, rule_pins, rule_subjects, rule_swap,
	rule_database, rule_database_mode, NULL,
};
