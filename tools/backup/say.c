/* SPDX-License-Identifier: ISC */
#include "say.h"

#include <inttypes.h>
#include <langinfo.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/esc.h"
#include "size.h"
#include "sys/tty.h"
#include "ui/columns.h"
#include "ui/emit.h"

#define NAME_TEXT_MAX	(1u << 20)

static int
done(bool ok, struct err *e)
{
	if (ok && fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	return err_sys(e, "standard output");
}

bool
say_utf8(void)
{
	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

int
say_table(const struct table *t, struct err *e)
{
	struct buf b;
	int rc;

	buf_init(&b, TABLE_TEXT_MAX);
	rc = table_emit(t, isatty(1) ? tty_width(1) : 0, say_utf8(), &b, e);
	if (rc == 0)
		rc = done(fwrite(b.data, 1, b.len, stdout) == b.len, e);
	buf_clear(&b);
	return rc;
}

int
say_json(int rc, struct err *e)
{
	return rc == 0 ? 0 : err_sys(e, "standard output");
}

void
say_snap_head(struct table *t)
{
	static const struct table_col cols[] = {
		{ "SNAPSHOT", false, true }, { "MADE", false, false },
		{ "SIZE", true, false }, { "ADDED", true, false },
		{ "FILES", true, false }, { "", false, true },
	};

	table_init(t, cols, sizeof(cols) / sizeof(cols[0]));
}

void
say_snap(struct table *t, const struct history_snap *s)
{
	char made[SIZE_TIME], size[SIZE_TEXT], added[SIZE_TEXT], files[24];
	const char *cells[] = { s->name, made, size, added, files, NULL };
	struct buf flags;

	size_time(s->time_s, made);
	size_text(s->bytes, size);
	size_text(s->added, added);
	snprintf(files, sizeof(files), "%" PRIu64, s->files);
	if (!s->recorded)
		cells[2] = cells[3] = cells[4] = "?";
	buf_init(&flags, 128);
	if (history_flags(s, &flags) == -1)
		t->failed = true;
	cells[5] = flags.data;
	table_row(t, cells);
	buf_clear(&flags);
}

int
say_snap_json(const struct history_snap *s, struct err *e)
{
	struct snapname n;
	struct emit j;

	emit_begin(&j);
	emit_str(&j, "snapshot", s->name);
	if (snapname_parse(s->name, &n, NULL) == 0)
		emit_str(&j, "client", n.client);
	emit_num(&j, "time", s->time_s);
	if (s->recorded) {
		emit_num(&j, "bytes", (int64_t)s->bytes);
		emit_num(&j, "added", (int64_t)s->added);
		emit_num(&j, "files", (int64_t)s->files);
		emit_num(&j, "seconds", (int64_t)s->seconds);
	}
	emit_bool(&j, "recorded", s->recorded);
	emit_bool(&j, "partial", s->partial);
	emit_bool(&j, "pinned", s->pinned);
	emit_bool(&j, "held", s->held);
	return say_json(emit_end(&j, stdout), e);
}

/* As it is, or escaped and then as the terminal's locale can show it. */
static int
add_name(struct buf *b, const char *name, bool raw)
{
	struct columns c = { .out = b, .left = SIZE_MAX, .utf8 = say_utf8() };
	struct buf text;
	int rc;

	if (raw)
		return buf_adds(b, name);
	buf_init(&text, NAME_TEXT_MAX);
	rc = esc_text(&text, name, strlen(name));
	columns_add(&c, text.data, SIZE_MAX);
	buf_clear(&text);
	return rc;
}

void
say_mode(uint32_t mode, char out[11])
{
	static const char bits[] = "rwxrwxrwx";
	int i;

	out[0] = S_ISDIR(mode) ? 'd' : S_ISLNK(mode) ? 'l' :
	    S_ISFIFO(mode) ? 'p' : S_ISSOCK(mode) ? 's' :
	    S_ISCHR(mode) ? 'c' : S_ISBLK(mode) ? 'b' : '-';
	for (i = 0; i < 9; i++)
		out[1 + i] = (mode & (0400u >> i)) != 0 ? bits[i] : '-';
	if ((mode & S_ISUID) != 0)
		out[3] = out[3] == 'x' ? 's' : 'S';
	if ((mode & S_ISGID) != 0)
		out[6] = out[6] == 'x' ? 's' : 'S';
	if ((mode & S_ISVTX) != 0)
		out[9] = out[9] == 'x' ? 't' : 'T';
	out[10] = '\0';
}

int
say_entry(const struct rows_entry *r, bool raw, struct err *e)
{
	char mode[11], size[SIZE_TEXT], made[SIZE_TIME];
	struct buf b;
	int rc;

	say_mode(r->mode, mode);
	size_text(r->size, size);
	size_time(r->time_s, made);
	buf_init(&b, NAME_TEXT_MAX);
	rc = buf_addf(&b, "%s %5u %5u %10s %16s  ", mode, r->uid, r->gid,
	    size, made);
	rc |= add_name(&b, r->name, raw);
	if (S_ISDIR(r->mode))
		rc |= buf_addc(&b, '/');
	if (r->link != NULL) {
		rc |= buf_adds(&b, " -> ");
		rc |= add_name(&b, r->link, raw);
	}
	rc |= buf_addc(&b, '\n');
	if (rc != 0)
		rc = err_set(e, ERR_MEM, "out of memory");
	else
		rc = done(fwrite(b.data, 1, b.len, stdout) == b.len, e);
	buf_clear(&b);
	return rc;
}

int
say_entry_json(const struct rows_entry *r, struct err *e)
{
	struct emit j;
	char mode[8];

	snprintf(mode, sizeof(mode), "%04o", r->mode & 07777u);
	emit_begin(&j);
	emit_str(&j, "name", r->name);
	emit_str(&j, "kind", rows_kind(r->mode));
	emit_str(&j, "mode", mode);
	emit_num(&j, "uid", r->uid);
	emit_num(&j, "gid", r->gid);
	emit_num(&j, "size", (int64_t)r->size);
	emit_num(&j, "time", r->time_s);
	if (r->link != NULL)
		emit_str(&j, "link", r->link);
	return say_json(emit_end(&j, stdout), e);
}
