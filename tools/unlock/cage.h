/* SPDX-License-Identifier: ISC */
/*
 * cage: the systemd drop-in that confines the always-on csync2 daemon
 * (csync2@.service) to the groups that it serves. csync2 confines no one: who
 * holds the key of one group writes anywhere through "..", and runs commands
 * by a row in the database. Inside the cage there is nothing else to write.
 *
 * The daemon in the cage does not see a privileged group's key: a
 * configuration that names one can't be caged, since csync2 reads the key of
 * every group of a configuration before it does anything.
 *
 * What is writable is given whole, and nothing is mounted deeper in it than
 * directly below: a folder on the way there could be exchanged for a symlink,
 * and the next connection's cage would follow it.
 *
 * Not held, as systemd 252 has no directive for it: root's code inside shares
 * uid 0 with the host's processes. It can have a signal sent to them (fcntl's
 * F_SETOWN, which no filter of system calls can tell from another fcntl), so
 * it can end them; it reaches the network, and what listens on 127.0.0.1; it
 * can fill the disk. And the cage is the daemon's: a csync2 that is run on
 * the host by hand or by cron reads the same database, and runs the commands
 * that somebody put into it, unless it runs in a unit with the same drop-in
 * (postern-unlock(1)).
 *
 * Pure: from configurations to text; what is bound is cage_bind.h's.
 * remote/cage.sh installs it after checking that what it binds is there,
 * remote/cage-test.sh tries it.
 * Source: systemd.exec(5), systemd.syntax(7); the set of directives is the
 * one that held against root code in the unit.
 */
#ifndef POSTERN_CAGE_H
#define POSTERN_CAGE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"
#include "cage_bind.h"

#define CAGE_PATH "/etc/systemd/system/csync2@.service.d/50-postern-cage.conf"

/*
 * cage_emit(): appends the drop-in to text.
 * needs  one string a path that has to be there: "rw PATH" a folder, "ro
 *        PATH" anything, "file PATH" no folder (the vars of remote/cage.sh).
 *        Without it the unit would not start, or csync2 would hang both ends.
 * notes  what works differently inside, for a person. NULL: not wanted.
 * 0, or -1: ERR_CONFIG "FILE:LINE: …" (a group that no cage can hold, a
 * privileged group among the ordinary ones, a database on a server, a path
 * that is not plainly absolute or has a control character), ERR_MEM.
 */
int cage_emit(const struct cage_input *in, struct buf *text,
	struct strv *needs, struct strv *notes, struct err *e);

/*
 * cage_word(): path as one word of a unit file's list of paths: quotes,
 * backslash escapes, %%. 0, or -1: ERR_CONFIG (not danger_plain(), a
 * control character), ERR_MEM.
 */
int cage_word(const char *path, struct buf *out, struct err *e);

#endif
