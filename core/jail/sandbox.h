/* SPDX-License-Identifier: ISC */
/*
 * sandbox: what a process gives up before it runs a program that a peer
 * feeds. Two parts of the kernel do the work, and neither asks for a right:
 *
 *   Landlock   of the file system only what was allowed below can be opened,
 *              listed, executed, made or removed, whatever the uid and the
 *              capabilities are. A right given to a folder holds for all
 *              below it and can't be taken back further down: an excluded
 *              folder is left out by allowing its siblings one by one.
 *   seccomp    system calls that a copying program never makes are refused
 *              with EPERM: sockets, ptrace and other processes' memory,
 *              mounts, namespaces, file handles (open_by_handle_at),
 *              truncate by a path, keys,
 *              bpf, io_uring, userfaultfd, memfd, System V IPC, execveat,
 *              leaving the process group. Calls that only an attack would
 *              make (modules, kexec, reboot), and every call through another
 *              ABI than the program's own (i386, x32, arm), kill.
 *
 * What this does not do: Landlock leaves stat, readlink, chdir, access and
 * getxattr alone: a path's existence, size and owner stay visible. It leaves
 * chmod, chown, utime and setxattr alone, too: seccomp refuses them unless
 * SANDBOX_META is given; a process that has it and knows a path outside can
 * alter the metadata (not the content) of what its uid owns there. Time and
 * memory are not limited. Pipes and connected sockets that the process holds
 * stay usable: the caller closes what must not be held.
 *
 * It can't be undone, holds over exec and fork, and sets no_new_privs, so
 * file capabilities and set-user-ID of what is executed later are void;
 * ambient capabilities stay (cap.h).
 *
 *	sandbox_new() → sandbox_allow() … → sandbox_enter() → execve()
 *
 * Not for a process with threads. Works on amd64 and arm64.
 * Source: landlock(7), seccomp(2), seccomp_export_bpf(3),
 * linux/Documentation/userspace-api/landlock.rst.
 */
#ifndef POSTERN_SANDBOX_H
#define POSTERN_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct sandbox;

/* What is allowed at a path, and below it when it is a folder. */
enum sandbox_right {
	SANDBOX_READ = 1,	/* open files for reading */
	SANDBOX_LIST = 2,	/* list folders */
	SANDBOX_EXEC = 4,	/* execute files (the loader needs it, too) */
	SANDBOX_WRITE = 8,	/* files: write and truncate; folders: make,
				 * remove, rename and link what is below, no
				 * devices */
	SANDBOX_DEVICES = 16,	/* make device nodes */
	SANDBOX_ADD = 128,	/* files: write; folders: make files in them.
				 * Nothing is removed, renamed or truncated */
	/* Three about the path itself: */
	SANDBOX_OPTIONAL = 32,	/* may be missing */
	SANDBOX_STRICT = 64,	/* no part of it may be a symbolic link: it
				 * is passed over then, as rsync does */
	SANDBOX_BEYOND = 256,	/* may lie where we may not look */
};

/* What seccomp leaves to the process. */
enum sandbox_calls {
	SANDBOX_PAIRS = 1,	/* socketpair(2) of unix streams, which can
				 * reach nobody else */
	SANDBOX_META = 2,	/* modes, owners, times, extended attributes */
	SANDBOX_GROUPS = 4,	/* setgroups(2) says that it worked and does
				 * nothing: a root without CAP_SETGID */
	SANDBOX_UNIX = 8,	/* unix sockets, to connect: syslog's */
	SANDBOX_NET = 16,	/* the same, and those of IPv4 and IPv6, to
				 * listen and accept, too; at a port of TCP
				 * that the kernel chooses, not at one of its
				 * own choice (Linux 6.7) */
	SANDBOX_SIGNALS = 32,	/* to processes outside; pidfds */
	SANDBOX_START = 64,	/* programs of its own: memfd_create, setsid,
				 * setpgid */
};

/* The sums that there are filters for: libseccomp makes them when this is
 * built, since it takes a millisecond for one. Add a row for another. */
#define SANDBOX_SESSION	(SANDBOX_META | SANDBOX_PAIRS | SANDBOX_NET | \
    SANDBOX_START)
#define SANDBOX_UPDATE	(SANDBOX_META | SANDBOX_PAIRS | SANDBOX_UNIX | \
    SANDBOX_SIGNALS | SANDBOX_START)
#define SANDBOX_WAIT	(SANDBOX_UNIX | SANDBOX_SIGNALS)
#define SANDBOX_SUMS { 0, SANDBOX_PAIRS, SANDBOX_GROUPS, \
    SANDBOX_PAIRS | SANDBOX_META, SANDBOX_SESSION, SANDBOX_UPDATE, \
    SANDBOX_WAIT, SANDBOX_UNIX }

/*
 * sandbox_abi(): the version of Landlock that this kernel speaks; 0: none.
 * 1 (Linux 5.13) knows no linking or renaming between folders, 2 (5.19) not
 * truncate(2), 3 (6.2) no network, 4 (6.7) no ioctls of devices, 5 (6.10)
 * neither abstract sockets nor signals.
 */
int sandbox_abi(void);

/* sandbox_new(): all is forbidden that this kernel can forbid, but for what
 * calls, the same as later, say of the network and of signals; from
 * sandbox_enter() on. Returns owned, or NULL: ERR_REFUSED (this kernel has no
 * Landlock; the message says how to get it), ERR_SYS, ERR_MEM. */
struct sandbox *sandbox_new(unsigned calls, struct err *e);
void sandbox_free(struct sandbox *s);		/* NULL is legal */

/*
 * sandbox_allow(): allow is a sum of enum sandbox_right; path is opened now
 * (O_PATH), and what it names then is what counts. On what is no folder,
 * rights about folders are passed over. 1 when there is nothing to allow
 * (missing and SANDBOX_OPTIONAL, a link and SANDBOX_STRICT, out of our reach
 * and SANDBOX_BEYOND), 0, or -1 ERR_SYS.
 */
int sandbox_allow(struct sandbox *s, const char *path, unsigned allow,
	struct err *e);

/* sandbox_enter(): calls is one of SANDBOX_SUMS; s may be NULL where there is
 * no Landlock: what is left are no_new_privs and the filter. 0, or -1: ERR_SYS,
 * ERR_REFUSED (an architecture that this was not written for, a sum without
 * filter); the process should end then: it may be half confined. */
int sandbox_enter(struct sandbox *s, unsigned calls, struct err *e);

/* sandbox_try(): the same, but what this kernel or architecture has no filter
 * for is left out: *ret_filter. 0, or -1: ERR_SYS, ERR_REFUSED (no such
 * sum). */
int sandbox_try(struct sandbox *s, unsigned calls, bool *ret_filter,
	struct err *e);

/*
 * sandbox_describe(): for a person, one line into out (cap bytes, always
 * terminated; 512 are enough): what this kernel enforces, and what it lacks.
 */
void sandbox_describe(int abi, char *out, size_t cap);

/* sandbox_filters(): whether kernel and architecture have filters of system
 * calls. */
bool sandbox_filters(void);

/* For sandbox.c: the seccomp part (sandbox_filter.c). */
int sandbox_filter(unsigned calls, struct err *e);

#endif
