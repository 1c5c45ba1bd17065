/* SPDX-License-Identifier: ISC */
/*
 * exhaust: of askers, the disks that nobody asks for any more, because the
 * tries at the console were used up. dracut without systemd marks each disk
 * that it has asked for, right or wrong, and asks for it once; the boot waits
 * on for who opens it. Libc only.
 * Source: dracut's cryptroot-ask.sh; rdluks.h for what disk a mark means.
 */
#ifndef BOOT_EXHAUST_H
#define BOOT_EXHAUST_H

#include <stdbool.h>

#include "asker.h"
#include "base/err.h"

/* exhaust_find(): those, exhaust_unit.h's and exhaust_tab.h's, added to *all,
 * behind those that wait. 0, or -1 ERR_MEM. */
int exhaust_find(struct askers *all, struct err *e);

/* exhaust_is(): whether a is one of them. */
bool exhaust_is(const struct asker *a);

/* exhaust_was(): whether exhaust_find() found one, which it notes in GIVE_DIR:
 * there may be an emergency shell that came of it. exhaust_forget(): that one
 * has ended. */
bool exhaust_was(void);
void exhaust_forget(void);

/*
 * exhaust_ask(): who is to get the passphrase of was, one of them, which may be
 * of *all: itself, of a disk that we open, or else, begun again, whoever asks
 * for the disk by then. *all is what waits then, and the caller's to clear.
 * Borrowed from *all, or NULL: with ERR_NONE the disk is open by now, without;
 * ERR_PEER, ERR_TIMEOUT nobody asks; ERR_BUSY another disk is asked for first;
 * ERR_SYS, ERR_MEM.
 */
const struct asker *exhaust_ask(const struct asker *was, struct askers *all,
	struct err *e);

#endif
