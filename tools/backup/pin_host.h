/* SPDX-License-Identifier: ISC */
/*
 * pin_host: the first contact with a store. ssh itself is asked for the host
 * key, with the user's own configuration, so that aliases, ports and jump
 * hosts mean what they mean later; it logs in nowhere. The key is shown, and
 * pinned in a file of ours only after a person said yes or named it.
 */
#ifndef BACKUP_PIN_HOST_H
#define BACKUP_PIN_HOST_H

#include <stdbool.h>

#include "base/err.h"
#include "ssh/sshargv.h"

struct pin_host {
	const char *dest;
	const struct sshargv_opts *ssh;
	const char *known_hosts;	/* the file of ours */
	const char *fingerprint;	/* "SHA256:…", or NULL: ask */
	bool dry_run;
};

/*
 * pin_host(): 0 when the key is pinned (or, in a dry run, was shown); or -1:
 * ERR_PEER no key came; ERR_UNSAFE another key of this host is pinned
 * already; ERR_REFUSED the person said no, or it is not the one named;
 * ERR_SYS no terminal to ask at.
 */
int pin_host(const struct pin_host *p, struct err *e);

#endif
