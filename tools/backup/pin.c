/* SPDX-License-Identifier: ISC */
/* pin: a snapshot stays, whatever retention and space say; or no longer. */
#include <stdio.h>
#include <unistd.h>

#include "backup.h"
#include "owner.h"
#include "say.h"
#include "store_hold.h"
#include "ui/emit.h"
#include "ui/log.h"

static int
say(const struct backup_opts *o, struct err *e)
{
	struct emit j;

	if (!o->json) {
		log_info("%s: %s", o->args.v[0], o->remove ?
		    "no longer pinned" : "pinned");
		return 0;
	}
	emit_begin(&j);
	emit_str(&j, "snapshot", o->args.v[0]);
	emit_bool(&j, "pinned", !o->remove);
	return say_json(emit_end(&j, stdout), e);
}

int
backup_pin(struct backup_opts *o, struct err *e)
{
	struct owner w = { .o = o };
	int rc = -1, hold = -1;

	if (owner_open(&w, e) == -1 ||
	    owner_snapshot(&w, o->args.v[0], e) == -1)
		goto out;
	/* Held meanwhile: a prune that is on sees the reader, or the pin. */
	if (!o->remove && store_hold_take(&w.client, o->args.v[0], &hold,
	    NULL, e) == -1)
		goto out;
	rc = store_hold_pin(&w.client, o->args.v[0], !o->remove, e);
	if (rc == 0)
		rc = say(o, e);
out:
	if (hold != -1)
		close(hold);
	owner_close(&w);
	return rc;
}
