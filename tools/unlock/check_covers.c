/* SPDX-License-Identifier: ISC */
/* Groups that carry what a host trusts. */
#include <fnmatch.h>
#include <limits.h>
#include <string.h>

#include "check_rule.h"
#include "danger.h"

/* Whether something in path, or a folder that path lies in, can have a name
 * that pattern matches: part by part, as far as both go. */
static bool
may_meet(const char *pattern, const char *path)
{
	char p[NAME_MAX + 1], q[NAME_MAX + 1];
	size_t pn, qn;

	while (*pattern == '/' && *path == '/') {
		pn = strcspn(++pattern, "/");
		qn = strcspn(++path, "/");
		if (pn == 0 || qn == 0 || pn >= sizeof(p) || qn >= sizeof(q))
			return true;
		memcpy(p, pattern, pn);
		p[pn] = '\0';
		memcpy(q, path, qn);
		q[qn] = '\0';
		if (strstr(p, "**") != NULL)
			return true;
		if (fnmatch(p, q, 0) != 0)
			return false;
		pattern += pn;
		path += qn;
	}
	return true;
}

bool
check_covers_path(const struct cfg *cfg, const struct cfg_group *g,
	const char *host, const char *path)
{
	const struct cfg_pattern *p;
	bool ret = false;
	struct err ignored;
	struct buf b;
	size_t i;

	if (cfg_self(g, host) == NULL || path[0] != '/')
		return false;
	if (cfg_match(cfg, g, host, path))
		return true;
	buf_init(&b, 65536);
	for (i = 0; i < g->npatterns; i++) {
		p = &g->patterns[i];
		if (p->text[0] != '/' && p->text[0] != '%')
			continue;
		buf_clear(&b);
		/* A prefix that can't be told may be any. */
		if (cfg_expand(cfg, p->text, host, &b, &ignored) == -1)
			ret = ret || (p->kind == CFG_INCLUDE &&
			    strpbrk(p->text, "*?[\\") != NULL);
		else if (p->kind == CFG_INCLUDE)
			ret = ret || may_meet(b.data, path);
		else if (p->kind == CFG_EXCLUDE)
			ret = ret && fnmatch(b.data, path, FNM_LEADING_DIR |
			    (strstr(b.data, "**") != NULL ? 0 :
			    FNM_PATHNAME)) != 0;
	}
	buf_clear(&b);
	return ret;
}

static int
found(struct check_ctx *x, enum check_level level, const struct cfg_group *g,
	const char *path, const char *what)
{
	return check_rule_found(x, "covers", level,
	    (struct check_rule_at){ NULL, &g->at },
	    "Take the path out of the group (exclude), or keep such files in "
	    "a privileged group alone.",
	    "group %s carries %s: %s, so that any member decides it on all "
	    "the others", g->name, path, what);
}

/* One path that csync2 itself trusts. */
static int
trusted(struct check_ctx *x, const struct cfg *cfg, const struct cfg_group *g,
	const char *host, const char *path, const char *what)
{
	if (!check_covers_path(cfg, g, host, path))
		return 0;
	return found(x, CHECK_RISK, g, path, what);
}

/* What csync2 itself trusts; no group should carry it, privileged or not. */
static int
covers_csync2(struct check_ctx *x, const struct cfg *cfg,
	const struct cfg_group *g, const char *host)
{
	static const char *const certs[] = { "key", "cert" };
	const struct cfg *other;
	const char *db;
	struct buf b;
	int rc = -1;
	size_t c, i;

	buf_init(&b, 8192);
	for (i = 0; i < 2; i++) {
		buf_clear(&b);
		if (buf_addf(&b, "%s/csync2_ssl_%s.pem", x->sysdir,
		    certs[i]) == -1 || trusted(x, cfg, g, host, b.data,
		    "the certificate that tells hosts apart") == -1)
			goto out;
	}
	for (c = 0; c < x->in->ncfgs; c++) {
		other = x->in->cfgs[c];
		for (i = 0; i < other->files.n; i++)
			if (trusted(x, cfg, g, host, other->files.v[i],
			    "csync2's own configuration") == -1)
				goto out;
		for (i = 0; i < other->ngroups; i++) {
			buf_clear(&b);
			if (cfg_key_path(&other->groups[i], x->sysdir, &b,
			    x->e) == -1 || trusted(x, cfg, g, host, b.data,
			    "a group's key") == -1)
				goto out;
		}
		db = cfg_database(other);
		if (db != NULL && trusted(x, cfg, g, host, db,
		    "csync2's database, which runs commands") == -1)
			goto out;
	}
	rc = 0;
out:
	buf_clear(&b);
	return rc;
}

