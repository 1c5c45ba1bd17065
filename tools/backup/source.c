/* SPDX-License-Identifier: ISC */
#include "source.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "grants.h"
#include "rsyncdconf.h"
#include "scratch.h"
#include "settings.h"
#include "sys/file.h"

#define PATH_ROOM 4096

static const char *const files[] = { "rsyncd.conf", "rules", "grants",
	"roots" };
enum { CONF, RULES, GRANTS, ROOTS, NFILES };

/* --- what is in it --- */

static int
roots_text(const struct source_spec *s, struct buf *out, struct err *e)
{
	size_t i;

	for (i = 0; i < s->rules.roots->n; i++)
		if (buf_addf(out, "%s\n", s->rules.roots->v[i]) == -1)
			return err_set(e, ERR_MEM, "out of memory");
	return 0;
}

/* Not these files: they are of this run, and of this machine, alone. The
 * daemon opens no list that its rules leave out. */
static int
own_rules(const struct source_spec *s, const char *dir, struct buf *out,
    struct err *e)
{
	if ((s->list != NULL && buf_addf(out, "+ %s\n", s->list) == -1) ||
	    (s->own != NULL && buf_addf(out, "- %s/\n", s->own) == -1) ||
	    buf_addf(out, "- %s/\n", dir) == -1)
		return err_set(e, ERR_MEM, "out of memory");
	return 0;
}

static int
write_all(const struct source_spec *s, const char *dir,
    char paths[NFILES][PATH_ROOM], bool gate, struct err *e)
{
	struct rsyncdconf conf = { .path = s->path,
		.rules = s->rules.roots != NULL ? paths[RULES] : NULL,
		.ids = geteuid() == 0, .fake_super = s->fake_super,
		.relative = s->apart, .listed = s->list != NULL };
	struct buf b;
	int i, rc = 0;

	buf_init(&b, RULES_TEXT_MAX);
	for (i = gate ? GRANTS : CONF; rc == 0 && i <= (gate ? ROOTS : GRANTS);
	    i++) {
		buf_clear(&b);
		if (i == ROOTS)
			rc = roots_text(s, &b, e);
		else if (i == CONF)
			rc = rsyncdconf_emit(&conf, &b, e);
		else if (i == GRANTS)
			rc = s->rules.roots == NULL ?
			    grants_add(&b, 'r', s->path, e) :
			    rules_grants(&s->rules, gate, &b, e);
		else if (s->rules.roots != NULL)
			rc = own_rules(s, dir, &b, e) == -1 ? -1 :
			    rules_text(&s->rules, &b, e);
		if (rc == 0)
			rc = file_write(paths[i], b.data, b.len, 0600, NULL,
			    e);
	}
	buf_clear(&b);
	return rc;
}

/* From ioprio_set(2)'s number. */
const char *
source_ionice(int64_t ionice, char out[32])
{
	static const char *const classes[] = { NULL, "realtime",
		"best-effort", "idle" };
	int64_t class = ionice >> 13;

	if (class < 1 || class > 3)
		return NULL;
	if (class == 3)
		return "idle";
	snprintf(out, 32, "%s:%d", classes[class], (int)(ionice & 7));
	return out;
}

struct half *
source_start(struct loop *l, const struct source_spec *s,
    const struct half_calls *calls, char **ret_dir, struct err *e)
{
	char paths[NFILES][PATH_ROOM], program[PATH_ROOM], nice[8], io[32];
	char limit[24];
	struct half_send what = { .program = program, .config = paths[CONF],
		.rules = s->rules.roots != NULL ? paths[RULES] : NULL,
		.grants = paths[GRANTS], .list = s->list,
		.ionice = source_ionice(s->ionice, io) };
	struct half *h = NULL;
	char *dir;
	int i;

	dir = scratch_make(scratch_base(), e);
	if (dir == NULL)
		return NULL;
	for (i = 0; i < NFILES; i++)
		snprintf(paths[i], PATH_ROOM, "%s/%s", dir, files[i]);
	snprintf(nice, sizeof(nice), "%d", (int)s->nice);
	if (s->nice > 0)
		what.nice = nice;
	/* rsync counts in KiB, of which there must be one. */
	snprintf(limit, sizeof(limit), "%" PRId64,
	    s->bandwidth / 1024 > 0 ? s->bandwidth / 1024 : 1);
	if (s->bandwidth > 0)
		what.bwlimit = limit;
	if (write_all(s, dir, paths, false, e) == 0 &&
	    half_program("postern-backup-send",
	    program, sizeof(program), e) == 0)
		h = half_send_start(l, &what, calls, e);
	if (h == NULL)
		scratch_remove(dir);
	else
		*ret_dir = dir;
	return h;
}

int
source_files(const struct source_spec *s, char **ret_dir, struct err *e)
{
	char paths[NFILES][PATH_ROOM];
	char *dir = scratch_make(scratch_base(), e);
	int i;

	if (dir == NULL)
		return -1;
	for (i = 0; i < NFILES; i++)
		snprintf(paths[i], PATH_ROOM, "%s/%s", dir, files[i]);
	if (write_all(s, dir, paths, true, e) == -1) {
		scratch_remove(dir);
		return -1;
	}
	*ret_dir = dir;
	return 0;
}
