/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "gitadmins.h"
#include "setup_both.h"
#include "sys/file.h"

#define LIST_MAX ((size_t)64 << 20)

/* What the file has now; a missing one is empty, and *ret_there false. */
static void
load(const struct setup *s, struct buf *out, bool *ret_there)
{
	buf_init(out, LIST_MAX);
	*ret_there = file_read_below(s->conf.server.state_dir, GITADMINS_FILE,
	    out, NULL) == 0;
}

int
setup_admins(struct setup *s, struct err *e)
{
	const struct passwd *pw = getpwnam(s->user.data);
	struct buf before, after;
	bool was, is, same;
	int rc = 0;

	if (s->conf.server.deny_admins == 0)
		return 0;
	load(s, &before, &was);
	if (!s->o->dry_run)
		rc = pw != NULL ? gitadmins_note_as(pw, &s->conf.server, e) :
		    err_set(e, ERR_SYS, "user %s is gone", s->user.data);
	load(s, &after, &is);
	same = was && is && before.len == after.len &&
	    memcmp(before.data, after.data, after.len) == 0;
	if (rc == 0)
		step_say(&s->step, !same, "who may write to gitolite-admin is "
		    "denied to the gateway, from now on at each change");
	buf_clear(&before);
	buf_clear(&after);
	return rc;
}
