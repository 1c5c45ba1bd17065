/* SPDX-License-Identifier: ISC */
/* prompttext: what a person reads of a prompt. Pure; client and console_auth
 * say it alike. */
#ifndef BOOT_PROMPTTEXT_H
#define BOOT_PROMPTTEXT_H

#include "base/buf.h"
#include "bootline.h"

/* prompttext_add(): "ID (KIND, N wrong) DEVICE: NAME", escaped, appended as
 * far as out takes it. */
void prompttext_add(const struct bootline_prompt *p, struct buf *out);

#endif
