/* SPDX-License-Identifier: ISC */
#include "audit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "audit_show.h"
#include "base/num.h"
#include "proc/child.h"
#include "proc/lines.h"
#include "ui/log.h"

#define TAG	"postern-git"	/* openlog() of the forced commands */
#define ASK	"journalctl -t " TAG

struct reader {
	struct audit_show show;
	struct loop *loop;
	struct err *e;
	int rc;			/* of what shows */
	bool journal;
	struct child_end end;	/* of journalctl */
};

static void
show(struct reader *r, const char *line, size_t len, int64_t when_s)
{
	if (r->rc == 0)
		r->rc = audit_show_line(&r->show, line, len, when_s, r->e);
}

static bool
on_file_line(void *arg, const char *line, size_t len, bool cut)
{
	struct reader *r = arg;

	if (cut)
		r->show.bad++;
	else
		show(r, line, len, -1);
	return r->rc == 0;
}

/* Its folder may be the git user's, who may not lead root elsewhere or make
 * it wait. 1: there is none. */
static int
open_file(const char *path, int *ret, struct err *e)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY |
	    O_CLOEXEC);
	struct stat st;

	if (fd == -1)
		return errno == ENOENT ? 1 : err_sys(e, "%s", path);
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
		close(fd);
		return err_set(e, ERR_UNSAFE, "%s: no regular file", path);
	}
	*ret = fd;
	return 0;
}

/* 1: there is none. */
static int
read_file(struct reader *r, const char *path, struct err *e)
{
	struct lines lines;
	char chunk[65536];
	ssize_t n = 0;
	int fd = -1, rc = open_file(path, &fd, e);

	if (rc != 0)
		return rc;
	lines_init(&lines, GITAUDIT_LINE);
	while (r->rc == 0 && (n = read(fd, chunk, sizeof(chunk))) > 0)
		(void)lines_feed(&lines, chunk, (size_t)n, on_file_line, r);
	if (n == -1)
		r->rc = err_sys(e, "%s", path);
	else if (r->rc == 0)
		lines_end(&lines, on_file_line, r);
	lines_clear(&lines);
	close(fd);
	return r->rc;
}

/* What was rotated away last, and the file. */
static int
read_files(struct reader *r, const char *path, struct err *e)
{
	uint64_t bad = r->show.bad;
	char *old = NULL;
	int first, second;

	if (asprintf(&old, "%s.1", path) == -1)
		return err_set(e, ERR_MEM, "out of memory");
	first = read_file(r, old, e);
	free(old);
	if (first == -1)
		return -1;
	second = read_file(r, path, e);
	if (first == 1 && second == 1)
		return err_set(e, ERR_SYS, "%s: there is none yet", path);
	if (second != -1 && r->show.bad > bad)
		log_warn("%s: %llu lines that are none of an audit", path,
		    (unsigned long long)(r->show.bad - bad));
	return second == -1 ? -1 : 0;
}

/* "SECONDS.MICROSECONDS HOST postern-git[PID]: LINE". What else these
 * programs say there is nothing to us. */
static void
on_journal_line(void *arg, enum child_stream stream, const char *line,
    size_t len, bool cut)
{
	static const char tag[] = " " TAG "[";
	struct reader *r = arg;
	const char *p = strstr(line, tag);
	long long when = strtoll(line, NULL, 10);
	size_t bad = r->show.bad;

	(void)stream;
	if (p == NULL || cut || strlen(line) != len || when <= 0)
		return;
	p = strstr(p, "]: ");
	if (p != NULL)
		show(r, p + 3, strlen(p + 3), when);
	r->show.bad = bad;
}

static void
on_journal_end(void *arg, const struct child_end *end)
{
	struct reader *r = arg;

	r->end = *end;
	loop_stop(r->loop);
}

/* Whose lines count: anyone may say something with our tag. */
static int
find_uid(const char *const *folders, uid_t *ret)
{
	struct stat st;

	for (; *folders != NULL; folders++)
		if (stat(*folders, &st) == 0 && st.st_uid != 0) {
			*ret = st.st_uid;
			return 0;
		}
	*ret = geteuid();
	return *ret != 0 ? 0 : -1;
}

