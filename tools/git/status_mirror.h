/* SPDX-License-Identifier: ISC */
/*
 * status_mirror: the mirrors in the gateway's half of `postern git status`,
 * each of which is asked as the check asks it, one after the other.
 */
#ifndef GIT_STATUS_MIRROR_H
#define GIT_STATUS_MIRROR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "gitconf.h"
#include "ui/emit.h"

struct status_mirror {
	const char *dest;	/* borrowed from the settings */
	bool ok;
	struct err why;		/* that it is not */
};

/* status_mirror_ask(): all of c's, as the user that we are; timeout_ms for
 * each. *ret is the caller's, to be freed; NULL without one. 0, or -1
 * ERR_MEM. */
int status_mirror_ask(const struct gitconf_gateway *c, uint64_t timeout_ms,
	struct status_mirror **ret, size_t *ret_n, struct err *e);

/* status_mirror_all(): whether each would serve. */
bool status_mirror_all(const struct status_mirror *m, size_t n);

/* status_mirror_json(): a member of j; status_mirror_text(): lines on stdout,
 * 0, or -1. exec: as git.conf has it, with which no session asks a mirror. */
void status_mirror_json(const struct status_mirror *m, size_t n, bool exec,
	struct emit *j);
int status_mirror_text(const struct status_mirror *m, size_t n, bool exec);

#endif
