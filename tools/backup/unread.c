/* SPDX-License-Identifier: ISC */
#include "unread.h"

#include <limits.h>
#include <string.h>

#include "grants.h"
#include "oddname.h"

/* rsync's words; that of errno is C's. */
static const char head[] = "rsync: [sender] send_files failed to open \"";
static const char denied[] = ": Permission denied (13)";
/* Behind the name, when it is a daemon that speaks. */
static const char module[] = " (in root)";

/* What says nothing more, by how it begins. */
static const char *const plain[] = {
	"file has vanished: ",
	"directory has vanished: ",
	"rsync warning: some files vanished before they could be transferred",
	"rsync error: some files/attrs were not transferred (see previous "
	    "errors) (code 23)",
	NULL
};

/* And to the half that writes. */
static const char *const theirs[] = { "rsync: [sender] ", "WARNING: ", NULL };

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

static bool
begins_any(const char *s, const char *const *with)
{
	for (; *with != NULL; with++)
		if (begins(s, *with))
			return true;
	return false;
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

/* The name in a line about a file that could not be opened. false: it is
 * another line. */
static bool
name_of(const char *line, char out[PATH_MAX])
{
	size_t len;

	if (!begins(line, head))
		return false;
	line += sizeof(head) - 1;
	len = strlen(line);
	if (!drop(line, &len, denied))
		return false;
	(void)drop(line, &len, module);
	if (!drop(line, &len, "\""))
		return false;
	len = oddname_read(out, PATH_MAX, line, len);
	return len > 0 && len + 1 < PATH_MAX;
}

/* rsync: [sender] link_stat "NAME" (in root) failed: …  */
static bool
is_gone(const char *line)
{
	size_t len = strlen(line);

	return begins(line, "rsync: [sender] link_stat \"") &&
	    (drop(line, &len, "\" (in root) failed: No such file or directory "
	    "(2)") || drop(line, &len, "\" (in root) failed: Not a directory "
	    "(20)") || drop(line, &len, "\" (in root) failed: Too many levels "
	    "of symbolic links (40)"));
}

void
unread_line(struct unread *u, const char *line, bool cut)
{
	char name[PATH_MAX];

	if (begins_any(line, plain))
		return;
	if (u->listed && !cut && is_gone(line)) {
		u->gone++;
		return;
	}
	u->files.max = UNREAD_MAX;
	if (cut || !name_of(line, name) || strv_add(&u->files, name) == -1)
		u->strange = true;
}

bool
unread_complaint(const char *line)
{
	return *line != '\0' && !begins_any(line, plain) &&
	    !begins_any(line, theirs);
}

bool
unread_only(const struct unread *u)
{
	return (u->files.n > 0 || u->gone > 0) && !u->strange;
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
