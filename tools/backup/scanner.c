/* SPDX-License-Identifier: ISC */
#include "scanner.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "changes.h"
#include "half.h"
#include "proc/child.h"
#include "rules.h"
#include "scanner_file.h"
#include "scratch.h"
#include "send_scan.h"
#include "source.h"
#include "steady.h"
#include "ui/log.h"

#define PATH_ROOM 4096
/* Clocks of file systems tick that late, at worst; ns. */
#define MARGIN_NS ((int64_t)3 * 1000000000)

enum { ORDER, GRANTS, OUT, CHANGES, LIST, NFILES };

static const char *const names[NFILES] = { "order", "grants", "seen",
	"changes", "list" };

struct scanner {
	struct loop *loop;
	const struct settings_job *job;
	void (*on_over)(void *arg);
	void *arg;
	char *cache;		/* CACHE, or NULL: nothing can be kept */
	char *file;		/* of the job, in it */
	char *dir;		/* scratch, in it; made when it is needed */
	char paths[NFILES][PATH_ROOM];	/* in it */
	struct seen_head head;	/* of file; its magic is "" if unusable */
	struct child *child;
	bool good;		/* the last look went well */
	bool late;		/* it came after the transfer */
	struct changes_sums sums;	/* of what it saw */
	struct buf changes;
	struct steady steady;	/* since the look, or what a late one is
				 * about, began */
	bool warned;
};

/* That a list can't be had is no failure, and for most reasons the same each
 * time; but room is something that a person can make. */
static void
without(struct scanner *s, const struct err *e)
{
	bool full = e->sys_errno == ENOSPC || e->sys_errno == EDQUOT;

	if (full && !s->warned)
		log_warn("%s: no list of what has changed, so that a run looks "
		    "at everything: %s", s->job->section, e->msg);
	else
		log_debug("scan: %s", e->msg);
	s->warned = s->warned || full;
}

/* --- a look --- */

static void
on_line(void *arg, enum child_stream stream, const char *line, size_t len,
    bool cut)
{
	struct scanner *s = arg;

	if (stream != CHILD_STDOUT || sscanf(line, "%" SCNu64 " %" SCNu64
	    " %" SCNd64, &s->sums.files, &s->sums.bytes, &s->sums.top_ns) !=
	    3)
		log_debug("scan: %s", line);
}

static void
on_end(void *arg, const struct child_end *end)
{
	int status = WIFEXITED(end->status) ? WEXITSTATUS(end->status) : -1;
	struct scanner *s = arg;
	struct err e = ERR_INIT;

	child_free(s->child);
	s->child = NULL;
	s->good = status == 0;
	if (status == SEND_SCAN_FULL) {
		errno = ENOSPC;
		err_sys(&e, "%s", s->cache);
		without(s, &e);
	}
	buf_clear(&s->changes);
	if (s->good && scratch_get(s->paths[CHANGES], &s->changes, &e) ==
	    -1) {
		without(s, &e);
		s->good = false;
	}
	s->on_over(s->arg);
}

static int
make_dir(struct scanner *s, struct err *e)
{
	int i;

	if (s->dir == NULL)
		s->dir = scratch_make(s->cache, e);
	for (i = 0; s->dir != NULL && i < NFILES; i++)
		snprintf(s->paths[i], PATH_ROOM, "%s/%s", s->dir, names[i]);
	return s->dir != NULL ? 0 : -1;
}

static int
write_files(struct scanner *s, bool late, struct err *e)
{
	const struct rules rules = { &s->job->roots, &s->job->excludes };
	struct strv own = { 0 };
	const struct scan_spec spec = { .roots = &s->job->roots,
		.excludes = &s->job->excludes, .own = &own,
		.one_fs = s->job->one_file_system == 1, .late = late,
		.doubt_ns = s->steady.real_ns - MARGIN_NS };
	struct buf b;
	int rc;

	buf_init(&b, RULES_TEXT_MAX);
	rc = strv_add(&own, s->cache) == 0 ? 0 :
	    err_set(e, ERR_MEM, "out of memory");
	if (rc == 0)
		rc = send_scan_order(&spec, late ? NULL : s->file,
		    s->paths[OUT], s->paths[CHANGES], &b, e);
	if (rc == 0)
		rc = scratch_put(s->paths[ORDER], b.data, b.len, e);
	buf_clear(&b);
	if (rc == 0)
		rc = rules_grants(&rules, false, &b, e);
	if (rc == 0)
		rc = scratch_put(s->paths[GRANTS], b.data, b.len, e);
	buf_clear(&b);
	strv_clear(&own);
	/* They are there when it opens them. */
	if (rc == 0)
		rc = scratch_put(s->paths[OUT], "", 0, e);
	return rc == 0 ? scratch_put(s->paths[CHANGES], "", 0, e) : -1;
}

