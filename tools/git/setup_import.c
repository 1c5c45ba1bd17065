/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "keyline.h"
#include "setup_both.h"
#include "setup_text.h"
#include "sys/file.h"
#include "ui/log.h"

static int
no_mem(struct err *e)
{
	return err_set(e, ERR_MEM, "out of memory");
}

/* Whether line n of the base file at path is taken over: not the push key's,
 * which gets a line of ours; none that sshd would pass over, which would hold
 * up every update; none that lets in with a shell. What is left out is named,
 * but for the push key's. */
static bool
takes(const char *path, unsigned n, const char *p, size_t len,
    const struct authkeys_line *push)
{
	struct err e = ERR_INIT;
	struct authkeys_line line;
	struct keyline k;
	size_t blank = strspn(p, " \t\r");

	if (blank >= len || p[blank] == '#')
		return true;
	if (authkeys_parse(p, len, &line, &e) == -1 ||
	    keyline_of(&line, &k, &e) == -1) {
		log_warn("left out: %s:%u: %s", path, n, e.msg);
		return false;
	}
	if (push != NULL && authkeys_same(&line, push))
		return false;
	if (!setup_text_forced(line.options.p, line.options.len)) {
		log_warn("left out: %s:%u: without command= its key would "
		    "have a shell here; if that is meant, put the line into "
		    SETUP_KEYS, path, n);
		return false;
	}
	return true;
}

/* What is taken over of the original's base file. */
static int
import(const char *path, const struct buf *text,
    const struct authkeys_line *push, struct buf *out, struct err *e)
{
	const char *p, *nl;
	unsigned n = 0;
	int rc = 0;

	for (p = text->data; rc == 0 && *p != '\0'; p = nl + (*nl == '\n')) {
		nl = strchrnul(p, '\n');
		if (takes(path, ++n, p, (size_t)(nl - p), push))
			rc = buf_add(out, p, (size_t)(nl - p)) == -1 ||
			    buf_addc(out, '\n') == -1 ? no_mem(e) : 0;
	}
	if (rc == 0 && n > 0)
		log_info("taken over: %s; its users' keys come with the next "
		    "push of the git server", path);
	return rc;
}

/* The base file, where it is: path says where that was, or is empty. What was
 * put aside is root's alone: by another name than a link's nothing of root's
 * got there. */
static int
find(struct setup *s, struct buf *path, struct buf *text, struct err *e)
{
	char dir[4200];

	if (buf_addf(path, "%s/" SETUP_BASE, s->home.data) == -1)
		return no_mem(e);
	if (access(path->data, F_OK) == 0 || errno != ENOENT)
		return setup_read(s, path->data, text, e);
	buf_clear(path);
	if (buf_addf(path, "%s" SETUP_ASIDE "/" SETUP_BASE,
	    s->home.data) == -1)
		return no_mem(e);
	snprintf(dir, sizeof(dir), "%s" SETUP_ASIDE, s->home.data);
	if (access(path->data, F_OK) == 0 || errno != ENOENT)
		return file_read_below(dir, SETUP_BASE, text, e);
	buf_clear(path);
	return 0;
}

int
setup_import(struct setup *s, const struct authkeys_line *push,
    struct buf *out, struct err *e)
{
	struct buf path, text;
	int rc = 0;

	buf_init(&path, 4200);
	buf_init(&text, AUTHKEYS_FILE_MAX);
	if (s->home.len > 0)
		rc = find(s, &path, &text, e);
	if (rc == 0 && path.len > 0)
		rc = import(path.data, &text, push, out, e);
	buf_clear(&path);
	buf_clear(&text);
	return rc;
}
