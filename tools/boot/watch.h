/* SPDX-License-Identifier: ISC */
/*
 * watch: units of systemd's by which the image is built anew when a file
 * changes that decides who may log in there: a path, a service that runs
 * `setup --if-changed`, and a timer, which comes with the path: systemd does
 * not watch while the service runs, nor before the path's start, and doesn't
 * make up for it. What would let nobody in is refused, and the image stays.
 * Source: systemd.path(5), systemd.timer(5).
 */
#ifndef BOOT_WATCH_H
#define BOOT_WATCH_H

#include "base/buf.h"
#include "base/err.h"
#include "serverconf.h"

#define WATCH_UNITS	"/etc/systemd/system/postern-boot-image"

/* watch_path(), watch_service(), watch_timer(): the units' texts, appended;
 * program: of `postern boot`. Pure. 0, or -1 ERR_MEM. */
int watch_path(const struct serverconf *c, struct buf *out, struct err *e);
int watch_service(const char *program, struct buf *out, struct err *e);
int watch_timer(struct buf *out, struct err *e);

/* watch_active(): whether the path runs. */
bool watch_active(void);

/* watch_put(): all in place, and the path begun, also at boot. *ret_changed:
 * whether they were not so already; dry: that alone. 0, or -1: ERR_CONFIG
 * (systemd doesn't run here), ERR_PEER (systemctl), those of file_write(). */
int watch_put(const struct serverconf *c, bool dry, bool *ret_changed,
	struct err *e);

#endif
