/* SPDX-License-Identifier: ISC */
/*
 * lukshdr: the UUID of a LUKS disk, where it stands, and whether it has tokens.
 * Pure. Versions 1 and 2 have magic, version and UUID in the same place.
 * Source: "LUKS1 On-Disk Format" 2.1, "LUKS2 On-Disk Format" 2.2;
 * libcryptsetup's dm_prepare_uuid() for the names that device mapper has.
 */
#ifndef BOOT_LUKSHDR_H
#define BOOT_LUKSHDR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define LUKSHDR_BYTES	208	/* of a disk, that are looked at */
#define LUKSHDR_UUID	40	/* with the NUL */
#define LUKSHDR_ALL	16384	/* a LUKS2 header as it is made by default */

/* lukshdr_parse(): the UUID in the first bytes of a disk. 0, or -1 ERR_PEER:
 * no LUKS header, or no UUID in it. */
int lukshdr_parse(const unsigned char *p, size_t len, char ret[LUKSHDR_UUID],
	struct err *e);

/* lukshdr_tokens(): whether a disk whose first bytes are p, of which
 * lukshdr_parse() took the UUID, may be opened without a passphrase; true
 * where len doesn't reach to the end of the header. */
bool lukshdr_tokens(const unsigned char *p, size_t len);

/* lukshdr_uuid(): whether s is one: hexadecimal digits and '-', with at least
 * 8 digits. */
bool lukshdr_uuid(const char *s);

/* lukshdr_is_open(): whether dm, /sys/block/dm-N/dm/uuid, is the open disk of
 * that UUID: CRYPT-LUKS2-DIGITS-NAME. */
bool lukshdr_is_open(const char *dm, const char *uuid);

#endif
