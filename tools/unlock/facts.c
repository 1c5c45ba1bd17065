/* SPDX-License-Identifier: ISC */
#include "facts.h"

#include <stdlib.h>
#include <string.h>

int
facts_init(struct facts *f, const struct plan *p, struct err *e)
{
	f->hosts = calloc(p->nhosts + 1, sizeof(*f->hosts));
	if (f->hosts == NULL)
		return err_set(e, ERR_MEM, "out of memory");
	for (f->n = 0; f->n < p->nhosts; f->n++) {
		f->hosts[f->n].name = strdup(p->hosts[f->n].name);
		if (f->hosts[f->n].name == NULL)
			return err_set(e, ERR_MEM, "out of memory");
	}
	return 0;
}

void
facts_clear(struct facts *f)
{
	size_t i;

	for (i = 0; i < f->n; i++)
		check_host_clear(&f->hosts[i]);
	free(f->hosts);
	*f = (struct facts){ 0 };
}
