/* SPDX-License-Identifier: ISC */
/*
 * build: the command that makes the images, one of us at a time: neither
 * update-initramfs nor dracut has a lock, and each writes to a fixed name. A
 * note of the files that decide who may log in there, as they were before the
 * last such build, says whether another one is needed.
 */
#ifndef BOOT_BUILD_H
#define BOOT_BUILD_H

#include <stdbool.h>

#include "base/err.h"
#include "builder.h"
#include "serverconf.h"

/* Until the kernel lets go of them: when the process ends. */
struct build_locks {
	int own, dpkg;		/* -1: not held */
};

/*
 * build_lock(): waits for others of us; for dpkg as well, whose scripts build
 * images, if that is set. wait is called before the first wait, with what is
 * waited for. build_unlock() in every case.
 * 0, or -1: ERR_BUSY (an hour long), ERR_SYS, ERR_UNSAFE.
 */
int build_lock(struct build_locks *l, bool dpkg,
	void (*wait)(void *arg, const char *what), void *arg, struct err *e);
void build_unlock(struct build_locks *l);

/* build_current(): whether those files are as the last build found them.
 * false, too, where nothing is known. */
bool build_current(const struct serverconf *c);

/*
 * build_run(): runs b's command with the lock held, and writes the note. to_end
 * holds off SIGTERM meanwhile: dracut writes over the image that boots.
 * 0, or -1: ERR_PEER, ERR_TIMEOUT, those of file_write(), ERR_MEM.
 */
int build_run(const struct builder *b, const struct serverconf *c,
	bool to_end, struct err *e);

#endif
