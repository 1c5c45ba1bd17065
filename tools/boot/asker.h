/* SPDX-License-Identifier: ISC */
/*
 * asker: who waits for a passphrase on this host. Four kinds are known:
 *
 *	systemd		a question in /run/systemd/ask-password about a disk
 *	askpass		initramfs-tools' askpass, which reads a FIFO as well
 *	cryptsetup	one that was started on the console (dracut without
 *			systemd), or by plymouth with what is typed into that
 *	exhausted	nobody any more: its tries were used up, and the boot
 *			waits (dracut without systemd), a unit of systemd's has
 *			failed, or initramfs-tools has begun a shell
 *
 * Each but the last is a process of root's, with all four of its uids. Where
 * two ask for one disk the first counts, and a question of systemd's before the
 * others.
 *
 * A list is a moment's: whoever acts upon one looks again. Libc only.
 * Source: facts of each in askfile.h, askargv.h, exhaust.h, exhaust_unit.h,
 * exhaust_tab.h; cryptsetup's askpass.c.
 */
#ifndef BOOT_ASKER_H
#define BOOT_ASKER_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "askfile.h"
#include "base/err.h"
#include "base/strv.h"
#include "bootline.h"

#define ASKER_FIFO "/lib/cryptsetup/passfifo"

enum asker_kind { ASKER_SYSTEMD, ASKER_ASKPASS, ASKER_CRYPTSETUP,
	ASKER_EXHAUSTED, ASKER_UNIT, ASKER_TAB /* exhausted: of each kind */ };

struct asker {
	enum asker_kind kind;
	struct bootline_prompt prompt;
	bool luks;			/* a header was read: can be tested */
	pid_t pid;			/* with start, one process for ever; 0:
					 * exhausted */
	uint64_t start;
	char file[NAME_MAX + 1];	/* of a question, a mark or a unit */
	char socket[ASKFILE_SOCKET];
	struct strv argv;		/* of a cryptsetup, or the one to run */
};

struct askers {
	struct asker *v;		/* owned */
	size_t n;
};

/* askers_find(): whoever waits now. A question or process that can't be read is
 * none. 0 with *ret filled, or -1 ERR_MEM, ERR_SYS (no /proc). */
int askers_find(struct askers *ret, struct err *e);
void askers_clear(struct askers *a);

/* askers_get(): the one with that id, borrowed, or NULL. */
const struct asker *askers_get(const struct askers *a, const char *id);

/* asker_same(): whether both are one question, not asked anew meanwhile. */
bool asker_same(const struct asker *a, const struct asker *b);
/* asker_alive(): whether who asked is still there. */
bool asker_alive(const struct asker *a);

/* asker_is_open(): whether the kernel has the disk of that UUID open. */
bool asker_is_open(const char *uuid);

#endif
