/* SPDX-License-Identifier: ISC */
/*
 * send_mask: the names in an excluded folder. Landlock's right to list a
 * folder holds for all below it, so who may list what lies beside the exclude
 * may list the exclude, too. Where we may make a mount namespace of our own,
 * an empty folder that nobody can write to is mounted upon it there, and no
 * name in it can be reached. That takes root, and not only the capability to
 * read: with that alone the names stay listable, contents never are.
 *
 * /dev, /proc, /run and /sys, which a backup of "/" leaves out, stay as they
 * are: they come along themselves, with their own metadata. So do folders that
 * hold what the sender itself needs, rsync and its libraries.
 *
 * Source: mount_namespaces(7); fsopen, fsmount, open_tree, move_mount
 * (Linux 5.2).
 */
#ifndef BACKUP_SEND_MASK_H
#define BACKUP_SEND_MASK_H

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"

/*
 * send_mask(): for the grants in text, before any capability is given up.
 * What is no folder, or not there, is passed over, and so is what a root lies
 * in, or one of keep's paths (absolute, without symlinks). 0, also when this system makes no such namespace for us: nothing has
 * changed then; or -1: as grants_parse(), ERR_SYS, ERR_MEM, and the process
 * should end.
 */
int send_mask(const struct buf *text, const struct strv *keep, struct err *e);

#endif
