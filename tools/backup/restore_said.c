/* SPDX-License-Identifier: ISC */
#include "restore_said.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/esc.h"
#include "show.h"
#include "ui/emit.h"
#include "ui/log.h"

/* How many of a kind a person wants to read without -v. */
#define NAMES 20

static void
names(const struct backup_opts *o, const struct lack *l, enum lack_kind kind)
{
	const struct strv *v = &l->names[kind];
	size_t i, n = o->verbose || v->n <= NAMES ? v->n : NAMES;
	struct emit j;

	for (i = 0; o->json && i < v->n; i++) {
		emit_begin(&j);
		emit_str(&j, "event", "lack");
		emit_str(&j, "kind", lack_word(kind));
		emit_str(&j, "path", v->v[i]);
		(void)emit_end(&j, stdout);
	}
	if (o->json || l->n[kind] == 0)
		return;
	for (i = 0; i < n; i++)
		log_warn("%s: %s", lack_word(kind), v->v[i]);
	if (l->n[kind] > n)
		log_warn("%s: and %" PRIu64 " more%s", lack_word(kind),
		    l->n[kind] - n, o->verbose ? "" : " (-v names them)");
}

static void
as_json(const struct restore_said *s, int status)
{
	const struct reply *r = s->result;
	struct emit j;
	int k;

	emit_begin(&j);
	emit_str(&j, "event", "result");
	emit_str(&j, "job", s->section);
	emit_num(&j, "status", status);
	emit_str(&j, "snapshot", r->snapshot);
	emit_str(&j, "to", s->to);
	emit_num(&j, "files", (int64_t)r->files);
	emit_num(&j, "bytes", (int64_t)r->bytes);
	emit_num(&j, "seconds", (int64_t)r->seconds);
	emit_num(&j, "errors", (int64_t)s->errors);
	emit_obj(&j, "lack");
	for (k = 0; k < LACK_KINDS; k++)
		emit_num(&j, lack_word((enum lack_kind)k),
		    (int64_t)s->lack->n[k]);
	(void)emit_end(&j, stdout);
}

int
restore_said(const struct backup_opts *o, const struct restore_said *s)
{
	const struct reply *r = s->result;
	const struct lack *l = s->lack;
	bool rights = false;
	int status = s->errors > 0 ? 2 : 0, k;
	char bytes[16];

	for (k = 0; k < LACK_KINDS; k++) {
		names(o, l, (enum lack_kind)k);
		if (l->n[k] > 0) {
			status = 2;
			rights = rights || k != LACK_MISSING;
		}
	}
	if (o->json) {
		as_json(s, status);
		return status;
	}
	show_size(r->bytes, bytes);
	if (!o->quiet)
		printf("%s: %s: %" PRIu64 " files, %s, in %" PRIu64 " s, to "
		    "%s\n", s->section, r->snapshot, r->files, bytes,
		    r->seconds, s->to);
	for (k = 0; k < LACK_KINDS; k++)
		if (l->n[k] > 0)
			log_warn("%" PRIu64 " %s", l->n[k],
			    lack_what((enum lack_kind)k));
	if (s->errors > 0)
		log_warn("%" PRIu64 " errors, as rsync told them above",
		    s->errors);
	if (rights)
		log_warn("that takes root and --privileged");
	return status;
}

void
restore_would(const struct backup_opts *o, const char *base,
    const struct lack_item *it)
{
	struct buf text;
	struct emit j;

	buf_init(&text, 8 * 4096);
	if (o->json) {
		emit_begin(&j);
		emit_str(&j, "event", "would");
		if (buf_addf(&text, "%s/%s", base, it->name) == 0)
			emit_str(&j, "path", text.data);
		emit_str(&j, "mode", it->mode);
		emit_num(&j, "uid", it->uid);
		if (it->gid != LACK_NOT_OURS)
			emit_num(&j, "gid", it->gid);
		(void)emit_end(&j, stdout);
	} else if (!o->quiet && buf_addf(&text, "%s/", base) == 0) {
		if (esc_text(&text, it->name, strlen(it->name)) == 0)
			printf("%s\n", text.data);
	}
	buf_clear(&text);
}
