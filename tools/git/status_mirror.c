/* SPDX-License-Identifier: ISC */
#include "status_mirror.h"

#include <stdio.h>
#include <stdlib.h>

#include "gwask.h"

int
status_mirror_ask(const struct gitconf_gateway *c, uint64_t timeout_ms,
    struct status_mirror **ret, size_t *ret_n, struct err *e)
{
	struct gwask a = { .conf = c, .timeout_ms = timeout_ms };
	size_t n = c->mirrors.n, i;
	struct gitreach reach;
	struct status_mirror *v;

	if (n == 0) {
		*ret = NULL;
		*ret_n = 0;
		return 0;
	}
	v = calloc(n, sizeof(*v));
	if (v == NULL)
		return err_set(e, ERR_MEM, "out of memory");
	for (i = 0; i < n; i++) {
		v[i].dest = a.dest = c->mirrors.v[i];
		v[i].why = (struct err)ERR_INIT;
		v[i].ok = gwask_serves(&a, &reach, &v[i].why) == 0;
	}
	*ret = v;
	*ret_n = n;
	return 0;
}

bool
status_mirror_all(const struct status_mirror *m, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!m[i].ok)
			return false;
	return true;
}

void
status_mirror_json(const struct status_mirror *m, size_t n, bool exec,
    struct emit *j)
{
	size_t i;

	emit_arr(j, "mirrors");
	for (i = 0; i < n; i++) {
		emit_obj(j, NULL);
		emit_str(j, "mirror", m[i].dest);
		emit_bool(j, "asked", !exec);
		emit_bool(j, "ok", m[i].ok);
		emit_str(j, "why", m[i].ok ? NULL : m[i].why.msg);
		emit_close(j);
	}
	emit_close(j);
}

int
status_mirror_text(const struct status_mirror *m, size_t n, bool exec)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (printf("  mirror       %s: %s%s%s\n", m[i].dest,
		    m[i].ok ? "would serve reads" : "WOULD SERVE NOTHING: ",
		    m[i].ok ? "" : m[i].why.msg, exec ? "; no session asks "
		    "it (exec)" : "") < 0)
			return -1;
	return 0;
}
