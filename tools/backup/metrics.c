/* SPDX-License-Identifier: ISC */
#include "metrics.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "sys/file.h"

#define PREFIX "postern_backup_job_"

static const struct row {
	const char *name, *help;
	size_t at;		/* in struct metrics */
	bool good;		/* of the last good run */
} rows[] = {
	{ "last_run_timestamp_seconds", "When the last run ended.",
	    offsetof(struct metrics, run_s), false },
	{ "last_run_status", "Its exit status: 0 is good.",
	    offsetof(struct metrics, status), false },
	{ "last_run_duration_seconds", "How long it took.",
	    offsetof(struct metrics, seconds), false },
	{ "last_success_timestamp_seconds", "When the last backup was made.",
	    offsetof(struct metrics, good_s), true },
	{ "snapshot_files", "Files in it.",
	    offsetof(struct metrics, files), true },
	{ "snapshot_bytes", "What they hold.",
	    offsetof(struct metrics, bytes), true },
	{ "snapshot_added_bytes", "What of it was new.",
	    offsetof(struct metrics, added), true },
	{ "snapshot_vanished", "Files that vanished or came up meanwhile.",
	    offsetof(struct metrics, vanished), true },
	{ "snapshot_changed", "Files that changed while they were read.",
	    offsetof(struct metrics, changed), true },
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

int
metrics_emit(const struct metrics *m, const char *job, struct buf *out,
    struct err *e)
{
	const struct row *r;
	int rc = 0;

	for (r = rows; r < rows + ROWS; r++) {
		if (r->good && m->good_s == 0)
			continue;
		/* A job's name has nothing in it that a label may not have. */
		rc |= buf_addf(out, "# HELP " PREFIX "%s %s\n# TYPE " PREFIX
		    "%s gauge\n" PREFIX "%s{backup_job=\"%s\"} %" PRIu64 "\n",
		    r->name, r->help, r->name, r->name, job,
		    *(const uint64_t *)((const char *)m + r->at));
	}
	return rc == 0 ? 0 : err_set(e, ERR_MEM, "out of memory");
}

/* The number behind "PREFIX NAME{…} ", a whole line. */
static bool
take(const char *line, const char *name, uint64_t *ret)
{
	size_t len = strlen(name);
	char *end;
	uint64_t n;

	if (strncmp(line, PREFIX, sizeof(PREFIX) - 1) != 0)
		return false;
	line += sizeof(PREFIX) - 1;
	if (strncmp(line, name, len) != 0 || line[len] != '{')
		return false;
	line += strcspn(line, " \n");
	if (line[0] != ' ' || line[1] < '0' || line[1] > '9')
		return false;
	n = strtoull(line + 1, &end, 10);
	if (*end != '\n')
		return false;
	*ret = n;
	return true;
}

void
metrics_parse(const char *text, struct metrics *ret)
{
	size_t i;

	for (; *text != '\0'; text = strchrnul(text, '\n'), text += *text != '\0')
		for (i = 0; i < ROWS; i++)
			if (take(text, rows[i].name,
			    (uint64_t *)((char *)ret + rows[i].at)))
				break;
}

int
metrics_write(const char *path, const char *job, const struct metrics *m,
    struct err *e)
{
	struct metrics all = *m, old = { 0 };
	struct buf b;
	int rc;

	buf_init(&b, METRICS_MAX);
	/* A file that can't be read has no figures; to write it says why. */
	if (m->good_s == 0 && file_read(path, &b, NULL) == 0) {
		metrics_parse(b.data, &old);
		all.good_s = old.good_s;
		all.files = old.files;
		all.bytes = old.bytes;
		all.added = old.added;
		all.vanished = old.vanished;
		all.changed = old.changed;
	}
	buf_clear(&b);
	rc = metrics_emit(&all, job, &b, e);
	if (rc == 0)
		rc = file_write(path, b.data, b.len, 0644, NULL, e);
	buf_clear(&b);
	return rc;
}
