/* SPDX-License-Identifier: ISC */
/*
 * rdluks: what the kernel's command line says of a LUKS disk, as dracut reads
 * it. Pure. Source: dracut.cmdline(7), crypto LUKS.
 */
#ifndef BOOT_RDLUKS_H
#define BOOT_RDLUKS_H

#include <stdbool.h>

#include "lukshdr.h"

/* rdluks_uuid(): of which disk an open one called name will be: luks-UUID, or
 * what rd.luks.name=UUID=NAME says. 0, or -1: not known. */
int rdluks_uuid(const char *cmdline, const char *name,
	char ret[LUKSHDR_UUID]);

/* rdluks_crypttab(): the same, of what crypttab calls so, by its UUID: dracut
 * has the names of that. 0, or -1: not known.
 * Source: crypttab(5), dracut's cryptroot-ask.sh. */
int rdluks_crypttab(const char *crypttab, const char *name,
	char ret[LUKSHDR_UUID]);

/* rdluks_discards(): rd.luks.allow-discards, of all disks or of that one. */
bool rdluks_discards(const char *cmdline, const char *uuid);

#endif
