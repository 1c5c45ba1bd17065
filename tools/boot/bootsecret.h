/* SPDX-License-Identifier: ISC */
/*
 * bootsecret: where the passphrase of a prompt comes from, and what comes of
 * it: one line, as the agent takes it (bootline.h).
 */
#ifndef BOOT_BOOTSECRET_H
#define BOOT_BOOTSECRET_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "secret/secret.h"

/* bootsecret_check(): whether it is a source. A UUID is what the host says, so
 * it never chooses a passphrase alone. Pure. 0, or -1 ERR_USAGE: none of
 * source.h's; {uuid} without {host}. */
int bootsecret_check(const char *spec, struct err *e);

/*
 * bootsecret_expand(): spec with {host} and {uuid} of a cmd: replaced, as one
 * shell word each; appended. Pure. 0, or -1: ERR_CONFIG (uuid is "" and is
 * wanted), ERR_MEM, and as bootsecret_check().
 */
int bootsecret_expand(const char *spec, const char *host, const char *uuid,
	struct buf *out, struct err *e);

/* bootsecret_varies(): whether each prompt has one of its own: what is typed,
 * and a cmd: with {host} or {uuid}. */
bool bootsecret_varies(const char *spec);
/* bootsecret_by_uuid(): whether it is a cmd: with {uuid}. */
bool bootsecret_by_uuid(const char *spec);

/* bootsecret_read(): the first line of what spec says, with a newline; prompt
 * for a terminal. Returns owned, or NULL as source_read(), and ERR_CONFIG: it
 * is empty; ERR_USAGE: it has a NUL, or is longer than an agent takes. */
struct secret *bootsecret_read(const char *spec, const char *prompt,
	unsigned timeout_ms, struct err *e);

#endif
