/* SPDX-License-Identifier: ISC */
/* A small configuration from a string, for the tests of this folder. */
#ifndef TEST_CONF_H
#define TEST_CONF_H

#include "csync2/cfg.h"

static int
conf_load(void *arg, const char *name, struct buf *out, struct err *e)
{
	return buf_adds(out, arg) == 0 ? 0 :
	    err_set(e, ERR_MEM, "%s: too large", name);
}

static inline void
conf_parse(struct cfg *c, const char *name, const char *text)
{
	struct err e = ERR_INIT;

	*c = (struct cfg){ 0 };
	if (cfg_parse(name, "h1", conf_load, (void *)(uintptr_t)text, c,
	    &e) == -1)
		fail_msg("%s", e.msg);
}

#endif
