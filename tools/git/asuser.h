/* SPDX-License-Identifier: ISC */
/*
 * asuser: what root does in another user's folders is done by that user, in a
 * process of its own: a link that lies there leads no further than its rights.
 */
#ifndef GIT_ASUSER_H
#define GIT_ASUSER_H

#include <pwd.h>
#include <stddef.h>

#include "base/err.h"

#define ASUSER_MAX	2048	/* bytes of a result */

/* 0, or -1 with *e. ret: NULL, or what the caller's own ret gets. */
typedef int asuser_fn(void *arg, void *ret, struct err *e);

/*
 * asuser_run(): fn(arg) as the user pw, with HOME, USER and LOGNAME and its
 * groups. ret: NULL, or len bytes (at most ASUSER_MAX, without pointers) that
 * fn fills, also when it fails. Its 0, or -1 with its *e; ERR_SYS also when it
 * was killed.
 */
int asuser_run(const struct passwd *pw, asuser_fn *fn, void *arg, void *ret,
	size_t len, struct err *e);

#endif
