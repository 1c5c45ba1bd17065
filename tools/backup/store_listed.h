/* SPDX-License-Identifier: ISC */
/*
 * store_listed: the part of a snapshot's building (store_build.h) for a client
 * that can tell what has changed since the one before.
 */
#ifndef BACKUP_STORE_LISTED_H
#define BACKUP_STORE_LISTED_H

#include <stdatomic.h>

#include "changes.h"
#include "store_build.h"

/* store_listed_can(): whether b, which is new, has (btrfs) or can be given
 * (hardlink) all that its basis has: they lie on one file system, and a copy
 * was made of a subvolume. */
bool store_listed_can(const struct store_client *c,
	const struct store_build *b);

/* store_listed_not(): it is to be filled by a walk after all. 0, or -1 as
 * store_build_begin(). */
int store_listed_not(const struct store_client *c, struct store_build *b,
	struct err *e);

/* store_listed_before(), store_listed_after(): before and after rsync has had
 * its turn: store_ready.h, store_fill.h. 0, or -1. */
int store_listed_before(const struct store_client *c,
	const struct store_build *b, const struct changes *changes,
	struct err *e);
int store_listed_after(const struct store_client *c,
	const struct store_build *b, const struct changes *changes,
	int64_t top_ns, const atomic_bool *stop, struct err *e);

#endif
