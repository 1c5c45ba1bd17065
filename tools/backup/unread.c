/* SPDX-License-Identifier: ISC */
#include "unread.h"

#include <stdlib.h>
#include <string.h>

#include "grants.h"

/* rsync's words; that of errno is C's. */
static const char head[] = "rsync: [sender] send_files failed to open \"";
static const char denied[] = ": Permission denied (13)";
/* Behind the name, when it is a daemon that speaks. */
static const char module[] = " (in root)";

/* What says nothing more, by how it begins. */
static const char *const plain[] = {
	"file has vanished: ",
	"rsync warning: some files vanished before they could be transferred",
	"rsync error: some files/attrs were not transferred (see previous "
	    "errors) (code 23)",
	NULL
};

void
unread_clear(struct unread *u)
{
	strv_clear(&u->files);
	*u = (struct unread){ .strange = false };
}

static bool
begins(const char *s, const char *with)
{
	return strncmp(s, with, strlen(with)) == 0;
}

/* Takes tail from the end of the len bytes at s. */
static bool
drop(const char *s, size_t *len, const char *tail)
{
	size_t n = strlen(tail);

	if (*len < n || memcmp(s + *len - n, tail, n) != 0)
		return false;
	*len -= n;
	return true;
}

/* The name in a line about a file that could not be opened, owned. NULL:
 * another line, or out of memory. */
static char *
name_of(const char *line)
{
	size_t len;

	if (!begins(line, head))
		return NULL;
	line += sizeof(head) - 1;
	len = strlen(line);
	if (!drop(line, &len, denied))
		return NULL;
	(void)drop(line, &len, module);
	if (!drop(line, &len, "\"") || len == 0)
		return NULL;
	return strndup(line, len);
}

void
unread_line(struct unread *u, const char *line, bool cut)
{
	char *name;
	size_t i;

	for (i = 0; !cut && plain[i] != NULL; i++)
		if (begins(line, plain[i]))
			return;
	name = cut ? NULL : name_of(line);
	u->files.max = UNREAD_MAX;
	if (name == NULL || strv_add(&u->files, name) == -1)
		u->strange = true;
	free(name);
}

bool
unread_only(const struct unread *u, int status)
{
	return status == UNREAD_PARTIAL && u->files.n > 0 && !u->strange;
}

int
unread_grants(const struct unread *u, struct buf *out, struct err *e)
{
	size_t i;

	for (i = 0; i < u->files.n; i++)
		if (grants_add(out, 'r', u->files.v[i], e) == -1)
			return -1;
	return 0;
}
