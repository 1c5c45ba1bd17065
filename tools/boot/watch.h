/* SPDX-License-Identifier: ISC */
/*
 * watch: two units of systemd's by which the image is built anew when a file
 * changes that decides who may log in there: a path, and a service that runs
 * `setup --build`. That refuses what would let nobody in, and so the image
 * stays as it was then.
 * Source: systemd.path(5).
 */
#ifndef BOOT_WATCH_H
#define BOOT_WATCH_H

#include "base/buf.h"
#include "base/err.h"
#include "serverconf.h"

#define WATCH_UNITS	"/etc/systemd/system/postern-boot-image"

/* watch_path(), watch_service(): the units' texts, appended; program: of
 * `postern boot`. Pure. 0, or -1 ERR_MEM. */
int watch_path(const struct serverconf *c, struct buf *out, struct err *e);
int watch_service(const char *program, struct buf *out, struct err *e);

/* watch_put(): both in place, and the path begun, also at boot. *ret_changed:
 * whether they were not so already; dry: that alone. 0, or -1: ERR_CONFIG
 * (systemd doesn't run here), ERR_PEER (systemctl), those of file_write(). */
int watch_put(const struct serverconf *c, bool dry, bool *ret_changed,
	struct err *e);

#endif
