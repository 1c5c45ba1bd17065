/* SPDX-License-Identifier: ISC */
/*
 * send_scan: postern-backup-send --scan: what scan.h does, by the program that
 * may look everywhere. No peer's byte comes to it.
 *
 * Its order is a file of the caller's, text in the form of proc/msgtext.h:
 *
 *	root PATH	exclude PATTERN		own PATH	several of each
 *	one-file-system yes	late yes	without them no
 *	doubt N			unix time in ns
 *	old FILE		without it there is none
 *	out FILE	changes FILE
 *
 * The files are opened before the capability is effective: they must be the
 * caller's to read and to write.
 *
 * Exit status: 0; SEND_SCAN_FULL when there is no room for its files; else as
 * send.c has it.
 */
#ifndef BACKUP_SEND_SCAN_H
#define BACKUP_SEND_SCAN_H

#include "scan.h"

#define SEND_SCAN_FULL 121

struct send_scan {
	struct strv roots, excludes, own;
	struct scan_spec spec;	/* points at them, once it is open */
	FILE *changes;
	char *old, *out, *told;	/* their paths */
};

/* send_scan_order(): appended to out. names: s's old, out, told. 0, or -1
 * ERR_MEM. */
int send_scan_order(const struct scan_spec *spec, const char *old,
	const char *out_path, const char *changes, struct buf *text,
	struct err *e);

/* send_scan_open(): reads the order, opens its files. 0, or -1: ERR_SYS,
 * ERR_CONFIG, ERR_MEM. *s is to be cleared in any case. */
int send_scan_open(struct send_scan *s, const char *path, struct err *e);
/* send_scan_run(): confined by now. Says "FILES BYTES TOP_NS" on stdout.
 * 0, or -1 as scan_run(). */
int send_scan_run(struct send_scan *s, struct err *e);
void send_scan_clear(struct send_scan *s);

#endif
