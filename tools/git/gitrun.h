/* SPDX-License-Identifier: ISC */
/*
 * gitrun: the gateway's folder run-dir, with the sockets, slots and sessions:
 * git's own, nobody else may write there, empty after a boot. Whoever makes
 * it is systemd (RuntimeDirectory=) or tmpfiles.d; its folders are made here.
 */
#ifndef GIT_GITRUN_H
#define GIT_GITRUN_H

#include "base/err.h"

/* gitrun_open(): the folder sub of dir, made if need be; *ret_fd owned.
 * 0, or -1: ERR_SYS (dir is missing, say), ERR_UNSAFE (dir is not ours alone;
 * one of the two is no folder). */
int gitrun_open(const char *dir, const char *sub, int *ret_fd,
	struct err *e);

#endif
