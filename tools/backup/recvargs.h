/* SPDX-License-Identifier: ISC */
/*
 * recvargs: which arguments postern-backup-recv hands to rsync. Only our own
 * code starts it; the table is there so that a reader sees, without reading
 * that code, that rsync can be made to receive from the relay into a folder
 * below the current one and nothing else: no other remote shell, no file of
 * arguments or rules, no log, no batch, no daemon. Pure.
 */
#ifndef POSTERN_BACKUP_RECVARGS_H
#define POSTERN_BACKUP_RECVARGS_H

#include "base/err.h"

/*
 * recvargs_check(): argv is NULL-ended and begins with the first argument
 * (not the program's name): options, then one source or more, each
 * "x::root" or "x::root/PATH" (x is the relay's host, which it ignores), or
 * "x:/PATH" of a sender that is no daemon, then
 * the folder to write to, relative and without "..". Values come as
 * --NAME=VALUE. 0, or -1 ERR_USAGE that names the argument.
 */
int recvargs_check(char *const *argv, struct err *e);

#endif
