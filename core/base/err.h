/* SPDX-License-Identifier: ISC */
/*
 * err: the one error idiom. A function that can fail takes a struct err *
 * last and returns 0, or -1 with *e filled. The message is complete for a
 * person: what failed, where (file:line, host, path) and why; callers may
 * put a place in front of it with err_wrap(), never a second sentence.
 *
 * Invariants: no allocation, no printing; an over-long message is cut and
 * ends in "...". errno is not touched by any function here.
 */
#ifndef POSTERN_ERR_H
#define POSTERN_ERR_H

#include <stdarg.h>

enum err_code {
	ERR_NONE = 0,
	ERR_USAGE,	/* the command line is wrong: exit 64 */
	ERR_CONFIG,	/* a configuration file is wrong: exit 1 */
	ERR_SYS,	/* a system call failed; .sys_errno says how */
	ERR_UNSAFE,	/* a path, owner or mode fails a safety check */
	ERR_TIMEOUT,	/* a deadline passed: exit 75 */
	ERR_BUSY,	/* locked by someone else, try again: exit 75 */
	ERR_PEER,	/* the other side broke the protocol or failed */
	ERR_REFUSED,	/* policy said no */
	ERR_MEM,	/* out of memory, or a buffer's cap was reached */
};

#define ERR_MSG_MAX 512		/* bytes, with the NUL */

struct err {
	enum err_code code;
	int sys_errno;		/* errno for ERR_SYS, else 0 */
	char msg[ERR_MSG_MAX];
};

#define ERR_INIT { .code = ERR_NONE }

/*
 * err_set(): fill *e (borrowed; NULL is allowed and ignored) and return -1.
 */
int err_set(struct err *e, enum err_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * err_sys(): err_set() with ERR_SYS and ": " strerror(errno) added.
 * Reads errno on entry and leaves it as it was. Returns -1.
 */
int err_sys(struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * err_wrap(): put a place ("host1", "/etc/x:3") and ": " in front of the
 * message of *e; code and sys_errno stay. Returns -1.
 */
int err_wrap(struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * err_exit(): the exit status for a code: 0, 1, 64 (ERR_USAGE) or
 * 75 (ERR_TIMEOUT, ERR_BUSY; sysexits.h EX_TEMPFAIL).
 */
int err_exit(enum err_code code);

#endif
