/* SPDX-License-Identifier: ISC */
/*
 * bootprog: one program, run to its end, on the machine or in the root of an
 * image, for setup and check. Blocks.
 */
#ifndef BOOT_BOOTPROG_H
#define BOOT_BOOTPROG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct bootprog {
	char *const *argv;	/* borrowed; argv[0] searched in PATH */
	const char *root;	/* chroot(2) there first; NULL: stay */
	const char *dir;	/* begin there; NULL: here, or the root */
	bool loud;		/* both outputs are ours */
	uint64_t timeout_ms;	/* SIGTERM, then SIGKILL */
};

/* bootprog_run(): what it printed, both outputs as one, a line each, to out
 * (NULL: dropped); what passes out's cap is dropped. *ret_status: of
 * waitpid(2). A SIGINT, SIGTERM or SIGHUP that the caller has blocked ends it,
 * and is pending for him. 0, or -1: ERR_SYS (it can't be run), ERR_MEM,
 * ERR_TIMEOUT, ERR_REFUSED (such a signal). */
int bootprog_run(const struct bootprog *p, struct buf *out, int *ret_status,
	struct err *e);

/* bootprog_ok(): bootprog_run(), and whether it ended with 0. -1 with the last
 * line that it printed as the reason: ERR_PEER, and those of above. */
int bootprog_ok(const struct bootprog *p, struct err *e);

/* bootprog_have(): whether name is a program in PATH or in sbin; its path to
 * out (initialised, empty), or nowhere (NULL). */
bool bootprog_have(const char *name, struct buf *out);

#endif
