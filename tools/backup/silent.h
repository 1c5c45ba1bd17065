/* SPDX-License-Identifier: ISC */
/*
 * silent: the command of backup.conf's on-silent, once a day (UTC) for each
 * client that has been silent for too long. STORE/.postern/NAME/silent has the
 * day of the last time. The command is a hook (hook.h) with
 *
 *	POSTERN_HOOK	on-silent
 *	POSTERN_CLIENT	its name
 *	POSTERN_DAYS	since its last backup, or its acceptance
 *	POSTERN_WHY	what `status` says of it
 */
#ifndef BACKUP_SILENT_H
#define BACKUP_SILENT_H

#include "settings.h"
#include "state.h"
#include "store.h"

/* silent_tell(): s is one of store's, and silent. It counts as told before
 * the command is run, so a failing one isn't run again the same day. 1: it
 * was run; 0: it was told before, or somebody else does it now; -1:
 * ERR_PEER (its status is not 0), ERR_TIMEOUT, or why it could not be run. */
int silent_tell(const struct store *store, const struct settings *conf,
	const struct state *s, struct err *e);

#endif
