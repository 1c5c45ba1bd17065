/* SPDX-License-Identifier: ISC */
#include "gitadmins.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "asuser.h"
#include "base/strv.h"
#include "gitid.h"
#include "keydir.h"
#include "keyproc.h"
#include "pushstate.h"
#include "setup_plain.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/lock.h"

#define LIST_MAX	((size_t)64 << 20)
#define SAVE_MS		10000	/* for a lock that is held shortly */
#define PATH		4096

struct job {
	const struct passwd *pw;
	const struct gitconf_server *conf;
};

/* What gitolite makes last, and only then starts our trigger. */
#define COMPILED	".gitolite/conf/gitolite.conf-compiled.pm"

static int
no_mem(struct err *e)
{
	return err_set(e, ERR_MEM, "out of memory");
}

/* A line of gitolite's: REPO TAB USER TAB REFEX or "... DENIED ...". */
static int
line(struct strv *ids, const char *p, size_t len)
{
	const char *id = memchr(p, '\t', len), *end = p + len, *tab;

	if (id == NULL)
		return 0;
	id++;
	tab = memchr(id, '\t', (size_t)(end - id));
	/* Not by the names, which are whatever somebody gave. */
	if (tab == NULL || !gitid_valid(id, (size_t)(tab - id)) ||
	    memmem(tab, (size_t)(end - tab), "DENIED", 6) != NULL)
		return 0;
	return strv_addf(ids, "%.*s", (int)(tab - id), id);
}

static int
ask(const struct buf *users, uint64_t ms, struct strv *ids, struct err *e)
{
	char *const argv[] = { "gitolite", "access", "gitolite-admin", "%",
		"W", "any", NULL };
	struct keyproc p = { .argv = argv, .in = users->data,
		.in_len = users->len, .timeout_ms = ms };
	struct keyproc_end end;
	const char *at, *nl;
	struct buf out;
	int rc;

	/* Which the timer's unit can't write, nor a full disk hold. */
	if (setenv("GL_LOGFILE", "/dev/null", 1) == -1)
		return no_mem(e);
	buf_init(&out, LIST_MAX);
	rc = keyproc_run(&p, &out, &end, e);
	if (rc == 0)
		rc = keyproc_why(&end, "gitolite access", e);
	for (at = out.data; rc == 0 && *at != '\0'; at = nl + (*nl != '\0')) {
		nl = strchrnul(at, '\n');
		rc = line(ids, at, (size_t)(nl - at)) == 0 ? 0 : no_mem(e);
	}
	buf_clear(&out);
	return rc;
}

/* Who has a key, a line each. */
static int
users(const struct gitconf_server *c, const char *home, struct buf *out,
    struct err *e)
{
	struct keylist keys = { 0 };
	const char *last = "";
	struct buf path;
	size_t i;
	int rc;

	buf_init(&path, 8192);
	rc = (c->keydir != NULL ? buf_adds(&path, c->keydir) : buf_addf(&path,
	    "%s/.gitolite/keydir", home)) == -1 ? no_mem(e) :
	    keydir_read(path.data, c->deny_ids.n > 0 ? &c->deny_ids : NULL,
	    &keys, NULL, NULL, e);
	for (i = 0; rc == 0 && i < keys.n; i++) {
		/* Several keys of one person are often neighbours. */
		if (strcmp(last, keys.v[i].id) != 0 &&
		    buf_addf(out, "%s\n", keys.v[i].id) == -1)
			rc = no_mem(e);
		last = keys.v[i].id;
	}
	keylist_clear(&keys);
	buf_clear(&path);
	return rc;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorted, each once, as lines. */
static int
lines(struct strv *ids, struct buf *out, struct err *e)
{
	size_t i;

	if (ids->n > 0)
		qsort(ids->v, ids->n, sizeof(*ids->v), by_name);
	for (i = 0; i < ids->n; i++)
		if ((i == 0 || strcmp(ids->v[i - 1], ids->v[i]) != 0) &&
		    buf_addf(out, "%s\n", ids->v[i]) == -1)
			return no_mem(e);
	return 0;
}

/* As gitolite's user, whose HOME says which gitolite. */
static int
find(const struct gitconf_server *c, const char *home, uint64_t ms,
    struct buf *out, struct err *e)
{
	struct strv ids = { 0 };
	struct buf who;
	int rc;

	buf_init(&who, LIST_MAX);
	rc = users(c, home, &who, e);
	if (rc == 0 && who.len > 0)
		rc = ask(&who, ms, &ids, e);
	if (rc == 0)
		rc = lines(&ids, out, e);
	strv_clear(&ids);
	buf_clear(&who);
	return rc;
}

/* As many as there is room for. */
static int
look(void *arg, void *ret, struct err *e)
{
	const struct job *j = arg;
	struct gitadmins *f = ret;
	size_t at = 0, n;
	struct buf all;
	const char *p;
	int rc;

	buf_init(&all, LIST_MAX);
	rc = find(j->conf, j->pw->pw_dir, GITADMINS_MS, &all, e);
	for (p = all.data; rc == 0 && *p != '\0'; p += n + 1) {
		n = strcspn(p, "\n");
		f->n++;
		if (at + n + 2 < sizeof(f->ids))
			at += (size_t)snprintf(f->ids + at, sizeof(f->ids) -
			    at, "%s%.*s", at > 0 ? " " : "", (int)n, p);
		else
			f->cut = true;
	}
	buf_clear(&all);
	return rc;
}

int
gitadmins_ask(const struct passwd *pw, const struct gitconf_server *c,
    struct gitadmins *ret, struct err *e)
{
	struct job j = { pw, c };

