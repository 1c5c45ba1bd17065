/* SPDX-License-Identifier: ISC */
#include "beside.h"

#include <string.h>

#include "changes.h"
#include "plain.h"

static int
advance(struct beside *b, struct err *e)
{
	if (seen_in_next(&b->in, e) == -1)
		return -1;
	if (b->in.kind == 'Z')
		b->more = b->here = false;
	else if (b->in.kind == 'D')
		b->here = false;
	return 0;
}

int
beside_init(struct beside *b, FILE *old, struct buf *changes, struct err *e)
{
	*b = (struct beside){ .changes = changes, .more = old != NULL };
	if (old == NULL)
		return 0;
	return seen_in_init(&b->in, old, e) == -1 ? -1 : advance(b, e);
}

void
beside_clear(struct beside *b)
{
	seen_in_clear(&b->in);
}

static int
tell(struct beside *b, char sign, const char *dir, const char *name,
    struct err *e)
{
	/* Of "/" its time is told (changes_sums). */
	if (strcmp(dir, "") == 0 && strcmp(name, "/") == 0)
		return 0;
	if (strlen(dir) + strlen(name) <= PLAIN_MAX &&
	    changes_add(b->changes, sign, dir, name) == 0)
		return 0;
	return err_set(e, ERR_MEM, "too much has changed to be told");
}

/* "/a/b/" as a name: "/a/b". */
static int
tell_folder(struct beside *b, const char *path, struct err *e)
{
	char own[PLAIN_MAX + 1];
	size_t n = strlen(path);

	if (n < 2)
		return err_set(e, ERR_CONFIG, "what was in '%s' is not sure",
		    path);
	if (n > sizeof(own))
		return err_set(e, ERR_CONFIG, "%.100s…: too long a path",
		    path);
	memcpy(own, path, n - 1);
	own[n - 1] = '\0';
	return tell(b, '=', own, "", e);
}

/* What comes before path in the list is gone: its folder's own entry, or one
 * above, said so. Of a folder that the list has not, the snapshot may have had
 * names: it came back, or was gone when the list was made. */
int
beside_folder(struct beside *b, const char *path, bool resend,
    struct err *e)
{
	b->here = b->known = b->all = false;
	b->resend = resend;
	if (b->in.f == NULL)
		return 0;
	while (b->more && (b->in.kind != 'D' ||
	    seen_order(b->in.name.data, path) < 0))
		if (advance(b, e) == -1)
			return -1;
	if (!b->more || strcmp(b->in.name.data, path) != 0)
		return tell_folder(b, path, e);
	b->known = b->here = true;
	b->all = b->in.unsure;
	if (b->all && tell_folder(b, path, e) == -1)
		return -1;
	return advance(b, e);
}

/* Those before name, or all that are left (NULL), are gone. */
static int
skip_to(struct beside *b, const char *dir, const char *name, struct err *e)
{
	while (b->here && (name == NULL ||
	    strcmp(b->in.name.data, name) < 0))
		if (tell(b, '-', dir, b->in.name.data, e) == -1 ||
		    advance(b, e) == -1)
			return -1;
	return 0;
}

/* Its other names are as they were, for all that can be seen: rsync would have
 * to be told of them, too, to link them. */
static bool
is_torn(const struct beside *b, unsigned long links,
    const struct seen_entry *now)
{
	return S_ISREG(now->mode) && links > 1 &&
	    now->ctime_ns < b->in.head.begun_ns;
}

int
beside_name(struct beside *b, const char *dir, const char *name,
    unsigned long links, bool closed, struct seen_entry *now,
    struct err *e)
{
	const struct seen_entry *then = &b->in.entry;
	bool known;

	if (b->in.f == NULL)
		return 0;
	if (skip_to(b, dir, name, e) == -1)
		return -1;
	known = b->here && strcmp(b->in.name.data, name) == 0;
	if (known && seen_same(then, now, b->resend ||
	    b->in.head.partial != 0))
		return b->all && tell(b, '.', dir, name, e) == -1 ? -1 :
		    advance(b, e);
	if (is_torn(b, links, now))
		return err_set(e, ERR_CONFIG, "%s%s has more names, and was "
		    "moved", dir, name);
	/* What the list has not the snapshot may have, if rsync met with it:
	 * of a folder that is not looked into nothing else would be told. */
	if ((known ? closed || (then->mode & S_IFMT) != (now->mode & S_IFMT) :
	    closed) && tell(b, '-', dir, name, e) == -1)
		return -1;
	now->flags |= SEEN_SENT;
	if (tell(b, '+', dir, name, e) == -1 || (known && !closed &&
	    S_ISDIR(then->mode) && S_ISDIR(now->mode) &&
	    tell(b, '.', dir, name, e) == -1))
		return -1;
	return known ? advance(b, e) : 0;
}

int
beside_end(struct beside *b, const char *dir, struct err *e)
{
	return skip_to(b, dir, NULL, e);
}

int
beside_over(struct beside *b, struct err *e)
{
	while (b->more)
		if (advance(b, e) == -1)
			return -1;
	return 0;
}
