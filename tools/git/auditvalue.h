/* SPDX-License-Identifier: ISC */
/*
 * auditvalue: one value in a line of an audit. Internal to auditline. Pure.
 * Each takes the value at *p off the line, which goes to end: *p stands behind
 * it then. false: there is none, or it is longer than AUDITLINE_TEXT.
 */
#ifndef GIT_AUDITVALUE_H
#define GIT_AUDITVALUE_H

#include <stdbool.h>
#include <stddef.h>

#include "auditline.h"

struct auditvalue {
	bool known;			/* not "-", null */
	char text[AUDITLINE_TEXT];	/* what was meant; NUL behind it */
	size_t len;
};

/* auditvalue_string(): "..." of JSON (RFC 8259), without \u0000. */
bool auditvalue_string(const char **p, const char *end,
	struct auditvalue *ret);

/* auditvalue_json(): such a string, null, or a whole number. */
bool auditvalue_json(const char **p, const char *end,
	struct auditvalue *ret);

/* auditvalue_text(): such a string, or a word up to a blank. */
bool auditvalue_text(const char **p, const char *end,
	struct auditvalue *ret);

#endif
