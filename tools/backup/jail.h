/* SPDX-License-Identifier: ISC */
/*
 * jail: what postern-backup-send and postern-backup-recv have in common.
 * Both are started for one rsync, confine themselves, and become it.
 */
#ifndef POSTERN_BACKUP_JAIL_H
#define POSTERN_BACKUP_JAIL_H

#include "base/err.h"
#include "jail/sandbox.h"

#define JAIL_RSYNC "/usr/bin/rsync"
#define JAIL_RELAY_FD 3

/*
 * jail_start(): closes all descriptors from keep up (3, or 4 to keep 3);
 * SIGKILL when the parent dies: the kernel forgets a parent's request
 * when it executes a program with a file capability, so it is made here, by
 * that program itself, and rsync, which has none, keeps it. (A parent that
 * died before this line has closed rsync's stdin: rsync ends by itself.) No
 * core dumps. 0, or -1 ERR_SYS.
 */
int jail_start(int keep, struct err *e);

/*
 * jail_programs(): rsync and the loader may be executed, and what they load
 * at their start be read: libraries (the whole folder of libraries, which
 * excludes below it can't take back), the loader's cache, the configuration
 * of OpenSSL. Neither /etc/passwd nor /etc/group: ids are numbers. 0, or -1
 * as sandbox_allow().
 */
int jail_programs(struct sandbox *s, struct err *e);

/* jail_paths(): the same paths, relay (may be NULL) among them, into out,
 * NULL-ended; all are absolute. */
#define JAIL_PATHS 16
void jail_paths(const char *relay, const char *out[JAIL_PATHS]);

/* jail_exec(): becomes rsync, with an environment of a few fixed variables.
 * argv as for execv(3). Returns -1 ERR_SYS, or not at all. */
int jail_exec(char *const *argv, struct err *e);

/* jail_fail(): one line on stderr, "PROGRAM: MESSAGE", escaped; returns the
 * exit status: 120 when rsync was not started, which no rsync exits with, 64
 * for ERR_USAGE. */
int jail_fail(const char *program, const struct err *e);
#define JAIL_FAILED 120

#endif
