/* SPDX-License-Identifier: ISC */
#include "hook_out.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "base/buf.h"
#include "base/esc.h"
#include "ui/log.h"

void
hook_out_add(struct hook_out *o, const char *line, size_t len)
{
	char *to = o->line[o->n++ % HOOK_OUT_LINES];

	if (len > HOOK_OUT_LINE - 1)
		len = HOOK_OUT_LINE - 1;
	memcpy(to, line, len);
	to[len] = '\0';
}

uint64_t
hook_out_left(const struct hook_out *o)
{
	return o->n > HOOK_OUT_LINES ? o->n - HOOK_OUT_LINES : 0;
}

const char *
hook_out_get(const struct hook_out *o, uint64_t i)
{
	return o->line[i % HOOK_OUT_LINES];
}

/* To the system's log, where a line of anybody's must stay one. */
static void
note(int level, const char *text)
{
	struct buf b;

	buf_init(&b, 4 * ERR_MSG_MAX);
	if (esc_text(&b, text, strlen(text)) == 0)
		syslog(level, "%s", b.data);
	buf_clear(&b);
}

void
hook_out_tell(struct hook_out *o, const char *name, const char *job,
    const struct err *why)
{
	char text[HOOK_OUT_LINE + 160];
	uint64_t i = hook_out_left(o);

	if (o->n == 0 && why == NULL)
		return;
	openlog("postern-backup", LOG_PID, LOG_DAEMON);
	if (i > 0) {
		snprintf(text, sizeof(text), "%s of %s: %" PRIu64 " lines "
		    "before these are left out", name, job, i);
		note(LOG_INFO, text);
		log_info("%s", text);
	}
	for (; i < o->n; i++) {
		snprintf(text, sizeof(text), "%s of %s: %s", name, job,
		    hook_out_get(o, i));
		note(LOG_INFO, text);
		log_info("%s", text);
	}
	if (why != NULL)
		note(LOG_ERR, why->msg);
	closelog();
	o->n = 0;
}
