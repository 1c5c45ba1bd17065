/* SPDX-License-Identifier: ISC */
/*
 * procfile: what /proc/PID says of a process that may wait for a passphrase.
 * Pure. All texts are borrowed; each has a NUL behind its len bytes, as those
 * in a struct buf do. Source: proc_pid_environ(5), proc_pid_cmdline(5),
 * proc_pid_stat(5), proc_pid_status(5).
 */
#ifndef BOOT_PROCFILE_H
#define BOOT_PROCFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/strv.h"

#define PROCFILE_WORDS 64	/* of a command line that is looked at */

struct procstat {
	pid_t pid, ppid;
	char comm[65];		/* may have any bytes, ')' and ' ' too */
	char state;		/* 'S', 'Z', … */
	uint64_t start;		/* clock ticks after boot: with pid, one process
				 * and no later one */
};

/* procfile_env(): the value of name, borrowed from env; NULL: there is none.
 * A last entry without its NUL was cut, and doesn't count. */
const char *procfile_env(const char *env, size_t len, const char *name);

/* procfile_argv(): append the words of a command line. 0, or -1: ERR_PEER (no
 * word, more than PROCFILE_WORDS, the last one cut), ERR_MEM; then out may have
 * some. */
int procfile_argv(const char *text, size_t len, struct strv *out,
	struct err *e);

/* procfile_is_root(): whether a /proc/PID/status says that each of the four
 * uids is 0. Its Name has no newline (the kernel writes \\n). */
bool procfile_is_root(const char *text, size_t len);

/* procfile_stat(): 0, or -1 ERR_PEER. */
int procfile_stat(const char *text, size_t len, struct procstat *ret,
	struct err *e);

#endif
