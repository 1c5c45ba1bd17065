/* SPDX-License-Identifier: ISC */
/*
 * handshake: the words by which a store begins with the rsync daemon in our
 * sending jail, held back until they are whole and known to ask for the one
 * thing that there is: the module, as its receiver asks for it. Pure.
 *
 *	"@RSYNCD: " N ".0" WORD* "\n"	N 30 to 99; a WORD is " " and a-z, 0-9,
 *					"-", "_": the name of a digest
 *	"root\n"
 *	(ARG NUL)+ NUL			"--server" "--sender" CLUSTER LONG*
 *					"." PATH+ of gate.h; PATH is "root/",
 *					or what is one besides (rootargs.h)
 *
 * Below protocol 30, and with another subprotocol, rsync would read the
 * arguments otherwise than we do. With no path but these and no -s, which
 * would have more arguments come later, rsync walks from "/" by
 * the rules of the sender and no symlink is on its way: the kernel alone
 * would let it list folders (not read files) outside of the roots, since
 * Landlock knows no right to list "/" without what is below it.
 *
 *	handshake_init → handshake_feed … until handshake_over → what comes
 *	then is rsync's alone → handshake_clear
 */
#ifndef BACKUP_HANDSHAKE_H
#define BACKUP_HANDSHAKE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"

#define HANDSHAKE_MAX	65536	/* bytes held at most */

struct handshake {
	struct buf held;	/* of what is not whole yet */
	const struct strv *paths;
	const char *list;
	int stage;
	bool in_place;		/* over: it has asked for that */
};

/*
 * handshake_init(): paths: which are ones beside the module's own; borrowed
 * until it is over; NULL: none. list: a file of ours with what rsync shall
 * send (NULL: all), which the store can't name: the arguments come as
 * gate_check() has them with a list, and --files-from=LIST --from0 is put in
 * among them. Borrowed likewise.
 */
void handshake_init(struct handshake *h, const struct strv *paths,
	const char *list);
void handshake_clear(struct handshake *h);	/* a zeroed one is legal */
bool handshake_over(const struct handshake *h);

/*
 * handshake_feed(): what may go on to rsync is appended to pass, which must
 * have room for HANDSHAKE_MAX and len bytes, and for list and its options.
 * 0, or -1: ERR_REFUSED (what is
 * asked for and why not, for a person; escaped), ERR_MEM.
 */
int handshake_feed(struct handshake *h, const char *data, size_t len,
	struct buf *pass, struct err *e);

#endif
