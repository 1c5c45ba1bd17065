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
	"rsync warning: some files vanished before they could be transferred",
	"rsync error: some files/attrs were not transferred (see previous "
	    "errors) (code 23)",
	NULL
};

static const char *const gone[] = { "file has vanished: \"",
	"directory has vanished: \"", NULL };
/* And to the half that writes. */
static const char *const theirs[] = { "rsync: [sender] ", "WARNING: ", NULL };

/* The read ended where the file had gone on: rsync's own errno for that. */
static const char cut_head[] = "rsync: [sender] read errors mapping \"";
static const char cut_tail[] = ": No data available (61)";

void
unread_clear(struct unread *u)
{
	strv_clear(&u->files);
	strv_clear(&u->vanished);
	strv_clear(&u->changed);
	strv_clear(&u->again);
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

/* The name in a line that begins and ends with these. false: it is another
 * line. */
static bool
name_of(const char *line, const char *with, const char *tail,
    char out[PATH_MAX])
{
	size_t len;

	if (!begins(line, with))
		return false;
	line += strlen(with);
	len = strlen(line);
	if (!drop(line, &len, tail))
		return false;
	(void)drop(line, &len, module);
	if (!drop(line, &len, "\""))
		return false;
	len = oddname_read(out, PATH_MAX, line, len);
	return len > 0 && len + 1 < PATH_MAX;
}

/* rsync: [sender] link_stat "NAME" (in root) failed: …  */
static bool
is_gone(const char *line, char out[PATH_MAX])
{
	static const char with[] = "rsync: [sender] link_stat \"";

	return name_of(line, with, " failed: No such file or directory (2)",
	    out) || name_of(line, with, " failed: Not a directory (20)", out) ||
	    name_of(line, with, " failed: Too many levels of symbolic links "
	    "(40)", out);
}

/* It is counted whether there is room for its name or not. */
static void
vanished(struct unread *u, const char *name)
{
	u->n_vanished++;
	if (name != NULL && u->vanished.n < UNREAD_MAX)
		(void)strv_add(&u->vanished, name);
}

/* Once: rsync tells it again when it has read it again, in vain. */
static void
changed(struct unread *u, const char *name)
{
	size_t i;

	for (i = 0; i < u->changed.n; i++)
		if (strcmp(u->changed.v[i], name) == 0) {
			u->n_again++;
			if (u->again.n < UNREAD_MAX)
				(void)strv_add(&u->again, name);
			return;
		}
	u->n_changed++;
	if (u->changed.n < UNREAD_MAX)
		(void)strv_add(&u->changed, name);
}

bool
unread_rsyncs(const char *line)
{
	static const char *const heads[] = { "rsync: ", "rsync error: ",
		"rsync warning: ", "file has vanished: ",
		"directory has vanished: ", "ERROR: ", "IO error ", "cannot ",
		"skipping ", "[sender] ", "filename overflows max-path ",
		"merge-file name overflows: ", NULL };

	return begins_any(line, heads);
}

void
unread_line(struct unread *u, const char *line, bool cut)
{
	char name[PATH_MAX];
	size_t i;

	if (begins_any(line, plain))
		return;
	for (i = 0; gone[i] != NULL; i++)
		if (begins(line, gone[i])) {
			vanished(u, !cut && name_of(line, gone[i], "", name) ?
			    name : NULL);
			return;
		}
	if (u->listed && !cut && is_gone(line, name)) {
		vanished(u, name);
		return;
	}
	if (!cut && name_of(line, cut_head, cut_tail, name)) {
		changed(u, name);
		return;
	}
	u->files.max = UNREAD_MAX;
	if (cut || !name_of(line, head, denied, name) ||
	    strv_add(&u->files, name) == -1)
		u->strange = true;
}

bool
unread_complaint(const char *line)
{
	return *line != '\0' && !begins_any(line, plain) &&
	    !begins_any(line, gone) && !begins_any(line, theirs);
}

bool
unread_unverified(const char *line, char name[PATH_MAX])
{
	static const char *const tails[] = { "discarded.", "retained.",
		"put into partial-dir." };
	static const char error[] = "ERROR: ",
		verb[] = " failed verification -- update ";
	size_t i, len;

	if (!begins(line, error))
		return false;
	line += sizeof(error) - 1;
	len = strlen(line);
	for (i = 0; i < 3; i++)
		if (drop(line, &len, tails[i]))
			break;
	if (i == 3 || !drop(line, &len, verb))
		return false;
	len = oddname_read(name, PATH_MAX, line, len);
	return len > 0 && len + 1 < PATH_MAX;
}

bool
unread_only(const struct unread *u)
{
	return (u->files.n > 0 || u->n_vanished > 0 || u->n_changed > 0) &&
	    !u->strange;
}

size_t
unread_left(const struct unread *u)
{
	return u->files.n + u->n_vanished;
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
