/* SPDX-License-Identifier: ISC */
/*
 * bootreport: what a person or a program reads: a live line a host on a
 * terminal, a line an event elsewhere, with --json an object an event; and the
 * exit status that follows from it all.
 */
#ifndef BOOT_BOOTREPORT_H
#define BOOT_BOOTREPORT_H

#include <stdint.h>

#include "boot.h"
#include "bootline.h"
#include "ui/progress.h"

enum bootreport_verdict {
	BOOTREPORT_OPEN,	/* no verdict: counts as failed at the end */
	BOOTREPORT_OK,
	BOOTREPORT_LATER,	/* may succeed later */
	BOOTREPORT_FAILED,
};

struct bootreport;

/* bootreport_new(): o is borrowed. Returns owned, or NULL ERR_MEM. */
struct bootreport *bootreport_new(const struct boot_opts *o, struct err *e);
void bootreport_free(struct bootreport *r);	/* NULL is legal */

/* host: index in o->hosts. Text from a peer is escaped on its way out. */
void bootreport_state(struct bootreport *r, size_t host,
	enum progress_kind kind, const char *state, const char *detail);
/* bootreport_past(): a state that another prompt's takes the place of: on a
 * terminal a line that stays. Elsewhere bootreport_state()'s does. */
void bootreport_past(struct bootreport *r, size_t host, const char *state,
	const char *detail);
/* bootreport_prompt(): one that waits. */
void bootreport_prompt(struct bootreport *r, size_t host,
	const struct bootline_prompt *p);
/* bootreport_screen(): a line of a console's. */
void bootreport_screen(struct bootreport *r, size_t host, const char *line);
/* bootreport_log(): a line of a host's log. */
void bootreport_log(struct bootreport *r, size_t host,
	const struct bootline_log *l);
/* bootreport_verdict(): the worst of a host counts. */
void bootreport_verdict(struct bootreport *r, size_t host,
	enum bootreport_verdict v);
enum bootreport_verdict bootreport_verdict_of(const struct bootreport *r,
	size_t host);

/* bootreport_pause(): on: off the screen while a person is asked, and nothing
 * is printed before it is off again, log lines included; but JSON where no
 * terminal shows it. */
void bootreport_pause(struct bootreport *r, bool on);
void bootreport_tick(struct bootreport *r, uint64_t now_ms);

/* bootreport_end(): the exit status: 0 all, 2 some, 1 none, 75 none and each
 * may be tried again. */
int bootreport_end(struct bootreport *r);

#endif
