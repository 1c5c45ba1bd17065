/* SPDX-License-Identifier: ISC */
#include "onename.h"

#include <sys/stat.h>

bool
onename_each(const struct unread *u)
{
	struct stat st;
	size_t i;

	/* What is not known by its name, or can't be seen, may have more. */
	if (u->n_changed > u->changed.n)
		return false;
	for (i = 0; i < u->again.n; i++)
		if (u->again.v[i][0] != '/' ||
		    lstat(u->again.v[i], &st) == -1 || st.st_nlink != 1)
			return false;
	return u->again.n == u->n_again;
}
