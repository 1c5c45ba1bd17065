/* SPDX-License-Identifier: ISC */
#include "ui/tally.h"

#include <stdint.h>

#include "ui/emit.h"

int
tally_status(const struct tally *t)
{
	if (t->later + t->failed == 0)
		return 0;
	if (t->ok > 0)
		return 2;
	return t->failed > 0 ? 1 : 75;
}

void
tally_emit(const struct tally *t, FILE *out)
{
	struct emit j;

	emit_begin(&j);
	emit_str(&j, "event", "end");
	emit_num(&j, "ok", (int64_t)t->ok);
	emit_num(&j, "failed", (int64_t)(t->failed + t->later));
	emit_num(&j, "status", tally_status(t));
	(void)emit_end(&j, out);
}
