/* SPDX-License-Identifier: ISC */
/*
 * keystate: what keys are in force on a gateway, for its git server, which
 * asks by its push key: so that drift is seen where the keys come from. Reads,
 * and changes nothing, but that keystore_open() makes the folder of the
 * generations where it is missing.
 */
#ifndef GIT_KEYSTATE_H
#define GIT_KEYSTATE_H

#include "base/err.h"
#include "keyreply.h"

/*
 * keystate_run(): the answer about the store at keys: KEYREPLY_NOW with the
 * sequence that is in force (0: none), how many keys it has, and how many the
 * last push left out. After a rollback that is the older generation's.
 * Returns 0, or -1 as keystore_open(), keystore_map(), authindex_parse().
 */
int keystate_run(const char *keys, struct keyreply *ret, struct err *e);

#endif
