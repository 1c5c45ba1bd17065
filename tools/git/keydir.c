/* SPDX-License-Identifier: ISC */
#include "keydir.h"

#include <errno.h>
#include <fts.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/esc.h"
#include "gitid.h"
#include "sys/file.h"

#define NAME	"keydir"	/* what gitolite calls it */

struct reader {
	const char *path;
	const struct strv *denied;
	struct keylist *list;
	keydir_bad_fn *on_bad;
	void *arg;
};

/* file: as it is. */
static int
bad(const struct reader *r, const char *file, const struct err *why,
    struct err *e)
{
	struct buf name;
	int rc;

	if (r->on_bad == NULL)
		return 0;
	buf_init(&name, 32768);
	rc = esc_text(&name, file, strlen(file)) == 0 ? 0 :
	    err_set(e, ERR_MEM, "out of memory");
	if (rc == 0)
		r->on_bad(r->arg, name.data, why);
	buf_clear(&name);
	return rc;
}

static bool
is_pub(const FTSENT *f)
{
	return f->fts_namelen > 4 &&
	    strcmp(f->fts_name + f->fts_namelen - 4, ".pub") == 0;
}

/* A *.pub that is no file. */
static int
odd(const struct reader *r, const char *below, struct err *e)
{
	struct err why = ERR_INIT;
	struct buf name;
	int rc;

	buf_init(&name, 8192);
	err_set(&why, ERR_CONFIG, "not a regular file, so that gitolite "
	    "passes over it");
	if (buf_addf(&name, NAME "%s", below) == -1) {
		buf_clear(&name);
		return err_set(e, ERR_MEM, "out of memory");
	}
	rc = bad(r, name.data, &why, e);
	buf_clear(&name);
	return rc;
}

/* One entry of the walk; files gets the paths below r->path. */
static int
entry(const struct reader *r, const FTSENT *f, struct strv *files,
    struct err *e)
{
	const char *below = f->fts_path + strlen(r->path);

	switch (f->fts_info) {
	case FTS_D:
	case FTS_DP:
		return 0;
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		if (f->fts_errno == ENOENT && f->fts_level > 0)
			return 0;
		errno = f->fts_errno;
		return err_sys(e, "%s", f->fts_path);
	}
	if (f->fts_level == 0) {
		errno = ENOTDIR;
		return err_sys(e, "%s", r->path);
	}
	if (!is_pub(f))
		return 0;
	if (f->fts_info != FTS_F)
		return odd(r, below, e);
	if (files->n == KEYLIST_MAX)
		return err_set(e, ERR_REFUSED, "%s: more than %d key files",
		    r->path, KEYLIST_MAX);
	return strv_add(files, below) == 0 ? 0 :
	    err_set(e, ERR_MEM, "out of memory");
}

static int
walk(const struct reader *r, struct strv *files, struct err *e)
{
	char *const roots[] = { (char *)(uintptr_t)r->path, NULL };
	FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *f;
	int rc = 0;

	if (fts == NULL)
		return err_sys(e, "%s", r->path);
	while (rc == 0 && (errno = 0, f = fts_read(fts)) != NULL)
		rc = entry(r, f, files, e);
	if (rc == 0 && errno != 0)
		rc = err_sys(e, "%s", r->path);
	fts_close(fts);
	return rc;
}

/* The key in text, of the file called name, into the list. */
static int
take(const struct reader *r, const char *name, const struct buf *text,
    struct err *why, struct err *e)
{
	char id[GITID_MAX + 1];
	struct buf where;
	struct keyline k;
	int rc;

	if (gitid_from_path(name, id, why) == -1 ||
	    keyline_parse(text->data, text->len, &k, why) == -1)
		return 0;
	if (gitid_denied(NULL, id) || (r->denied != NULL &&
	    gitid_denied(r->denied, id))) {
		err_set(why, ERR_REFUSED, "no gateway may speak for '%s'", id);
		return bad(r, name, why, e);
	}
	buf_init(&where, 32768);
	rc = esc_text(&where, name, strlen(name)) == -1 ?
	    err_set(e, ERR_MEM, "out of memory") :
	    keylist_add(r->list, id, &k, where.data, e);
	buf_clear(&where);
	return rc;
}

/* file: below r->path, with a '/' in front. */
static int
read_one(const struct reader *r, const char *file, struct err *e)
{
	struct err why = ERR_INIT;
	struct buf path, text;
	int rc = -1;

	buf_init(&path, 8192);
	buf_init(&text, KEYLINE_MAX + 2);
	if (buf_addf(&path, "%s%s", r->path, file) == -1) {
		err_set(e, ERR_MEM, "out of memory");
		goto out;
	}
	if (file_read(path.data, &text, &why) == -1 &&
	    why.code == ERR_SYS && why.sys_errno == ENOENT) {
		rc = 0;
		goto out;
	}
	buf_clear(&path);
	if (buf_addf(&path, NAME "%s", file) == -1) {
		err_set(e, ERR_MEM, "out of memory");
		goto out;
	}
	rc = 0;
	if (why.code == ERR_NONE)
		rc = take(r, path.data, &text, &why, e);
	if (why.code == ERR_MEM)
		rc = err_set(e, ERR_MEM, "out of memory");
	/* ERR_REFUSED: sskm keeps it back, which is nobody's mistake. */
	else if (why.code != ERR_NONE && why.code != ERR_REFUSED)
		rc = bad(r, path.data, &why, e);
out:
	buf_clear(&path);
	buf_clear(&text);
	return rc;
}

static int
by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int
keydir_read(const char *path, const struct strv *denied, struct keylist *ret,
    keydir_bad_fn *on_bad, void *arg, struct err *e)
{
	struct reader r = { NULL, denied, ret, on_bad, arg };
	struct strv files = { .max = KEYLIST_MAX + 1 };
	size_t i, len = strlen(path);
	char *bare;
	int rc;

	while (len > 1 && path[len - 1] == '/')
		len--;
	bare = strndup(path, len);
	if (bare == NULL)
		return err_set(e, ERR_MEM, "out of memory");
	r.path = bare;
	rc = walk(&r, &files, e);
	if (files.n > 1)
		qsort(files.v, files.n, sizeof(files.v[0]), by_bytes);
	for (i = 0; rc == 0 && i < files.n; i++)
		rc = read_one(&r, files.v[i], e);
	strv_clear(&files);
	free(bare);
	return rc;
}
