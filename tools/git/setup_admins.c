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

/* Whether text, lines, has just those, as far as they are told. */
static bool
has_just(const struct buf *text, const struct gitadmins *a)
{
	const char *id = a->ids, *p = text->data, *nl;
	size_t n = 0, len;

	for (; *p != '\0'; p = nl + (*nl == '\n'), n++) {
		nl = strchrnul(p, '\n');
		len = strcspn(id, " ");
		if (len > 0 && (len != (size_t)(nl - p) ||
		    memcmp(id, p, len) != 0))
			return false;
		id += len + (id[len] == ' ');
	}
	return n == a->n;
}

/* Who would be noted now? gitolite is asked, and nothing is written. */
static int
would_be_same(const struct setup *s, const struct passwd *pw, bool *ret,
    struct err *e)
{
	struct gitadmins a;
	struct buf text;
	bool is;

	if (gitadmins_ask(pw, &s->conf.server, &a, e) == -1)
		return -1;
	load(s, &text, &is);
	*ret = is && has_just(&text, &a);
	buf_clear(&text);
	return 0;
}

static int
note(const struct setup *s, const struct passwd *pw, bool *ret_same,
    struct err *e)
{
	struct buf before, after;
	bool was, is;
	int rc;

	load(s, &before, &was);
	rc = gitadmins_note_as(pw, &s->conf.server, e);
	load(s, &after, &is);
	*ret_same = was && is && before.len == after.len &&
	    memcmp(before.data, after.data, after.len) == 0;
	buf_clear(&before);
	buf_clear(&after);
	return rc;
}

int
setup_admins(struct setup *s, struct err *e)
{
	const struct passwd *pw = getpwnam(s->user.data);
	bool same;

	if (s->conf.server.deny_admins == 0)
		return 0;
	if (pw == NULL)
		return err_set(e, ERR_SYS, "user %s is gone", s->user.data);
	if ((s->o->dry_run ? would_be_same : note)(s, pw, &same, e) == -1)
		return -1;
	step_say(&s->step, !same, "who may write to gitolite-admin is "
	    "denied to the gateway, from now on at each change");
	return 0;
}
