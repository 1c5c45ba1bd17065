/* SPDX-License-Identifier: ISC */
/*
 * onename: whether a file that came short twice (unread.h) may be left out of
 * a snapshot. Of one with several names rsync tells the first; changed in
 * place, the store would keep what stood under the others in the snapshot
 * before, as if it were of today.
 */
#ifndef BACKUP_ONENAME_H
#define BACKUP_ONENAME_H

#include "unread.h"

/* onename_each(): whether each of u->again is here, and has one name. */
bool onename_each(const struct unread *u);

#endif