static int
start(struct scanner *s, bool late, struct err *e)
{
	char program[PATH_ROOM], nice[8], io[32];
	const char *ionice = source_ionice(s->job->ionice, io);
	struct strv argv = { 0 };
	struct child_spec spec = { .io = { CHILD_NULL, CHILD_PIPE,
		CHILD_PIPE }, .own_group = true, .on_line = on_line,
		.on_end = on_end, .arg = s };
	int rc;

	s->late = late;
	if (make_dir(s, e) == -1 || write_files(s, late, e) == -1 ||
	    half_program("postern-backup-send", program, sizeof(program),
	    e) == -1)
		return -1;
	snprintf(nice, sizeof(nice), "%d", (int)s->job->nice);
	rc = strv_add(&argv, program);
	if (s->job->nice > 0)
		rc |= strv_add(&argv, "--nice") | strv_add(&argv, nice);
	if (ionice != NULL)
		rc |= strv_add(&argv, "--ionice") | strv_add(&argv, ionice);
	rc |= strv_add(&argv, "--grants") | strv_add(&argv, s->paths[GRANTS]);
	rc |= strv_add(&argv, "--scan") | strv_add(&argv, s->paths[ORDER]);
	if (rc == 0) {
		spec.argv = argv.v;
		s->child = child_start(s->loop, &spec, e);
		rc = s->child != NULL ? 0 : -1;
	} else {
		err_set(e, ERR_MEM, "out of memory");
	}
	strv_clear(&argv);
	return rc;
}

/* --- for whoever runs a job --- */

struct scanner *
scanner_new(struct loop *l, const struct settings_job *j,
    void (*on_over)(void *arg), void *arg, struct err *e)
{
	struct scanner *s = calloc(1, sizeof(*s));
	struct err why = ERR_INIT;

	if (s == NULL) {
		err_set(e, ERR_MEM, "out of memory");
		return NULL;
	}
	s->loop = l;
	s->job = j;
	s->on_over = on_over;
	s->arg = arg;
	buf_init(&s->changes, CHANGES_MAX);
	if (j->files_cache == 0 || j->mode != MODE_CHANNEL)
		return s;
	s->cache = scanner_cache(&why);
	if (s->cache == NULL) {
		without(s, &why);
		return s;
	}
	s->file = scanner_file(s->cache, j);
	if (s->file == NULL) {
		scanner_free(s);
		err_set(e, ERR_MEM, "out of memory");
		return NULL;
	}
	scanner_read(s->file, j, &s->head);
	return s;
}

void
scanner_free(struct scanner *s)
{
	if (s == NULL)
		return;
	child_free(s->child);
	scratch_remove(s->dir);
	buf_clear(&s->changes);
	steady_clear(&s->steady);
	free(s->cache);
	free(s->file);
	free(s);
}

const char *
scanner_since(const struct scanner *s)
{
	return s->head.magic[0] != '\0' ? s->head.snapshot : NULL;
}

void
scanner_drop(struct scanner *s)
{
	s->head = (struct seen_head){ .magic = "" };
	child_free(s->child);
	s->child = NULL;
	s->good = false;
}

void
scanner_first(struct scanner *s)
{
	struct err e = ERR_INIT;

	if (scanner_since(s) == NULL)
		return;
	scanner_begun(s);
	/* That it can't be told is what the store hears then. */
	if (start(s, false, &e) == -1)
		without(s, &e);
}

bool
scanner_busy(const struct scanner *s)
{
	return s->child != NULL;
}

const struct buf *
scanner_changes(const struct scanner *s)
{
	return s->good ? &s->changes : NULL;
}

const struct changes_sums *
scanner_sums(const struct scanner *s)
{
	return &s->sums;
}

void
scanner_begun(struct scanner *s)
{
	steady_begin(&s->steady, s->loop, &s->job->roots, &s->job->excludes);
	/* What was seen before is not of what is read now. */
	s->good = false;
}

void
scanner_late(struct scanner *s)
{
	struct err e = ERR_INIT;

	if (s->file != NULL && start(s, true, &e) == -1)
		without(s, &e);
}

void
scanner_keep(struct scanner *s, const char *snapshot, bool partial)
{
	struct seen_head head = { .magic = SEEN_MAGIC,
		.files = s->sums.files, .bytes = s->sums.bytes,
		.begun_ns = s->steady.real_ns - MARGIN_NS,
		.offset_ns = s->steady.real_ns - s->steady.boot_ns };
	struct err e = ERR_INIT;

	if (!s->good || strlen(snapshot) >= sizeof(head.snapshot))
		return;
	if (!steady_clock(&s->steady)) {
		log_debug("scan: nothing is kept: the clock was set");
		return;
	}
	/* What was sent may be another file system's, or another root's. */
	partial = partial || !steady_places(&s->steady);
	/* Of a late look nobody knows what of it did not come. */
	if (partial && s->late) {
		log_debug("scan: nothing is kept: not all came, or a root, or "
		    "what is mounted there, changed meanwhile");
		return;
	}
	head.partial = partial;
	steady_boot(head.boot);
	snprintf(head.snapshot, sizeof(head.snapshot), "%s", snapshot);
	if (scanner_write(s->paths[OUT], s->file, s->job, &head) == -1) {
		err_sys(&e, "%s", s->file);
		without(s, &e);
	}
}

int
scanner_list(struct scanner *s)
{
	struct err e = ERR_INIT;
	struct buf b;
	int rc;

	buf_init(&b, CHANGES_MAX);
	rc = changes_list(s->changes.data, s->changes.len, &b, &e);
	if (rc == 0)
		rc = scratch_put(s->paths[LIST], b.data, b.len, &e);
	if (rc == -1)
		without(s, &e);
	buf_clear(&b);
	return rc;
}

const char *
scanner_list_path(const struct scanner *s)
{
	return s->paths[LIST];
}

const char *
scanner_own(const struct scanner *s)
{
	return s->cache;
}
