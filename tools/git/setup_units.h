/* SPDX-License-Identifier: ISC */
/*
 * setup_units: the systemd units of packaging/systemd, which are part of the
 * program, so that what a set-up installs is what is packaged. They are whole
 * unit files, for the user git and /usr/local/bin/postern; a set-up puts its
 * host's user and program in place of these two. Pure.
 */
#ifndef GIT_SETUP_UNITS_H
#define GIT_SETUP_UNITS_H

#include "base/buf.h"
#include "base/err.h"

#define SETUP_UNITS_MUX		"postern-git-mux.service"
#define SETUP_UNITS_PUSH	"postern-git-push.service"
#define SETUP_UNITS_TIMER	"postern-git-push.timer"

struct setup_units_row {
	const char *name, *text;
};

/* All of them; made by units.py. Ends with a NULL name. */
extern const struct setup_units_row setup_units_rows[];

/*
 * setup_units_text(): unit name (one of the above) with user and program,
 * appended to out. program: the absolute path of postern-git.
 * 0, or -1: ERR_UNSAFE (user or program have characters that systemd reads as
 * something else: they are made of [A-Za-z0-9_@./+-]), ERR_MEM.
 * Source: systemd.service(5), COMMAND LINES; systemd.unit(5), SPECIFIERS.
 */
int setup_units_text(const char *name, const char *user, const char *program,
	struct buf *out, struct err *e);

#endif
