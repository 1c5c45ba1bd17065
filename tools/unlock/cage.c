/* SPDX-License-Identifier: ISC */
#include "cage.h"

#include <string.h>

#include "danger.h"

static const char head[] =
    "# The cage of csync2's daemon, written by postern unlock --cage.\n"
    "# Written again after each change of csync2's configuration.\n"
    "[Service]\n"
    "# Nothing of the host is there but what is bound below.\n"
    "TemporaryFileSystem=/:ro\n"
    "BindReadOnlyPaths=/usr -/lib -/lib32 -/lib64 -/libx32 /bin /sbin\n"
    "BindReadOnlyPaths=-/etc/ld.so.cache -/etc/alternatives\n"
    "BindReadOnlyPaths=/etc/hosts -/etc/nsswitch.conf -/etc/resolv.conf\n";

static const char tail[] =
    "PrivateTmp=yes\n"
    "PrivateDevices=yes\n"
    "ProtectKernelTunables=yes\n"
    "ProtectKernelModules=yes\n"
    "ProtectKernelLogs=yes\n"
    "ProtectControlGroups=yes\n"
    "NoNewPrivileges=yes\n"
    "RestrictSUIDSGID=yes\n"
    "RestrictNamespaces=yes\n"
    "RestrictAddressFamilies=AF_INET AF_INET6\n"
    "CapabilityBoundingSet=CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER "
    "CAP_FSETID\n"
    "SystemCallArchitectures=native\n"
    "SystemCallFilter=~@mount @debug @raw-io @module @swap @reboot "
    "@obsolete\n"
    "# Root's kernel keyring may hold passphrases; io_uring makes sockets\n"
    "# that RestrictAddressFamilies does not see.\n"
    "SystemCallFilter=~@keyring io_uring_setup io_uring_enter "
    "io_uring_register\n"
    "# csync2 signals nobody; root's other processes have the same uid.\n"
    "SystemCallFilter=~kill tkill tgkill pidfd_send_signal "
    "rt_sigqueueinfo rt_tgsigqueueinfo\n";

static const char database[] = "database";

/* What is collected before the text is written. */
struct cage {
	const struct cage_input *in;
	const char *sysdir;
	struct strv ro, rw;	/* paths to bind */
	struct strv *notes;
};

static int
nomem(struct err *e)
{
	return err_set(e, ERR_MEM, "out of memory");
}

/* Whether a part of path is "..": systemd takes it, we never mean it. */
static bool
has_dotdot(const char *path)
{
	size_t n;

	while (*path == '/') {
		n = strcspn(++path, "/");
		if (n == 2 && memcmp(path, "..", 2) == 0)
			return true;
		path += n;
	}
	return false;
}

int
cage_word(const char *path, struct buf *out, struct err *e)
{
	const unsigned char *p;
	int rc = 0;

	if (path[0] != '/' || has_dotdot(path))
		return err_set(e, ERR_CONFIG,
		    "'%s' is not a plain absolute path", path);
	for (p = (const unsigned char *)path; *p != '\0'; p++)
		if (*p < ' ' || *p == 0x7f)
			return err_set(e, ERR_CONFIG, "a path with a control "
			    "character can't be written to a unit file");
	rc |= buf_addc(out, '"');
	for (; *path != '\0'; path++) {
		if (*path == '"' || *path == '\\')
			rc |= buf_addc(out, '\\');
		if (*path == '%')
			rc |= buf_addc(out, '%');
		rc |= buf_addc(out, *path);
	}
	rc |= buf_addc(out, '"');
	return rc == 0 ? 0 : nomem(e);
}

static int
bind_path(struct strv *to, const char *path, struct err *e)
{
	if (strv_has(to, path))
		return 0;
	return strv_add(to, path) == 0 ? 0 : nomem(e);
}

/* Whether path lies in folder with a folder between them. */
static bool
deeper(const char *path, const char *folder)
{
	size_t len = strlen(folder);

	if (!danger_inside(path, folder))
		return false;
	while (len > 0 && folder[len - 1] == '/')
		len--;
	path += len + strspn(path + len, "/");
	return strchr(path, '/') != NULL;
}

/*
 * A mount on top of what lies in a writable folder stays there, but a folder
 * between the two may be renamed: the next connection's cage is built on what
 * was put in its place.
 */
