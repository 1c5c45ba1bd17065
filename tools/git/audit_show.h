/* SPDX-License-Identifier: ISC */
/*
 * audit_show: lines of an audit, one after another, onto stdout: those that
 * are wanted. A begin waits for its end, with which it is one session; of at
 * most AUDIT_SHOW_OPEN, then the oldest is shown without one.
 *
 *	audit_show_init → audit_show_line ... → audit_show_end
 */
#ifndef GIT_AUDIT_SHOW_H
#define GIT_AUDIT_SHOW_H

#include <stdbool.h>
#include <stddef.h>

#include "auditline.h"
#include "base/err.h"

#define AUDIT_SHOW_OPEN	1024

struct audit_show {
	struct auditline_filter filter;
	bool json;
	struct auditline *open;	/* owned; oldest first */
	size_t n;
	uint64_t bad;		/* lines that were none */
};

/* audit_show_init(): 0, or -1 ERR_MEM; audit_show_end() then, too. */
int audit_show_init(struct audit_show *s, const struct auditline_filter *f,
	bool json, struct err *e);

/* audit_show_line(): when_s: its time, where the line has none itself; -1:
 * unknown. 0, or -1 ERR_SYS: stdout. A line that is none is counted. */
int audit_show_line(struct audit_show *s, const char *line, size_t len,
	int64_t when_s, struct err *e);

/* audit_show_end(): what is open still, unless rc is -1; and clears s.
 * rc, or -1 ERR_SYS. */
int audit_show_end(struct audit_show *s, int rc, struct err *e);

#endif
