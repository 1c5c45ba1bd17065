/* SPDX-License-Identifier: ISC */
#include "late.h"

#include <stdio.h>
#include <string.h>

#include "base/esc.h"
#include "ui/log.h"

#define ROOM 48			/* for "and 1000 more" */

void
late_name(const struct unread *u, char *said, size_t cap)
{
	const struct strv *v = &u->files;
	size_t i, len = 0;
	struct buf b;

	for (i = 0; i < v->n; i++)
		log_debug("%s: came after the run had begun, or took the "
		    "place of what was there", v->v[i]);
	buf_init(&b, cap - ROOM);
	(void)buf_adds(&b, "left to the next run:");
	for (i = 0; i < v->n; i++) {
		len = b.len;
		if (buf_adds(&b, i == 0 ? " " : ", ") == -1 ||
		    esc_text(&b, v->v[i], strlen(v->v[i])) == -1)
			break;
	}
	snprintf(said, cap, "%s", b.data);
	if (i < v->n)
		snprintf(said + len, cap - len, " and %zu more (-v names "
		    "them)", v->n - i);
	buf_clear(&b);
}