static int
check_depth(const struct strv *covered, const char *path,
	const struct cfg_at *at, const char *what, struct err *e)
{
	size_t i;

	for (i = 0; covered != NULL && i < covered->n; i++)
		if (deeper(covered->v[i], path))
			return err_set(e, ERR_CONFIG, "%s:%u: %s %s holds %s "
			    "in a folder that the daemon can rename: no cage "
			    "can hold that; move it out of %s", at->file,
			    at->line, what, path, covered->v[i], path);
	return 0;
}

/* A path that is bound writable must not give the host away. */
static int
bind_rw(struct cage *k, const char *path, const struct cfg_at *at,
	const char *what, struct err *e)
{
	const struct danger *d = danger_root(path);
	size_t i;

	if (path[0] != '/')
		return err_set(e, ERR_CONFIG, "%s:%u: %s '%s' is not an "
		    "absolute path", at->file, at->line, what, path);
	if (d != NULL)
		return err_set(e, ERR_CONFIG, "%s:%u: %s %s reaches %s (%s): "
		    "no cage can hold that; take it out of the group, or make "
		    "it a privileged one", at->file, at->line, what, path,
		    d->path, d->what);
	for (i = 0; k->in->roots != NULL && i < k->in->roots->n; i++)
		if (danger_inside(path, k->in->roots->v[i]))
			return err_set(e, ERR_CONFIG, "%s:%u: %s %s lies in "
			    "%s, which a privileged group carries: no cage "
			    "can hold that", at->file, at->line, what, path,
			    k->in->roots->v[i]);
	if (danger_inside(k->sysdir, path))
		return err_set(e, ERR_CONFIG, "%s:%u: %s %s covers csync2's "
		    "own configuration in %s: no cage can hold that", at->file,
		    at->line, what, path, k->sysdir);
	/*
	 * A key may lie in the database's folder: its own read-only mount
	 * stays in the way there. A group that covers it would carry it off.
	 */
	for (i = 0; i < k->ro.n && strcmp(what, database) != 0; i++)
		if (danger_inside(k->ro.v[i], path))
			return err_set(e, ERR_CONFIG, "%s:%u: %s %s covers "
			    "%s, which csync2 trusts: no cage can hold that",
			    at->file, at->line, what, path, k->ro.v[i]);
	if (check_depth(&k->ro, path, at, what, e) == -1 ||
	    check_depth(k->in->fifos, path, at, what, e) == -1 ||
	    check_depth(k->in->roots, path, at, what, e) == -1)
		return -1;
	return bind_path(&k->rw, path, e);
}

/* The first pattern of g that yields something below root, for its place. */
static const struct cfg_at *
pattern_at(const struct cfg *c, const struct cfg_group *g, const char *self,
	const char *root)
{
	const struct cfg_at *at = &g->at;
	struct err ignored;
	struct buf b;
	size_t i;

	buf_init(&b, 8192);
	for (i = 0; i < g->npatterns; i++) {
		if (g->patterns[i].kind == CFG_EXCLUDE)
			continue;
		buf_clear(&b);
		if (cfg_expand(c, g->patterns[i].text, self, &b,
		    &ignored) == 0 && danger_inside(b.data, root)) {
			at = &g->patterns[i].at;
			break;
		}
	}
	buf_clear(&b);
	return at;
}

static int
add_group(struct cage *k, const struct cfg *c, const struct cfg_group *g,
	struct err *e)
{
	struct strv roots = { 0 };
	const char *self = k->in->self;
	int rc = -1;
	size_t i;

	if (cfg_self(g, self) == NULL)
		return 0;
	if (cfg_roots(c, g, self, &roots, e) == -1)
		goto out;
	for (i = 0; i < roots.n; i++)
		if (bind_rw(k, roots.v[i], pattern_at(c, g, self, roots.v[i]),
		    "group path", e) == -1)
			goto out;
	if (g->backup_dir != NULL &&
	    bind_rw(k, g->backup_dir, &g->at, "backup-directory", e) == -1)
		goto out;
	if (k->notes == NULL) {
		rc = 0;
		goto out;
	}
	for (i = 0; i < g->nactions; i++)
		if (strv_addf(k->notes, "%s:%u: this action runs inside the "
		    "cage when a peer triggers it: it can't restart a service "
		    "or write outside the groups", g->actions[i].at.file,
		    g->actions[i].at.line) == -1) {
			nomem(e);
			goto out;
		}
	rc = 0;
out:
	strv_clear(&roots);
	return rc;
}

