/* SPDX-License-Identifier: ISC */
/*
 * place: the folder that a restore writes to.
 */
#ifndef BACKUP_PLACE_H
#define BACKUP_PLACE_H

#include <stdbool.h>

#include "base/err.h"
#include "base/strv.h"
#include "plain.h"

struct stat;

struct place {
	char *to;		/* owned; absolute, without a link in it */
	char base[PLAIN_MAX + 1];	/* restoreargs.h; is there below to */
	char *dir;		/* owned: to and base */
	bool made;		/* by us, and empty until then */
};

/*
 * place_open(): to: what --to said; NULL: ./restored-SNAPSHOT, which must be
 * new or empty. base becomes the deepest folder of restoreargs_base()'s that
 * is there. dry: nothing is made; a folder that is not there is stood in for
 * by an empty one of our own, which place_close() removes.
 * 0 with *ret filled, or -1: ERR_REFUSED (not empty), ERR_SYS, ERR_MEM,
 * ERR_UNSAFE (no folder).
 */
int place_open(const char *to, const char *snapshot, const struct strv *paths,
	bool dry, struct place *ret, struct err *e);
/* place_close(): when nothing was restored, what was made is removed again.
 * Legal on a zeroed struct. */
void place_close(struct place *p, bool restored);

/* place_stat(): of what was restored as name (a path below dir, from the
 * other end): through no link and not above dir. 0, or -1 with errno. */
int place_stat(const struct place *p, const char *name, struct stat *ret);

/* place_original(): whether it is where the files were. */
bool place_original(const struct place *p);

#endif