static int
read_journal(struct reader *r, const char *const *folders, struct err *e)
{
	char *argv[] = { "journalctl", "-q", "--no-pager", "-o", "short-unix",
		"-t", TAG, NULL, NULL, NULL };
	struct child_spec spec = { .argv = argv, .io = { CHILD_NULL,
		CHILD_PIPE, CHILD_INHERIT }, .line_max = 2 * GITAUDIT_LINE,
		.on_line = on_journal_line, .on_end = on_journal_end,
		.arg = r };
	char match[32], since[64], why[64];
	struct child *c;
	uid_t uid;

	if (find_uid(folders, &uid) == -1)
		return err_set(e, ERR_CONFIG, "there is no audit-file, and "
		    "the git user of this host is not known: ask with " ASK);
	snprintf(match, sizeof(match), "_UID=%u", (unsigned)uid);
	argv[7] = match;
	if (r->show.filter.since_s > 0) {
		snprintf(since, sizeof(since), "--since=@%lld",
		    (long long)r->show.filter.since_s);
		argv[8] = since;
	}
	r->loop = loop_new(e);
	if (r->loop == NULL)
		return -1;
	c = child_start(r->loop, &spec, e);
	if (c == NULL)
		err_wrap(e, "there is no audit-file, and the journal can't "
		    "be read (look for " TAG " where syslog writes "
		    "authpriv)");
	else if (loop_run(r->loop, e) == -1)
		r->rc = -1;
	if (c != NULL && r->rc == 0 && r->end.status != 0) {
		child_why(r->end.status, why, sizeof(why));
		r->rc = err_set(e, ERR_PEER, ASK ": %s", why);
	}
	child_free(c);
	loop_free(r->loop);
	return c != NULL ? r->rc : -1;
}

static int
read_side(struct reader *r, const struct gitconf_side *s,
    const char *const *folders, struct err *e)
{
	if (s->audit_file != NULL)
		return read_files(r, s->audit_file, e);
	if (s->audit_syslog == 0)
		return err_set(e, ERR_CONFIG, GITCONF_PATH " has neither "
		    "audit-file nor audit-syslog: nothing is written down");
	/* It has both sides'. */
	if (r->journal)
		return 0;
	r->journal = true;
	return read_journal(r, folders, e);
}

static int
read_all(struct reader *r, const struct gitconf *c, struct err *e)
{
	const struct gitconf_side *gw = &c->gateway.side;
	const struct gitconf_side *gl = &c->server.side;
	const char *gw_folders[] = { c->gateway.keys_dir, c->gateway.run_dir,
		NULL };
	const char *gl_folders[] = { c->server.state_dir, NULL };
	bool both = c->gateway.server != NULL && c->server.gateway != NULL;

	if (c->gateway.server != NULL && read_side(r, gw, gw_folders, e) ==
	    -1)
		return -1;
	if (c->gateway.server != NULL && !both)
		return 0;
	if (both && gw->audit_file != NULL && gl->audit_file != NULL &&
	    strcmp(gw->audit_file, gl->audit_file) == 0)
		return 0;
	return read_side(r, gl, gl_folders, e);
}

static int
since(const char *s, int64_t *ret, struct err *e)
{
	uint64_t ms;

	*ret = 0;
	if (s == NULL || auditline_time(s, strlen(s), ret) == 0)
		return 0;
	if (num_duration_ms(s, "--since", &ms, NULL) == -1)
		return err_set(e, ERR_USAGE, "--since '%.40s': how long ago, "
		    "such as 2h or 7d, or a day, such as 2026-11-22, or "
		    "2026-11-22T09:30Z", s);
	*ret = (int64_t)time(NULL) - (int64_t)(ms / 1000);
	return 0;
}

int
audit_run(const struct gitconf *c, const struct audit_opts *o,
    struct err *e)
{
	struct auditline_filter f = { .id = o->id, .verb = o->verb,
		.repo = o->repo, .failed = o->failed };
	struct reader r = { .e = e };
	int rc = -1;

	if (since(o->since, &f.since_s, e) == -1)
		return -1;
	if (audit_show_init(&r.show, &f, o->json, e) == 0)
		rc = read_all(&r, c, e);
	rc = audit_show_end(&r.show, rc, e);
	return rc == 0 && r.show.bad > 0 ? 2 : rc;
}
