/* SPDX-License-Identifier: ISC */
/* builder: what makes this machine's initramfs, and where that lies. */
#ifndef BOOT_BUILDER_H
#define BOOT_BUILDER_H

#include <stdbool.h>

#include "base/err.h"
#include "base/strv.h"

#define BUILDER_LATE	"/etc/initramfs-tools/hooks/dropbear"

struct builder {
	bool dracut;			/* else initramfs-tools */
	bool dropbear_initramfs;	/* installed, too */
	bool dropbear_late;		/* as BUILDER_LATE, after our hook */
	const char *name, *command;	/* static: "dracut", "dracut -f" */
	char *const *argv;		/* of the command; static */
};

/* builder_find(): initramfs-tools where its update-initramfs is, else dracut:
 * Debian's dracut-core alone lies beside it and builds nothing by itself.
 * 0, or -1 ERR_CONFIG: neither is there, or our module isn't. */
int builder_find(struct builder *ret, struct err *e);

/* builder_images(): the images of all kernels that have one, to out, the
 * running one's first. 0, or -1: ERR_CONFIG (none where they are looked for),
 * ERR_MEM. */
int builder_images(struct strv *out, struct err *e);

/* builder_warn_older(): of an older module's keys in dracut.conf, which ours
 * still takes. */
void builder_warn_older(const struct builder *b);

#endif
