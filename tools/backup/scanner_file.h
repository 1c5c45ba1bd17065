/* SPDX-License-Identifier: ISC */
/* scanner_file: where a job's list of what was seen (seen.h) lies. */
#ifndef BACKUP_SCANNER_FILE_H
#define BACKUP_SCANNER_FILE_H

#include "seen.h"
#include "settings.h"

/* scanner_cache(): CACHE of scanner.h, made if need be, without a link in its
 * path. Owned; NULL: there can be none, and *e is filled where a system call
 * said why. */
char *scanner_cache(struct err *e);
/* scanner_file(): the job's, in cache. Owned, or NULL: out of memory. */
char *scanner_file(const char *cache, const struct settings_job *j);
/* scanner_read(): its head; when it is of no use for j, zeroed. */
void scanner_read(const char *file, const struct settings_job *j,
	struct seen_head *ret);
/* scanner_write(): the head into the file at path, which becomes the job's. 0,
 * or -1 with errno. */
int scanner_write(const char *path, const char *file,
	const struct settings_job *j, struct seen_head *head);

#endif