	*ret = (struct gitadmins){ 0 };
	return asuser_run(pw, look, &j, ret, sizeof(*ret), e);
}

/* NAME in the folder DIR; one that is too long names nothing. */
static void
join(const char *dir, const char *name, char ret[PATH])
{
	if (snprintf(ret, PATH, "%s/%s", dir, name) >= PATH)
		ret[0] = '\0';
}

static bool
compiled(const char *home, struct timespec *ret)
{
	char path[PATH];
	struct stat st;

	join(home, COMPILED, path);
	if (stat(path, &st) == -1)
		return false;
	*ret = st.st_mtim;
	return true;
}

/* Most pushes change nothing about it. */
static int
save(const struct gitconf_server *c, const struct buf *all, struct err *e)
{
	struct buf old;
	int rc = 0;

	buf_init(&old, LIST_MAX);
	if (file_read_below(c->state_dir, GITADMINS_FILE, &old, NULL) == -1 ||
	    old.len != all->len || memcmp(old.data, all->data, all->len) != 0)
		rc = pushstate_put(c->state_dir, GITADMINS_FILE, all->data,
		    all->len, SAVE_MS, e);
	buf_clear(&old);
	return rc;
}

/* The lock is held. What is compiled meanwhile is another time's. */
static int
answer(const struct gitconf_server *c, const char *home, uint64_t ms,
    struct err *e)
{
	struct timespec t[2] = { { .tv_nsec = UTIME_OMIT } };
	bool known = compiled(home, &t[1]);
	char path[PATH];
	struct buf all;
	int rc;

	join(c->state_dir, GITADMINS_FILE, path);
	buf_init(&all, LIST_MAX);
	rc = find(c, home, ms, &all, e);
	if (rc == 0)
		rc = save(c, &all, e);
	if (rc == 0 && known && utimensat(AT_FDCWD, path, t,
	    AT_SYMLINK_NOFOLLOW) == -1)
		rc = err_sys(e, "%s", path);
	buf_clear(&all);
	return rc;
}

int
gitadmins_note(const struct gitconf_server *c, const char *home,
    uint64_t ms, struct err *e)
{
	uint64_t end = clock_ms() + ms, now;
	char path[PATH];
	int fd, rc;

	join(c->state_dir, "admins.lock", path);
	if (lock_take(path, (unsigned)ms, &fd, e) == -1)
		return -1;
	now = clock_ms();
	rc = answer(c, home, now < end ? end - now : 0, e);
	close(fd);
	return rc;
}

bool
gitadmins_late(const struct gitconf_server *c, const char *home)
{
	struct timespec t;
	char path[PATH];
	struct stat st;

	if (!compiled(home, &t))
		return false;
	join(c->state_dir, GITADMINS_FILE, path);
	return lstat(path, &st) == -1 ? errno == ENOENT :
	    st.st_mtim.tv_sec != t.tv_sec || st.st_mtim.tv_nsec != t.tv_nsec;
}

static int
note(void *arg, void *ret, struct err *e)
{
	const struct job *j = arg;

	(void)ret;
	return gitadmins_note(j->conf, j->pw->pw_dir, GITADMINS_MS, e);
}

int
gitadmins_note_as(const struct passwd *pw, const struct gitconf_server *c,
    struct err *e)
{
	struct job j = { pw, c };

	return asuser_run(pw, note, &j, NULL, 0, e);
}

int
gitadmins_asked(const struct gitconf_server *c, const char *home,
    struct err *e)
{
	char path[PATH];
	struct stat st;

	join(c->state_dir, GITADMINS_FILE, path);
	if (c->deny_admins == 0 || lstat(path, &st) == 0 ||
	    setup_plain(c, home))
		return 0;
	return err_set(e, ERR_REFUSED, "nobody may come through a gateway "
	    "before gitolite was asked who may write to gitolite-admin: %s: "
	    "%s; as root: postern git %s", path, strerror(errno),
	    c->gateway != NULL ? "push-keys" : "setup-server --mirror");
}

int
gitadmins_has(const struct gitconf_server *c, const char *id, struct err *e)
{
	struct err why = ERR_INIT;
	size_t n = strlen(id);
	struct buf all;
	const char *p;
	int found = 0;

	buf_init(&all, LIST_MAX);
	if (file_read_below(c->state_dir, GITADMINS_FILE, &all,
	    &why) == -1 && why.sys_errno != ENOENT) {
		found = -1;
		if (e != NULL)
			*e = why;
	}
	for (p = all.data; found == 0 && *p != '\0';
	    p = strchrnul(p, '\n'), p += *p == '\n')
		found = strncmp(p, id, n) == 0 && p[n] == '\n';
	buf_clear(&all);
	return found;
}
