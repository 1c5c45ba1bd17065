/* SPDX-License-Identifier: ISC */
/*
 * facts: what the hosts of a plan told probe.sh, a check_host each.
 */
#ifndef POSTERN_FACTS_H
#define POSTERN_FACTS_H

#include "check.h"
#include "plan.h"

struct facts {
	struct check_host *hosts;	/* as the plan numbers them */
	size_t n;
};

/* facts_init(): a host each, nothing known. 0, or -1 ERR_MEM. */
int facts_init(struct facts *f, const struct plan *p, struct err *e);
void facts_clear(struct facts *f);

#endif
