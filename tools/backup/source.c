/* SPDX-License-Identifier: ISC */
#include "source.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "grants.h"
#include "rsyncdconf.h"
#include "settings.h"
#include "sys/file.h"

#define PREFIX "postern-backup."
#define PATH_ROOM 4096

static const char *const files[] = { "rsyncd.conf", "rules", "grants",
	"roots", "meet", "unread" };
enum { CONF, RULES, GRANTS, ROOTS, MEET, UNREAD, NFILES };

/* --- the folder --- */

static const char *
base_dir(void)
{
	const char *run = getenv("XDG_RUNTIME_DIR");

	if (run != NULL && *run == '/' && access(run, W_OK | X_OK) == 0)
		return run;
	return geteuid() == 0 && access("/run", W_OK) == 0 ? "/run" : "/tmp";
}

void
source_remove(char *dir)
{
	char path[PATH_ROOM];
	size_t i;

	if (dir == NULL)
		return;
	for (i = 0; i < NFILES; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		unlink(path);
	}
	rmdir(dir);
	free(dir);
}

/* Those of our uid whose process is gone. */
static void
sweep(const char *base)
{
	DIR *d = opendir(base);
	struct dirent *de;
	struct stat st;
	char *path;
	long pid;

	while (d != NULL && (de = readdir(d)) != NULL) {
		if (strncmp(de->d_name, PREFIX, sizeof(PREFIX) - 1) != 0)
			continue;
		pid = strtol(de->d_name + sizeof(PREFIX) - 1, NULL, 10);
		if (pid <= 0 || kill((pid_t)pid, 0) == 0 || errno == EPERM)
			continue;
		if (asprintf(&path, "%s/%s", base, de->d_name) == -1)
			break;
		if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode) &&
		    st.st_uid == geteuid())
			source_remove(path);
		else
			free(path);
	}
	if (d != NULL)
		closedir(d);
}

static char *
make_dir(struct err *e)
{
	const char *base = base_dir();
	char *dir;

	sweep(base);
	if (asprintf(&dir, "%s/" PREFIX "%ld.XXXXXX", base,
	    (long)getpid()) == -1) {
		err_set(e, ERR_MEM, "out of memory");
		return NULL;
	}
	if (mkdtemp(dir) == NULL) {
		err_sys(e, "%s", dir);
		free(dir);
		return NULL;
	}
	return dir;
}

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

static int
write_all(const struct source_spec *s, const char *dir,
    char paths[NFILES][PATH_ROOM], bool gate, struct err *e)
{
	struct rsyncdconf conf = { .path = s->path,
		.rules = s->rules.roots != NULL ? paths[RULES] : NULL,
		.ids = geteuid() == 0, .fake_super = s->fake_super,
		.relative = s->apart };
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
		else if (s->rules.roots != NULL) {
			/* Not these files: they are of this run alone. */
			rc = buf_addf(&b, "- %s/\n", dir) == 0 ?
			    rules_text(&s->rules, &b, e) :
			    err_set(e, ERR_MEM, "out of memory");
		}
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
		.grants = paths[GRANTS], .ionice = source_ionice(s->ionice, io) };
	struct half *h = NULL;
	char *dir;
	int i;

	dir = make_dir(e);
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
		source_remove(dir);
	else
		*ret_dir = dir;
	return h;
}

int
source_files(const struct source_spec *s, char **ret_dir, struct err *e)
{
	char paths[NFILES][PATH_ROOM];
	char *dir = make_dir(e);
	int i;

	if (dir == NULL)
		return -1;
	for (i = 0; i < NFILES; i++)
		snprintf(paths[i], PATH_ROOM, "%s/%s", dir, files[i]);
	if (write_all(s, dir, paths, true, e) == -1) {
		source_remove(dir);
		return -1;
	}
	*ret_dir = dir;
	return 0;
}