/* csync2 reads the key of each group, of those too where we are no host. */
static int
add_key(struct cage *k, const struct cfg_group *g, struct err *e)
{
	struct buf path;
	int rc = -1;

	if (g->key == NULL)
		return 0;
	buf_init(&path, 8192);
	if (cfg_key_path(g, k->sysdir, &path, e) == -1)
		goto out;
	if (k->in->fifos != NULL && strv_has(k->in->fifos, path.data)) {
		err_set(e, ERR_CONFIG, "%s:%u: group %s has the FIFO %s as its "
		    "key, and the daemon in the cage must not see it: move "
		    "the group to a file of its own, csync2_NAME.cfg",
		    g->key_at.file, g->key_at.line, g->name, path.data);
		goto out;
	}
	rc = bind_path(&k->ro, path.data, e);
out:
	buf_clear(&path);
	return rc;
}

/* The folder of the SQLite database; csync2 makes the file's name. */
static int
add_database(struct cage *k, const struct cfg *c, struct err *e)
{
	const struct cfg_at at = { c->files.n > 0 ? c->files.v[0] : "", 1 };
	const char *db = c->database, *slash;
	struct buf dir;
	int rc = -1;

	buf_init(&dir, 8192);
	if (db == NULL || db[0] == '\0')
		db = "/var/lib/csync2";
	if (strstr(db, "://") == NULL) {
		rc = bind_rw(k, db, &at, database, e);
		goto out;
	}
	if (strncmp(db, "sqlite", 6) != 0) {
		err_set(e, ERR_CONFIG, "%s: the database %s is on a server; "
		    "only one in a file can be caged", at.file, db);
		goto out;
	}
	db = strstr(db, "://") + 3;
	slash = strrchr(db, '/');
	if (slash == NULL || slash == db)
		err_set(e, ERR_CONFIG, "%s: the database '%s' has no folder "
		    "of its own", at.file, db);
	else if (buf_add(&dir, db, (size_t)(slash - db)) == -1)
		nomem(e);
	else
		rc = bind_rw(k, dir.data, &at, database, e);
out:
	buf_clear(&dir);
	return rc;
}

static int
add_files(struct cage *k, const struct cfg *c, struct err *e)
{
	size_t i;

	for (i = 0; i < c->files.n; i++) {
		if (c->files.v[i][0] != '/')
			return err_set(e, ERR_CONFIG, "the configuration file "
			    "'%s' is named by a relative path, which the "
			    "daemon looks for elsewhere", c->files.v[i]);
		if (bind_path(&k->ro, c->files.v[i], e) == -1)
			return -1;
	}
	for (i = 0; i < c->ngroups; i++)
		if (add_key(k, &c->groups[i], e) == -1)
			return -1;
	return 0;
}

static int
add_cfg(struct cage *k, const struct cfg *c, struct err *e)
{
	struct cfg_at at = { c->files.n > 0 ? c->files.v[0] : "", 1 };
	size_t i;

	if (add_database(k, c, e) == -1)
		return -1;
	for (i = 0; i < c->ngroups; i++)
		if (add_group(k, c, &c->groups[i], e) == -1)
			return -1;
	/* PrivateTmp= makes these two, and a bind would give the host's. */
	if (c->tempdir != NULL && !danger_inside(c->tempdir, "/tmp") &&
	    !danger_inside(c->tempdir, "/var/tmp") &&
	    bind_rw(k, c->tempdir, &at, "tempdir", e) == -1)
		return -1;
	return 0;
}

static int
emit_paths(const char *directive, const char *prefix, const struct strv *s,
	struct buf *text, struct err *e)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		if (buf_addf(text, "%s=", directive) == -1 ||
		    buf_adds(text, prefix) == -1)
			return nomem(e);
		if (cage_word(s->v[i], text, e) == -1)
			return -1;
		if (buf_addc(text, '\n') == -1)
			return nomem(e);
	}
	return 0;
}

/* Those of paths that lie in no other one: each is bound with all below it. */
static int
outermost(const struct strv *paths, struct strv *out, struct err *e)
{
	size_t i, j;

	for (i = 0; i < paths->n; i++) {
		for (j = 0; j < paths->n; j++)
			/* "/a" and "/a/" lie in each other: the first counts. */
			if (danger_inside(paths->v[i], paths->v[j]) && (j < i ||
			    !danger_inside(paths->v[j], paths->v[i])))
				break;
		if (j == paths->n && bind_path(out, paths->v[i], e) == -1)
			return -1;
	}
	return 0;
}

