/* SPDX-License-Identifier: ISC */
/* auditline: whatever is in the file, what a person reads of it is harmless,
 * and what was read is written and read again as the same. */
#include "auditline.h"
#include "retell.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
harmless(const struct auditline *l)
{
	struct buf out;

	buf_init(&out, 65536);
	demand(auditline_text(l, &out) == 0);
	demand(strpbrk(out.data, "\n\r\033\177") == NULL);
	demand(strlen(out.data) == out.len);
	buf_clear(&out);
}

/* l as gitaudit writes it, read into ret. */
static int
again(const struct auditline *l, struct auditline *ret)
{
	struct gitaudit a = { .event = l->event, .sid = l->sid, .id = l->id,
		.ip = l->ip, .fp = l->fp, .verb = l->verb, .repo = l->repo,
		.why = l->why, .via = l->via,
		.ms = l->ms >= 0 ? (uint64_t)l->ms : 0,
		.exit = (int)(l->exit & 255), .counted = l->in >= 0 &&
		l->out >= 0, .in = l->in, .out = l->out };
	struct buf line;
	int rc;

	buf_init(&line, GITAUDIT_LINE);
	rc = gitaudit_emit(&a, true, 0, &line);
	/* One that is all escapes is longer than a line. */
	if (rc == 0)
		demand(auditline_parse(line.data, line.len, ret, NULL) == 0);
	buf_clear(&line);
	return rc;
}

static bool
same(const struct auditline *a, const struct auditline *b)
{
	return a->event == b->event && strcmp(a->id, b->id) == 0 &&
	    strcmp(a->verb, b->verb) == 0 && strcmp(a->repo, b->repo) == 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct auditline_filter f = { .since_s = 1, .id = "a", .repo = "t/*",
		.verb = "info", .failed = true };
	struct auditline l, second, third;

	if (auditline_parse((const char *)data, size, &l, NULL) == -1)
		return 0;
	harmless(&l);
	(void)auditline_fits(&l, &f);
	/* "-" is written as unknown, and bytes that are no UTF-8 as a sign
	 * for that, so the first time is not the same. */
	if (again(&l, &second) == 0 && again(&second, &third) == 0 &&
	    strlen(second.repo) < 300 && strlen(second.id) < 100)
		demand(same(&second, &third));
	return 0;
}