/* Whether a command stands behind word, as behind sh, then or nice. */
static bool
is_before_command(const char *word, size_t len)
{
	static const char *const words[] = { "sh", "bash", "dash", "ash",
	    "ksh", "zsh", "busybox", "env", "exec", "command", "eval", "nice",
	    "ionice", "nohup", "setsid", "sudo", "doas", "chroot", "timeout",
	    "time", "flock", "xargs", "run-parts", "systemd-run", "perl",
	    "python", "python3", "ruby", "php", ".", "source", "if", "then",
	    "else", "elif", "do", "while", "until", "!" };
	size_t i;

	for (i = len; i > 0 && word[i - 1] != '/'; i--)
		;
	word += i;
	len -= i;
	for (i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strlen(words[i]) == len && memcmp(words[i], word, len) == 0)
			return true;
	return false;
}

/*
 * Each absolute path in an action's line: what it runs is as root's, what it
 * only names it may run, read or write. No shell is rebuilt here: quotes end
 * a word, so that what stands in them is looked at as well.
 */
static int
covers_line(struct check_ctx *x, const struct cfg *cfg,
	const struct cfg_group *g, const char *host, const char *line)
{
	const char *begin = line;
	bool command = true, value, runs;
	char path[4096];
	size_t len;

	for (; *line != '\0'; line += len) {
		len = strcspn(line, " \t\n\r'\"=<>;&|()`{}$");
		if (len == 0) {
			command = command ||
			    strchr("\n;&|()`{", *line) != NULL;
			len = 1;
			continue;
		}
		/* Options, numbers and assignments may stand between. */
		value = line[0] == '-' || line[len] == '=' ||
		    (line > begin && line[-1] == '=') ||
		    (line[0] >= '0' && line[0] <= '9');
		runs = command && !value;
		if (line[0] == '/' && len < sizeof(path)) {
			memcpy(path, line, len);
			path[len] = '\0';
			if (cfg_match(cfg, g, host, path) && found(x,
			    runs ? CHECK_RISK : CHECK_NOTE, g, path, runs ?
			    "what an action runs as root" :
			    "what an action names, which runs as root") == -1)
				return -1;
		}
		if (runs)
			command = is_before_command(line, len);
	}
	return 0;
}

static int
covers_actions(struct check_ctx *x, const struct cfg *cfg,
	const struct cfg_group *g, const char *host)
{
	const struct cfg_group *o;
	size_t c, i, j, k;

	for (c = 0; c < x->in->ncfgs; c++)
	for (i = 0; i < x->in->cfgs[c]->ngroups; i++) {
		o = &x->in->cfgs[c]->groups[i];
		for (j = 0; j < o->nactions; j++)
		for (k = 0; k < o->actions[j].execs.n; k++)
			if (covers_line(x, cfg, g, host,
			    o->actions[j].execs.v[k]) == -1)
				return -1;
	}
	return 0;
}

/* Whether one of roots lies in path, and is not path. */
static bool
any_within(const struct strv *roots, const char *path)
{
	size_t i;

	for (i = 0; i < roots->n; i++)
		if (danger_inside(roots->v[i], path) &&
		    strcmp(roots->v[i], path) != 0)
			return true;
	return false;
}

/* What gives a host away to an ordinary group, inside its roots or around. */
static int
covers_danger(struct check_ctx *x, const struct cfg *cfg,
	const struct cfg_group *g, const char *host)
{
	struct strv roots = { 0 };
	const struct danger *d;
	int rc = -1;
	size_t i;

	if (cfg_roots(cfg, g, host, &roots, x->e) == -1)
		goto out;
	for (d = danger_table; d->path != NULL; d++)
		if (!any_within(&roots, d->path) &&
		    check_covers_path(cfg, g, host, d->path) &&
		    found(x, CHECK_RISK, g, d->path, d->what) == -1)
			goto out;
	for (i = 0; i < roots.n; i++) {
		d = danger_root(roots.v[i]);
		/* Around it, the table's own paths were asked above. */
		if (d != NULL && !danger_inside(d->path, roots.v[i]) &&
		    found(x, CHECK_RISK, g, roots.v[i], d->what) == -1)
			goto out;
	}
	rc = 0;
out:
	strv_clear(&roots);
	return rc;
}

static int
covers_of(struct check_ctx *x, size_t c, const struct cfg_group *g)
{
	const struct cfg *cfg = x->in->cfgs[c];
	bool csync2 = false, others = false;
	const char *host;
	size_t i;

	for (i = 0; i < g->nhosts; i++) {
		host = g->hosts[i].self;
		if (!check_rule_in_chosen(x, host))
			continue;
		/* Without prefixes it is the same on all: they may be many. */
		if ((!csync2 || cfg->nprefixes > 0) &&
		    covers_csync2(x, cfg, g, host) == -1)
			return -1;
		csync2 = true;
		/* Root's own files are what a privileged group is for. */
		if ((others && cfg->nprefixes == 0) ||
		    !check_rule_ordinary(x, c, g, host))
			continue;
		if (covers_danger(x, cfg, g, host) == -1 ||
		    covers_actions(x, cfg, g, host) == -1)
			return -1;
		others = true;
	}
	return 0;
}

int
check_covers(struct check_ctx *x)
{
	return check_rule_each(x, covers_of);
}
