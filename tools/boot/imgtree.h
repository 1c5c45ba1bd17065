/* SPDX-License-Identifier: ISC */
/*
 * imgtree: an initramfs, unpacked into a folder of our own by the programs of
 * those who build them (unmkinitramfs, lsinitrd), and read as the machine
 * would that boots it: links lead nowhere out of it. A signal that would end
 * us (SIGINT, SIGTERM, SIGHUP) waits while it is open, until the folder is
 * gone; the program that runs then is ended by it.
 * Source: openat2(2) RESOLVE_IN_ROOT.
 */
#ifndef BOOT_IMGTREE_H
#define BOOT_IMGTREE_H

#include <signal.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/err.h"

struct imgtree {
	char dir[64];		/* what is to be removed; "": nothing */
	char root[96];		/* where the image's / is */
	int fd;			/* of root */
	bool mounted;		/* dir, over itself */
	bool held;		/* ends, until dir is gone */
	sigset_t ends;		/* signals that would end us */
	sigset_t mask;		/* what it was before */
};

/* imgtree_open(): image unpacked. imgtree_close() in every case. 0, or -1:
 * ERR_SYS, ERR_UNSAFE (others than root can write it), ERR_CONFIG (nothing here
 * unpacks it), ERR_PEER (it doesn't). */
int imgtree_open(struct imgtree *t, const char *image, struct err *e);
void imgtree_close(struct imgtree *t);

/* imgtree_interrupted(): whether such a signal waits: what is found from then
 * on is no finding. */
bool imgtree_interrupted(const struct imgtree *t);

/* imgtree_stat(): 0, or -1 with errno. Follows links. */
int imgtree_stat(const struct imgtree *t, const char *path, struct stat *ret);
bool imgtree_has(const struct imgtree *t, const char *path);

/* imgtree_read(): the file at path, to out; false: it isn't there, or is no
 * text that fits. */
bool imgtree_read(const struct imgtree *t, const char *path,
	struct buf *out);

/* imgtree_find(): whether below dir is a file whose name begins with start and
 * goes on with after ("virtio_net", ".ko": also virtio_net.ko.xz); '-' and '_'
 * are one. start "": any name with after in it. */
bool imgtree_find(const struct imgtree *t, const char *dir, const char *start,
	const char *after);

#endif
