/* SPDX-License-Identifier: ISC */
/* tell_json: what several of tell's JSON lines have in common. */
#ifndef BACKUP_TELL_JSON_H
#define BACKUP_TELL_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "ui/emit.h"

/* tell_json_path(): "path"; JSON has no bytes: where that loses some, they are
 * in "escaped", too. cut: it is only the beginning of one. */
void tell_json_path(struct emit *j, const char *path, bool cut);

/* tell_json_meta(): what an entry is; as an object named key, or, NULL, among
 * the keys of the open one. */
void tell_json_meta(struct emit *j, const char *key, uint32_t mode,
	uint32_t uid, uint32_t gid, uint64_t size, int64_t mtime_ns);

/* tell_json_what(): the words of the bits, as "what". */
void tell_json_what(struct emit *j, unsigned what);

#endif
