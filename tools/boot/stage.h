/* SPDX-License-Identifier: ISC */
/* stage: what setup and stage both have to know of an image to be. */
#ifndef BOOT_STAGE_H
#define BOOT_STAGE_H

#include "base/buf.h"
#include "base/strv.h"
#include "hostkey.h"
#include "server.h"
#include "serverconf.h"

/* Keys of an image's conf: paths that stage was given, in single quotes. */
#define STAGE_KEYS	"staged_keys="
#define STAGE_HOST_KEY	"staged_host_key="

/* stage_conf(): boot.conf's [server], then what o has. serverconf_clear() in
 * every case. 0, or -1: ERR_CONFIG, ERR_UNSAFE, ERR_SYS, ERR_MEM. */
int stage_conf(const struct server_opts *o, struct serverconf *ret,
	struct err *e);

/* stage_sshd(): which sshd of this machine goes in. 0, or -1 ERR_CONFIG. */
int stage_sshd(const struct serverconf *c, bool *ret_dropbear,
	struct err *e);

/* stage_keys(): the image's authorized_keys to out, and how many keys are for
 * the agent (one at least) and for a shell. 0, or -1: ERR_CONFIG, ERR_SYS,
 * ERR_MEM. */
int stage_keys(const struct serverconf *c, bool dropbear, struct buf *out,
	struct strv *notes, size_t *ret_n, size_t *ret_shell, struct err *e);

#endif
