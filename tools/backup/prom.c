/* SPDX-License-Identifier: ISC */
#include "prom.h"

#include <inttypes.h>

static bool
last(const struct state *s, uint64_t *ret, uint64_t value)
{
	*ret = value;
	return s->last.op[0] != '\0';
}

static const struct history_snap *
newest(const struct state *s)
{
	return s->history.n > 0 ? &s->history.v[0] : NULL;
}

/* Each: whether there is such a number of s. */
static bool
good_s(const struct state *s, uint64_t *ret)
{
	*ret = (uint64_t)s->good_s;
	return s->good_s > 0;
}

static bool
last_s(const struct state *s, uint64_t *ret)
{
	return last(s, ret, (uint64_t)s->last.time_s);
}

static bool
last_seconds(const struct state *s, uint64_t *ret)
{
	return last(s, ret, s->last.seconds);
}

static bool
failures(const struct state *s, uint64_t *ret)
{
	*ret = s->failures;
	return true;
}

static bool
silent(const struct state *s, uint64_t *ret)
{
	*ret = (s->alarms & STATE_SILENT) != 0;
	return true;
}

static bool
snapshots(const struct state *s, uint64_t *ret)
{
	*ret = s->history.n;
	return true;
}

static bool
snapshot_bytes(const struct state *s, uint64_t *ret)
{
	*ret = newest(s) != NULL ? newest(s)->bytes : 0;
	return newest(s) != NULL && newest(s)->recorded;
}

static bool
snapshot_added(const struct state *s, uint64_t *ret)
{
	*ret = newest(s) != NULL ? newest(s)->added : 0;
	return newest(s) != NULL && newest(s)->recorded;
}

static bool
snapshot_files(const struct state *s, uint64_t *ret)
{
	*ret = newest(s) != NULL ? newest(s)->files : 0;
	return newest(s) != NULL && newest(s)->recorded;
}

static bool
used(const struct state *s, uint64_t *ret)
{
	*ret = s->used;
	return true;
}

static bool
quota(const struct state *s, uint64_t *ret)
{
	*ret = s->quota;
	return s->quota > 0;
}

static bool
left(const struct state *s, uint64_t *ret)
{
	*ret = s->left_bytes;
	return true;
}

static bool
verify_s(const struct state *s, uint64_t *ret)
{
	*ret = (uint64_t)s->verify.time_s;
	return s->verify.op[0] != '\0';
}

static bool
verify_bad(const struct state *s, uint64_t *ret)
{
	*ret = s->verify_bad;
	return s->verify.op[0] != '\0';
}

static bool
broken(const struct state *s, uint64_t *ret)
{
	*ret = (s->alarms & STATE_BROKEN) != 0;
	return true;
}

static const struct {
	const char *name, *help;
	bool (*get)(const struct state *s, uint64_t *ret);
} metrics[] = {
	{ "last_success_timestamp_seconds", "When the last backup was made.",
	    good_s },
	{ "last_run_timestamp_seconds", "When the last run ended.", last_s },
	{ "last_run_duration_seconds", "How long the last run took.",
	    last_seconds },
	{ "failures", "Failed runs since the last backup.", failures },
	{ "silent", "1 when there was no backup for silent-days.", silent },
	{ "snapshots", "Snapshots in the store.", snapshots },
	{ "snapshot_bytes", "What the newest snapshot holds.",
	    snapshot_bytes },
	{ "snapshot_added_bytes", "What the newest snapshot added.",
	    snapshot_added },
	{ "snapshot_files", "Files in the newest snapshot.", snapshot_files },
	{ "used_bytes", "What all snapshots take.", used },
	{ "quota_bytes", "What they may take.", quota },
	{ "unfinished_bytes", "What a run has left unfinished.", left },
	{ "verify_timestamp_seconds", "When the last verify ended.",
	    verify_s },
	{ "verify_found", "1 when the last verify found something.",
	    verify_bad },
	{ "unreadable", "1 when the store's records can't be read.",
	    broken },
};

/* Backslash, quote and newline are what a label's value may not have. */
static int
add_label(struct buf *out, const char *s)
{
	int rc = 0;

	for (; *s != '\0' && rc == 0; s++) {
		if (*s == '\n')
			rc = buf_adds(out, "\\n");
		else if (*s == '\\' || *s == '"')
			rc = buf_addf(out, "\\%c", *s);
		else
			rc = buf_addc(out, *s);
	}
	return rc;
}

static int
head(struct buf *out, const char *name, const char *help)
{
	return buf_addf(out, "# HELP postern_backup_%s %s\n"
	    "# TYPE postern_backup_%s gauge\n", name, help, name);
}

int
prom_emit(const struct state *v, size_t n, uint64_t free_bytes,
    struct buf *out, struct err *e)
{
	size_t m, i;
	uint64_t value;
	int rc = 0;

	for (m = 0; m < sizeof(metrics) / sizeof(metrics[0]); m++) {
		rc |= head(out, metrics[m].name, metrics[m].help);
		for (i = 0; i < n; i++) {
			if (!metrics[m].get(&v[i], &value))
				continue;
			rc |= buf_addf(out, "postern_backup_%s{client=\"",
			    metrics[m].name);
			rc |= add_label(out, v[i].name);
			rc |= buf_addf(out, "\"} %" PRIu64 "\n", value);
		}
	}
	rc |= head(out, "store_free_bytes", "What is free in the store.");
	rc |= buf_addf(out, "postern_backup_store_free_bytes %" PRIu64 "\n",
	    free_bytes);
	return rc == 0 ? 0 : err_set(e, ERR_MEM, "out of memory");
}
