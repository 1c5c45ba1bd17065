/* SPDX-License-Identifier: ISC */
#include "screen.h"

#include "slurp.h"

#define SCREEN "/dev/vcsa"

int
screen_read(vcsa_fn *fn, void *arg, struct err *e)
{
	struct buf b;
	int rc;

	buf_init(&b, VCSA_BYTES);
	rc = slurp_read(SCREEN, &b, e);
	if (rc == 0)
		rc = vcsa_parse((const unsigned char *)b.data, b.len, fn, arg,
		    e);
	buf_clear(&b);
	return rc;
}
