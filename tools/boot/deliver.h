/* SPDX-License-Identifier: ISC */
/*
 * deliver: a passphrase to who waits for it, after the disk's own header was
 * asked whether it is right, so that a wrong one costs the boot none of its
 * tries. Libc only. Source: cryptsetup(8) (RETURN CODES), asker.h.
 */
#ifndef BOOT_DELIVER_H
#define BOOT_DELIVER_H

#include <stdint.h>

#include "asker.h"
#include "base/err.h"
#include "sys/lockmem.h"

/*
 * deliver_test(): what the image's cryptsetup says of pass and a's disk, whose
 * tokens have no say. 0: it opens it. 1: the disk has tokens, and this
 * cryptsetup asks them whatever it is told: it can't be tested. -1: ERR_REFUSED
 * it doesn't open it; ERR_TIMEOUT, ERR_SYS, ERR_PEER: nothing is known.
 */
int deliver_test(const struct asker *a, const struct lockmem *pass,
	struct err *e);

/*
 * deliver(): hand it over. 0, or -1: ERR_BUSY nobody waits any more; ERR_PEER
 * cryptsetup failed with it; ERR_UNSAFE, ERR_TIMEOUT, ERR_SYS.
 */
int deliver(const struct asker *a, const struct lockmem *pass, struct err *e);

#endif
