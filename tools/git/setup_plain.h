/* SPDX-License-Identifier: ISC */
/*
 * setup_plain: what a set-up and the forced commands have to know alike; of its
 * own, so that a forced command has nothing else of a set-up in it.
 */
#ifndef GIT_SETUP_PLAIN_H
#define GIT_SETUP_PLAIN_H

#include <stdbool.h>

#include "gitconf.h"

/* setup_plain(): whether another program than gitolite may serve on this
 * server: git.conf has a keydir of its own, and home no .gitolite.rc. */
bool setup_plain(const struct gitconf_server *c, const char *home);

#endif
