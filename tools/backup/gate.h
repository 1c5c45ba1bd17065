/* SPDX-License-Identifier: ISC */
/*
 * gate: what a one-shot sshd lets through: one rsync that sends configured
 * roots and does nothing else. Pure: the bytes of SSH_ORIGINAL_COMMAND in, an
 * argv or a reason out.
 *
 *	bytes    1 to 4096, none of 00-1f 7f; words with one space between; "\c"
 *	         stands for c; an unescaped "'`$;&|<>()*?[]{}!#~ refuses
 *	cmd      "rsync" "--server" "--sender" CLUSTER LONG* "." PATH+
 *	CLUSTER  -v{0,2}n?lW?H{0,2}ogDtU{0,2}pA?X{0,2}rc?I?R?x{0,2}S?z?
 *	         e\.[iLsfxCIvu]{0,12}
 *	LONG     --numeric-ids (required) --inplace --list-only --specials
 *	         --no-specials --open-noatime --new-compress --old-compress
 *	         --compress-level=-?\d{1,6} --checksum-seed=\d{1,10}
 *	         --compress-choice=(zstd|lz4|zlibx|zlib|none)
 *	         --checksum-choice=C or C,C with C (xxh128|xxh3|xxh64|md5)
 *	         --timeout=[1-9]\d{0,4} --bwlimit=[1-9]\d{0,8}
 *	         each at most once
 *	PATH     byte-equal to a root, each at most once; more than one only
 *	         with R
 *
 * What runs is GATE_RSYNC with the argv that gate_parse() made, an empty
 * environment and no shell: never the peer's string.
 */
#ifndef POSTERN_GATE_H
#define POSTERN_GATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"

#define GATE_RSYNC	"/usr/bin/rsync"
#define GATE_MAX	4096	/* bytes of a command */

/*
 * gate_parse(): cmd of len bytes, borrowed.
 * roots      borrowed; what may be asked for, byte by byte.
 * ret_argv   an argv for execve(), owned by the caller; untouched on failure.
 * Returns 0, or -1: ERR_REFUSED (why, for a person; escaped), ERR_MEM.
 */
int gate_parse(const char *cmd, size_t len, const struct strv *roots,
	struct strv *ret_argv, struct err *e);

/* gate_check(): the words alone, as they would be an argv. listed: with d
 * behind l in the CLUSTER, and no r: of what is sent there is a list. 0, or -1
 * ERR_REFUSED, as gate_parse(). */
int gate_check(const struct strv *argv, const struct strv *roots,
	bool listed, struct err *e);

/*
 * gate_emit(): argv as one command, appended: what gate_parse() takes and
 * makes the same argv of. Returns 0, or -1: out's cap is reached.
 */
int gate_emit(const struct strv *argv, struct buf *out);

/*
 * gate_split(): the bytes alone: cmd's words, unescaped, into ret (empty;
 * owned by the caller, also on failure). 0, or -1: as gate_parse().
 */
int gate_split(const char *cmd, size_t len, struct strv *ret, struct err *e);

#endif
