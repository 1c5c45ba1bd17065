/* SPDX-License-Identifier: ISC */
#include "prompttext.h"

#include <inttypes.h>
#include <string.h>

#include "base/esc.h"

void
prompttext_add(const struct bootline_prompt *p, struct buf *out)
{
	(void)esc_text(out, p->id, strlen(p->id));
	(void)buf_addf(out, " (%s", p->kind);
	if (p->tries >= 0)
		(void)buf_addf(out, ", %" PRId64 " wrong", p->tries);
	(void)buf_adds(out, ") ");
	(void)esc_text(out, p->device, strlen(p->device));
	if (p->name[0] != '\0') {
		(void)buf_adds(out, ": ");
		(void)esc_text(out, p->name, strlen(p->name));
	}
}
