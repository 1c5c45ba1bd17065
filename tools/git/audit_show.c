/* SPDX-License-Identifier: ISC */
#include "audit_show.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
audit_show_init(struct audit_show *s, const struct auditline_filter *f,
    bool json, struct err *e)
{
	*s = (struct audit_show){ .filter = *f, .json = json };
	s->open = calloc(AUDIT_SHOW_OPEN, sizeof(*s->open));
	return s->open != NULL ? 0 : err_set(e, ERR_MEM, "out of memory");
}

static int
say(const struct audit_show *s, const struct auditline *l, struct err *e)
{
	struct buf line;
	int rc;

	if (s->json) {
		rc = auditline_json(l);
	} else {
		buf_init(&line, 65536);
		rc = auditline_text(l, &line);
		if (rc == 0)
			rc = puts(line.data) < 0 ? -1 : 0;
		buf_clear(&line);
	}
	return rc == 0 ? 0 : err_sys(e, "standard output");
}

static void
drop(struct audit_show *s, size_t i)
{
	s->n--;
	memmove(s->open + i, s->open + i + 1, (s->n - i) * sizeof(*s->open));
}

/* The begin of the session that l ends. The latest: another side's on the
 * same host began before it, and ends after it. */
static void
join(struct audit_show *s, const struct auditline *l)
{
	size_t i;

	for (i = s->n; i > 0; i--)
		if (strcmp(s->open[i - 1].sid, l->sid) == 0)
			break;
	if (i > 0)
		drop(s, i - 1);
}

int
audit_show_line(struct audit_show *s, const char *line, size_t len,
    int64_t when_s, struct err *e)
{
	struct auditline l;

	if (auditline_parse(line, len, &l, NULL) == -1) {
		s->bad++;
		return 0;
	}
	if (l.time_s == -1)
		l.time_s = when_s;
	if (l.event == GITAUDIT_END)
		join(s, &l);
	if (!auditline_fits(&l, &s->filter))
		return 0;
	if (l.event != GITAUDIT_BEGIN)
		return say(s, &l, e);
	if (s->n == AUDIT_SHOW_OPEN) {
		if (say(s, &s->open[0], e) == -1)
			return -1;
		drop(s, 0);
	}
	s->open[s->n++] = l;
	return 0;
}

int
audit_show_end(struct audit_show *s, int rc, struct err *e)
{
	size_t i;

	for (i = 0; rc == 0 && i < s->n; i++)
		rc = say(s, &s->open[i], e);
	if (rc == 0 && fflush(stdout) != 0)
		rc = err_sys(e, "standard output");
	free(s->open);
	s->open = NULL;
	s->n = 0;
	return rc;
}
