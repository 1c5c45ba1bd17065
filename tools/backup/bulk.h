/* SPDX-License-Identifier: ISC */
/* bulk: an ssh that is to carry gigabytes. */
#ifndef BACKUP_BULK_H
#define BACKUP_BULK_H

#include "base/err.h"
#include "base/strv.h"
#include "ssh/sshargv.h"

/*
 * bulk_options(): appends to out what makes ssh faster for dest and that its
 * configuration, and o's options, left to OpenSSH: see ssh/sshcipher.h. Asks
 * ssh -G, twice; what that can't say changes nothing. 0, or -1 ERR_MEM.
 */
int bulk_options(const struct sshargv_opts *o, const char *dest,
	struct strv *out, struct err *e);

#endif
