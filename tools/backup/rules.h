/* SPDX-License-Identifier: ISC */
/*
 * rules: what the sender lets a receiver read, in the words of rsync, of
 * Landlock and of a person. Pure. The roots and excludes are the sender's own;
 * nothing that a receiver says takes part.
 *
 * A root is a plain path (plain.h): a folder with all below it, or one file.
 * It must not lead through a symlink: rsync saves the link and stops there.
 * An exclude is a pattern of rsync (FILTER RULES in rsync(1)). One that begins
 * with '/' and has none of *?[\ is literal: its path is plain, a '/' at its
 * end makes it match folders only. Rules are read in this order, the first
 * that matches counts:
 *
 *	each exclude		"- EXCLUDE"
 *	each root but "/"	"+ PARENT/" for each parent, "+ ROOT", and
 *				"+ ROOT/" with two stars
 *	if "/" is a root	what is in rules_unreal is not read, the folders
 *				themselves come along; a root in one of them
 *				stands above and is read; then all
 *	all else		"- " and a star
 *
 * A rule ends with its line (CR and LF) and rsync drops one of 4096 bytes with
 * no more than a message: names with either and patterns of that length are
 * refused. tests/unit/backup/test_rules_rsync.c
 * holds all this against the real rsync.
 */
#ifndef POSTERN_RULES_H
#define POSTERN_RULES_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"

/* Never read below the root "/", NULL-ended: what the kernel makes up, and raw
 * disks, which a backup's capability would open. */
extern const char *const rules_unreal[];

#define RULES_TEXT_MAX	(64u << 20)	/* bytes: a cap for rules_text() */

struct rules {			/* both borrowed */
	const struct strv *roots;
	const struct strv *excludes;
};

/*
 * rules_check(): 0, or -1 ERR_CONFIG naming the root or exclude (escaped):
 * no root, one that is not plain, an exclude that hides a whole root (a pattern
 * with "**" is not looked at), a name that no rule can hold. The functions
 * below check, too.
 */
int rules_check(const struct rules *r, struct err *e);

/* rules_text(): the file for "exclude from" or --exclude-from, appended.
 * 0, or -1: as rules_check(), ERR_MEM. */
int rules_text(const struct rules *r, struct buf *out, struct err *e);

/* rules_literal(): whether the kernel can enforce this exclude. */
bool rules_literal(const char *exclude);

/*
 * rules_explain(): for a person, a line each: what is read, what is not, and
 * who holds it: the kernel and rsync, or rsync alone. direct: mode = direct,
 * in which the sender knows no patterns: they are the store's to respect.
 * Appended; escaped. 0, or -1: as rules_check(), ERR_MEM.
 */
int rules_explain(const struct rules *r, bool direct, struct buf *out,
	struct err *e);

/*
 * rules_grants(): what the kernel is to let through, as grants.h has it,
 * appended: each root; each literal exclude and (below the root "/") /dev,
 * /proc, /run, /sys as hidden. Landlock knows no grant for a folder without
 * what is below it. So folders may be listed everywhere where a daemon walks
 * down to the roots from "/"; direct: in the roots alone, which rsync gets as
 * arguments then and begins with. 0, or -1: as rules_check(), ERR_MEM.
 */
int rules_grants(const struct rules *r, bool direct, struct buf *out,
	struct err *e);

#endif