/* A bind inside a writable one would follow whatever was put there since. */
static int
emit_rw(const struct cage *k, struct buf *text, struct err *e)
{
	struct strv outer = { 0 };
	int rc = -1;

	if (outermost(&k->rw, &outer, e) == 0)
		rc = emit_paths("BindPaths", "", &outer, text, e);
	strv_clear(&outer);
	return rc;
}

/* Inside of what the daemon's own programs and libraries come from, which is
 * bound read-only as a whole; not what holds one of these itself. */
static bool
in_system(const char *path)
{
	static const char *const bound[] = { "/usr", "/lib", "/lib32",
	    "/lib64", "/libx32", "/bin", "/sbin" };
	static const char *const own[] = { "/usr/sbin/csync2", "/usr/bin/sh",
	    "/usr/lib/x", "/usr/lib64/x", "/sbin/csync2", "/bin/sh",
	    "/lib/x", "/lib64/x" };
	bool ret = false;
	size_t i;

	for (i = 0; i < sizeof(bound) / sizeof(*bound); i++)
		ret = ret || danger_inside(path, bound[i]);
	for (i = 0; i < sizeof(own) / sizeof(*own); i++)
		ret = ret && !danger_inside(own[i], path);
	return ret;
}

/* Those of paths that a bound folder holds. */
static int
add_hidden(const struct cage *k, const struct strv *paths, struct strv *hide,
	struct err *e)
{
	size_t i, j;
	bool held;

	for (i = 0; paths != NULL && i < paths->n; i++) {
		held = in_system(paths->v[i]);
		for (j = 0; j < k->rw.n; j++)
			held = held || danger_inside(paths->v[i], k->rw.v[j]);
		if (held && bind_path(hide, paths->v[i], e) == -1)
			return -1;
	}
	return 0;
}

static int
emit_hidden(const struct cage *k, struct buf *text, struct err *e)
{
	struct strv hide = { 0 };
	int rc = -1;

	if (add_hidden(k, k->in->fifos, &hide, e) == 0 &&
	    add_hidden(k, k->in->roots, &hide, e) == 0)
		rc = emit_paths("InaccessiblePaths", "-", &hide, text, e);
	strv_clear(&hide);
	return rc;
}

static int
emit(const struct cage *k, struct buf *text, struct strv *needs,
	struct err *e)
{
	struct strv certs = { 0 };
	size_t i;
	int rc;

	if (buf_adds(text, head) == -1 ||
	    buf_adds(text, "# Configuration and keys of the groups.\n") == -1)
		return nomem(e);
	if (emit_paths("BindReadOnlyPaths", "", &k->ro, text, e) == -1)
		return -1;
	/* No certificates where the configuration has nossl for all. */
	if (strv_addf(&certs, "%s/csync2_ssl_cert.pem", k->sysdir) == -1 ||
	    strv_addf(&certs, "%s/csync2_ssl_key.pem", k->sysdir) == -1) {
		strv_clear(&certs);
		return nomem(e);
	}
	rc = emit_paths("BindReadOnlyPaths", "-", &certs, text, e);
	strv_clear(&certs);
	if (rc == -1)
		return -1;
	if (buf_adds(text, "# What the groups and the database write.\n")
	    == -1)
		return nomem(e);
	if (emit_rw(k, text, e) == -1 ||
	    emit_hidden(k, text, e) == -1)
		return -1;
	if (buf_adds(text, tail) == -1)
		return nomem(e);
	for (i = 0; i < k->ro.n; i++)
		if (strv_addf(needs, "ro %s", k->ro.v[i]) == -1)
			return nomem(e);
	for (i = 0; i < k->rw.n; i++)
		if (strv_addf(needs, "rw %s", k->rw.v[i]) == -1)
			return nomem(e);
	return 0;
}

int
cage_emit(const struct cage_input *in, struct buf *text,
	struct strv *needs, struct strv *notes, struct err *e)
{
	struct cage k = { .in = in, .notes = notes,
		.sysdir = in->sysdir != NULL ? in->sysdir : "/etc" };
	int rc = -1;
	size_t i;

	/* All that is trusted first: no group path may cover it. */
	for (i = 0; i < in->ncfgs; i++)
		if (add_files(&k, in->cfgs[i], e) == -1)
			goto out;
	for (i = 0; i < in->ncfgs; i++)
		if (add_cfg(&k, in->cfgs[i], e) == -1)
			goto out;
	rc = emit(&k, text, needs, e);
out:
	strv_clear(&k.ro);
	strv_clear(&k.rw);
	return rc;
}
