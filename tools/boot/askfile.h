/* SPDX-License-Identifier: ISC */
/*
 * askfile: a question of systemd's, /run/systemd/ask-password/ask.XXXXXX. Pure.
 * Who waits reads its answer from a datagram socket; the file vanishes with the
 * answer. What is not named here (Icon, Echo, Silent) doesn't matter to us, and
 * of a key that stands twice the last one counts, as with systemd itself.
 * Source: systemd's "Password Agents" specification, ask-password-api.c; its
 * cryptsetup.c and escape.c for an Id's escapes.
 */
#ifndef BOOT_ASKFILE_H
#define BOOT_ASKFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

#define ASKFILE_MAX	8192	/* bytes of such a file */
#define ASKFILE_TEXT	256	/* bytes of a value, with the NUL */
#define ASKFILE_SOCKET	108	/* sizeof(sun_path) */

struct askfile {
	pid_t pid;			/* who waits */
	char socket[ASKFILE_SOCKET];	/* absolute */
	char id[ASKFILE_TEXT];		/* "cryptsetup:/dev/…", or ""; without
					 * its escapes */
	char message[ASKFILE_TEXT];	/* cut when longer; any bytes */
	uint64_t not_after_us;		/* CLOCK_MONOTONIC; 0: no end */
	bool accept_cached;		/* false: an answer was wrong before */
};

/* askfile_parse(): text (borrowed, len bytes) into *ret. 0, or -1 ERR_PEER:
 * no [Ask], no PID or Socket, a value that is none, or too long. */
int askfile_parse(const char *text, size_t len, struct askfile *ret,
	struct err *e);

/* askfile_device(): the path of the disk that it is about, borrowed from a;
 * NULL: it is about something else. */
const char *askfile_device(const struct askfile *a);

#endif
