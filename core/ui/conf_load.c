/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "sys/file.h"
#include "ui/conf.h"

#define FILE_BYTES_MAX (1u << 20)

/* Appends folder/postern/NAME.conf to out when it may be there; an error
 * other than its absence is left to whoever opens it. */
static int
try(struct buf *out, const char *folder, const char *sub, const char *name)
{
	struct stat st;

	if (buf_addf(out, "%s%s/postern/%s.conf", folder, sub, name) == -1)
		return -1;
	if (stat(out->data, &st) == 0 || (errno != ENOENT && errno != ENOTDIR))
		return 0;
	buf_clear(out);
	return 0;
}

int
conf_find(const char *name, const char *path, struct buf *out,
	struct err *e)
{
	const char *xdg = getenv("XDG_CONFIG_HOME");
	const char *home = getenv("HOME");
	struct buf b;
	int rc = -1;

	buf_init(&b, 4096);
	if (path != NULL) {
		if (buf_adds(&b, path) == -1)
			goto out;
	} else {
		/* The XDG specification: a relative path is to be ignored. */
		if (xdg != NULL && xdg[0] == '/')
			rc = try(&b, xdg, "", name);
		else if (home != NULL && home[0] == '/')
			rc = try(&b, home, "/.config", name);
		else
			rc = 0;
		if (rc == 0 && b.len == 0)
			rc = try(&b, "/etc", "", name);
		if (rc == -1)
			goto out;
	}
	rc = buf_add(out, b.data, b.len);
out:
	buf_clear(&b);
	if (rc == -1)
		return err_set(e, ERR_MEM, "the path of %s.conf is too long",
		    name);
	return 0;
}

int
conf_load(const char *name, const char *path, const struct conf_key *keys,
	conf_fn *fn, void *arg, struct err *e)
{
	struct buf file, text;
	int rc = -1;

	buf_init(&file, 4096);
	buf_init(&text, FILE_BYTES_MAX);
	if (conf_find(name, path, &file, e) == -1)
		goto out;
	if (file.len == 0) {
		rc = 0;
		goto out;
	}
	if (file_read_own(file.data, &text, e) == -1)
		goto out;
	rc = conf_parse(text.data, text.len, file.data, keys, fn, arg, e);
out:
	buf_clear(&file);
	buf_clear(&text);
	return rc;
}
