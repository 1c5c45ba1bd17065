/* SPDX-License-Identifier: ISC */
/*
 * auditline: a line of gitaudit.h's read again, as text or JSON, and held
 * against what somebody wants to see. Keys that are not known here are passed
 * over, so that a newer program's lines are read too. Pure: what is in a line
 * is nobody's word for anything, and leaves here escaped.
 */
#ifndef GIT_AUDITLINE_H
#define GIT_AUDITLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "gitaudit.h"

#define AUDITLINE_WORD	128	/* bytes of a word, and of a text, each */
#define AUDITLINE_TEXT	1024	/* with the NUL */

struct auditline {
	enum gitaudit_event event;
	int64_t time_s;			/* seconds since 1970; -1: not said */
	/* "": not known. */
	char sid[AUDITLINE_WORD], id[AUDITLINE_WORD], ip[AUDITLINE_WORD];
	char fp[AUDITLINE_WORD], verb[AUDITLINE_WORD];
	char repo[AUDITLINE_TEXT], why[AUDITLINE_TEXT], via[AUDITLINE_TEXT];
	int64_t ms, exit, in, out;	/* -1: not said */
};

/* auditline_parse(): len bytes without LF. 0, or -1 ERR_CONFIG: it is none;
 * *ret is untouched then. */
int auditline_parse(const char *line, size_t len, struct auditline *ret,
	struct err *e);

/* auditline_time(): "2026-11-22" or "2026-11-22T09:30:00Z" (the seconds, and
 * the Z, may be missing), UTC. 0, or -1: it is neither. */
int auditline_time(const char *s, size_t len, int64_t *ret_s);

/* What is wanted; NULL, 0: all. */
struct auditline_filter {
	int64_t since_s;		/* lines without a time are none */
	const char *id, *verb;
	const char *repo;		/* as gitid_like() has it */
	bool failed;			/* refused, or ended with no 0 */
};

bool auditline_fits(const struct auditline *l,
	const struct auditline_filter *f);

/* auditline_text(): the line that a person reads, without LF, appended.
 * 0, or -1: out's cap is reached. */
int auditline_text(const struct auditline *l, struct buf *out);

/* auditline_json(): the same as an object to stdout. As emit_end(). */
int auditline_json(const struct auditline *l);

#endif
