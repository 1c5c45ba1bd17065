/* SPDX-License-Identifier: ISC */
#include <linux/seccomp.h>
#include <stdint.h>
#include <sys/prctl.h>

#include "jail/sandbox.h"
#include "jail/sandbox_rows.h"

bool
sandbox_filters(void)
{
	return sandbox_rows[0].v != NULL && prctl(PR_GET_SECCOMP) != -1;
}

int
sandbox_filter(unsigned calls, struct err *e)
{
	const struct sandbox_row *r = sandbox_rows;
	struct sock_fprog p;

	if (r->v == NULL)
		return err_set(e, ERR_REFUSED, "the filter of system calls "
		    "was written for amd64 and arm64 only");
	while (r->v != NULL && r->calls != calls)
		r++;
	if (r->v == NULL)
		return err_set(e, ERR_REFUSED, "no filter of system calls for "
		    "%#x", calls);
	p.len = (unsigned short)r->n;
	p.filter = (struct sock_filter *)(uintptr_t)r->v;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p) == 0 ? 0 :
	    err_sys(e, "seccomp");
}
