/* SPDX-License-Identifier: ISC */
/*
 * adminnote: gitolite is asked who administers it (gitadmins.h) in a process
 * beside a push of keys: neither may put the other off, a gitolite that hangs
 * no revocation, and a gateway that does not who is denied to it. That it fails
 * is told, and is no failure of the push.
 *
 *	adminnote_start() -> the push -> adminnote_wait()
 */
#ifndef GIT_ADMINNOTE_H
#define GIT_ADMINNOTE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "gitconf.h"

/* adminnote_start(): always: also when gitolite has not compiled since it was
 * asked. It ends within ms (at most GITADMINS_MS) and some seconds. The child,
 * or -1: nobody is to be asked (deny-admins = no, another program than
 * gitolite), or no process could be made, which is told. */
pid_t adminnote_start(const struct gitconf_server *c, uint64_t ms,
	bool always);
void adminnote_wait(pid_t pid);		/* -1 is legal */

#endif
