/* SPDX-License-Identifier: ISC */
/* show: what is recorded of one snapshot. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <fcntl.h>

#include "backup.h"
#include "base/esc.h"
#include "owner.h"
#include "say.h"
#include "size.h"
#include "store_hold.h"
#include "store_rec.h"
#include "ui/emit.h"

struct what {
	const char *name;
	struct snapname parsed;
	struct store_rec rec;
	bool pinned, held;
};

static void
emit_list(struct emit *j, const char *key, const struct strv *v)
{
	size_t i;

	emit_arr(j, key);
	for (i = 0; i < v->n; i++)
		emit_item(j, v->v[i]);
	emit_close(j);
}

static int
as_json(const struct what *w, struct err *e)
{
	const struct store_rec *r = &w->rec;
	struct emit j;

	emit_begin(&j);
	emit_str(&j, "snapshot", w->name);
	emit_str(&j, "client", w->parsed.client);
	emit_num(&j, "time", w->parsed.time_s);
	emit_list(&j, "roots", &r->roots);
	emit_list(&j, "excludes", &r->excludes);
	emit_bool(&j, "one-file-system", r->one_fs);
	emit_str(&j, "job", r->job[0] != '\0' ? r->job : NULL);
	emit_str(&j, "mode", r->mode);
	emit_str(&j, "back-end", store_backend_name(r->backend));
	emit_str(&j, "rsync", r->rsync);
	emit_num(&j, "files", (int64_t)r->files);
	emit_num(&j, "bytes", (int64_t)r->bytes);
	emit_num(&j, "added", (int64_t)r->added);
	emit_num(&j, "seconds", (int64_t)r->seconds);
	if (r->receiver != 0)
		emit_num(&j, "receiver", (int64_t)r->receiver);
	emit_bool(&j, "partial", r->partial);
	emit_num(&j, "vanished", (int64_t)r->vanished);
	emit_num(&j, "changed", (int64_t)r->changed);
	emit_bool(&j, "pinned", w->pinned);
	emit_bool(&j, "held", w->held);
	return say_json(emit_end(&j, stdout), e);
}

static int
line(struct buf *b, const char *key, const char *value)
{
	int rc = buf_addf(b, "%-16s ", key);

	rc |= esc_text(b, value, strlen(value));
	return rc | buf_addc(b, '\n');
}

static int
lines(struct buf *b, const char *key, const struct strv *v)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < v->n; i++)
		rc |= line(b, key, v->v[i]);
	return rc;
}

static int
size_line(struct buf *b, const char *key, uint64_t bytes)
{
	char size[SIZE_TEXT];

	size_text(bytes, size);
	return buf_addf(b, "%-16s %s (%" PRIu64 " bytes)\n", key, size,
	    bytes);
}

static int
as_text(const struct what *w, struct err *e)
{
	const struct store_rec *r = &w->rec;
	char made[SIZE_TIME], took[SIZE_TEXT];
	struct buf b;
	int rc;

	size_time(w->parsed.time_s, made);
	size_ago((int64_t)r->seconds, took);
	buf_init(&b, 4 * STORE_REC_MAX);
	rc = line(&b, "snapshot", w->name);
	rc |= line(&b, "client", w->parsed.client);
	rc |= line(&b, "made", made);
	rc |= line(&b, "took", took);
	if (!r->partial)
		rc |= line(&b, "state", "complete");
	else
		rc |= buf_addf(&b, "%-16s partial: while all was read, %" PRIu64
		    " files vanished or came up, %" PRIu64 " changed\n", "state",
		    r->vanished, r->changed);
	rc |= line(&b, "kept", w->pinned ? "pinned" : w->held ?
	    "somebody reads it" : "by the rules");
	if (r->job[0] != '\0')
		rc |= line(&b, "job", r->job);
	rc |= line(&b, "mode", r->mode);
	rc |= line(&b, "back-end", store_backend_name(r->backend));
	if (r->receiver != 0)
		rc |= buf_addf(&b, "%-16s uid %" PRIu64 "\n", "receiver",
		    r->receiver);
	rc |= line(&b, "rsync", r->rsync);
	rc |= line(&b, "one-file-system", r->one_fs ? "yes" : "no");
	rc |= buf_addf(&b, "%-16s %" PRIu64 "\n", "files", r->files);
	rc |= size_line(&b, "size", r->bytes);
	rc |= size_line(&b, "added", r->added);
	rc |= lines(&b, "root", &r->roots);
	rc |= lines(&b, "exclude", &r->excludes);
	if (rc != 0)
		rc = err_set(e, ERR_MEM, "out of memory");
	else if (fwrite(b.data, 1, b.len, stdout) != b.len ||
	    fflush(stdout) != 0)
		rc = err_sys(e, "standard output");
	buf_clear(&b);
	return rc;
}

int
backup_show(struct backup_opts *o, struct err *e)
{
	struct what w = { .name = o->args.v[0] };
	struct owner own = { .o = o };
	struct stat st;
	int rc = -1;

	if (owner_open(&own, e) == -1 ||
	    owner_snapshot(&own, w.name, e) == -1 ||
	    snapname_parse(w.name, &w.parsed, e) == -1)
		goto out;
	if (fstatat(own.client.fd, w.name, &st, AT_SYMLINK_NOFOLLOW) == -1) {
		err_set(e, ERR_REFUSED, "%s: no such snapshot", w.name);
		goto out;
	}
	if (store_rec_get(&own.client, w.name, &w.rec, e) == -1)
		goto out;
	w.pinned = store_hold_pinned(&own.client, w.name);
	w.held = store_hold_held(&own.client, w.name);
	rc = o->json ? as_json(&w, e) : as_text(&w, e);
out:
	store_rec_clear(&w.rec);
	owner_close(&own);
	return rc;
}
