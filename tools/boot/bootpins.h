/* SPDX-License-Identifier: ISC */
/*
 * bootpins: the host keys of initramfs' sshds, which have a known_hosts file of
 * their own: an image lies unencrypted on its disk, so its key must never pass
 * for the real system's, nor the other way round. Pure but for bootpins_path().
 * Source: sshd(8) (SSH_KNOWN_HOSTS FILE FORMAT), OpenSSH's sshconnect.c.
 */
#ifndef BOOT_BOOTPINS_H
#define BOOT_BOOTPINS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"

#define BOOTPINS_FP 52		/* "SHA256:" and 43, with the NUL */

/* bootpins_path(): $XDG_CONFIG_HOME (or ~/.config)/postern/boot.known_hosts
 * where that is, else /etc/postern's; appended. 0, or -1 ERR_MEM. */
int bootpins_path(struct buf *out, struct err *e);

/* bootpins_name(): what dest, host_check()ed, is called in that file: without
 * user, in small letters, [host]:port where it has a port other than 22;
 * appended. 0, or -1 ERR_MEM. */
int bootpins_name(const char *dest, struct buf *out, struct err *e);

/* bootpins_options(): append the ssh -o by which dest's key is looked up there
 * and nowhere else. 0, or -1: ERR_CONFIG (a path that ssh_config can't say),
 * ERR_MEM. */
int bootpins_options(const char *path, const char *dest, struct strv *out,
	struct err *e);

#define BOOTPINS_FILE 256

/* What ssh said of a key that is not the pinned one. */
struct bootpins_seen {
	char shown[BOOTPINS_FP];	/* the key that the host has; "" */
	char file[BOOTPINS_FILE];	/* where the other is; "" */
	unsigned line;			/* of that */
};

/* bootpins_see(): a line of ssh's standard error, also at LogLevel DEBUG1. */
void bootpins_see(struct bootpins_seen *s, const char *line);

/* bootpins_fp(): the fingerprint of the key in that line (from 1) of the file's
 * text. 0, or -1 ERR_CONFIG: no such line, or no key in it. */
int bootpins_fp(const char *text, unsigned line, char ret[BOOTPINS_FP],
	struct err *e);

/* bootpins_has(): whether a line of the file's text has the key with that
 * fingerprint. */
bool bootpins_has(const char *text, const char *fp);

#endif
