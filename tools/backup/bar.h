/* SPDX-License-Identifier: ISC */
/* bar: how far something is, as a person sees it. Pure. */
#ifndef BACKUP_BAR_H
#define BACKUP_BAR_H

#include <stdint.h>

#define BAR_TEXT 96		/* bytes, with the NUL */

/* bar_text(): "[##########----------]  50%  1.0 GiB of 2.0 GiB". What is more
 * than was expected is all of it. total 0: the bytes alone. */
void bar_text(uint64_t bytes, uint64_t total, char out[BAR_TEXT]);

#endif
