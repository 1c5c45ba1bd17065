/* SPDX-License-Identifier: ISC */
/*
 * bootline: how an agent answers what bootcmd.h has, in lines. Pure; client and
 * agent link it.
 *
 *	postern-boot 1			first, once; the protocol's version
 *	prompt KIND ID UUID TRIES DEVICE NAME
 *	screen TEXT			a line of the screen
 *	log WHEN BY WORD KIND ID KEY FROM
 *	state WORD			ready (now the passphrase may be sent),
 *					testing, delivering, waiting
 *	verdict WORD TEXT		how an unlock ended, and why
 *	end				all was said
 *
 * ID is the disk's UUID, or its device where it has none. WHEN is
 * 2026-11-22T21:50:00Z, BY agent or console, WORD a verdict, or delivering: a
 * passphrase was handed over, and how it ended is another line. KEY is a
 * fingerprint, or what sshd calls the key. The agent's file of a log has the
 * same lines without their first word. Each field is one word: bytes that are
 * not plain stand as %XX, "-" stands for nothing.
 */
#ifndef BOOT_BOOTLINE_H
#define BOOT_BOOTLINE_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "lukshdr.h"

#define BOOTLINE_MAX	4096	/* bytes of a line, with its newline */
#define BOOTLINE_TEXT	512	/* of a decoded field, with the NUL */
#define BOOTLINE_ID	256
#define BOOTLINE_WORD	16
#define BOOTLINE_WHEN	21
#define BOOTLINE_WHO	80
#define BOOTLINE_SECRET	512	/* bytes of a passphrase, as cryptsetup's */

enum bootline_kind { BOOTLINE_HELLO, BOOTLINE_PROMPT, BOOTLINE_SCREEN,
	BOOTLINE_LOG, BOOTLINE_STATE, BOOTLINE_VERDICT, BOOTLINE_END };

struct bootline_prompt {
	char kind[BOOTLINE_WORD];	/* asker.h has them */
	char id[BOOTLINE_ID];		/* encoded, as unlock takes it */
	char uuid[LUKSHDR_UUID];	/* "": none */
	int64_t tries;			/* wrong ones before; -1: not known */
	char device[BOOTLINE_ID];
	char name[BOOTLINE_ID];		/* what a person would be asked */
};

struct bootline_log {
	char when[BOOTLINE_WHEN];
	char by[BOOTLINE_WORD];
	char word[BOOTLINE_WORD];
	char kind[BOOTLINE_WORD];	/* as a prompt's */
	char id[BOOTLINE_ID];		/* encoded */
	char key[BOOTLINE_WHO];		/* "": not known; any bytes but NUL */
	char from[BOOTLINE_WHO];	/* an address, a terminal; the same */
};

struct bootline {
	enum bootline_kind kind;
	struct bootline_prompt prompt;	/* BOOTLINE_PROMPT */
	struct bootline_log log;	/* BOOTLINE_LOG */
	char word[BOOTLINE_WORD];	/* BOOTLINE_STATE, BOOTLINE_VERDICT */
	char text[BOOTLINE_TEXT];	/* BOOTLINE_VERDICT, BOOTLINE_SCREEN;
					 * any bytes but NUL: escape it */
};

/* bootline_parse(): a line (borrowed, without newline). 0, or -1 ERR_PEER. */
int bootline_parse(const char *line, struct bootline *ret, struct err *e);
/* bootline_emit(): appended with its newline; what is too long for its field is
 * the caller's error. 0, or -1: out's cap. */
int bootline_emit(const struct bootline *l, struct buf *out);

/* bootline_id(): the id of a disk, into ret: uuid, or "" and device. 0, or -1:
 * it had to be cut, and may be another's too. */
int bootline_id(const char *uuid, const char *device, char ret[BOOTLINE_ID]);
/* bootline_id_parse(): len bytes that are to be one, into ret, as they are. 0,
 * or -1: they aren't. */
int bootline_id_parse(const char *text, size_t len, char ret[BOOTLINE_ID]);

#endif
