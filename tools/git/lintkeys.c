/* SPDX-License-Identifier: ISC */
#include "lintkeys.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/esc.h"
#include "gitid.h"
#include "keydir.h"
#include "keyrules.h"
#include "sys/file.h"
#include "ui/emit.h"
#include "ui/log.h"

#define FILE_MAX_BYTES	((size_t)64 << 20)

struct lint {
	const char *path;
	const char *shown;	/* path, escaped */
	bool json;
	size_t bad;
	struct keylist keys;
};

/* file: escaped. meant: by git.conf, and no mistake of the file's. */
static void
left_out(struct lint *l, const char *file, const char *why, bool meant)
{
	struct emit j;

	l->bad += !meant;
	if (l->json) {
		emit_begin(&j);
		emit_str(&j, "event", meant ? "denied" : "bad");
		emit_str(&j, "file", file);
		emit_str(&j, "why", why);
		(void)emit_end(&j, stdout);
		return;
	}
	printf("%s: left out: %s\n", file, why);
}

static void
bad(struct lint *l, const char *file, const char *why)
{
	left_out(l, file, why, false);
}

static void
on_bad(void *arg, const char *file, const struct err *why)
{
	left_out(arg, file, why->msg, why->code == ERR_REFUSED);
}

static void
on_dup(void *arg, const struct keylist_key *key,
    const struct keylist_key *first)
{
	char why[ERR_MSG_MAX];

	snprintf(why, sizeof(why), "the same key as %s, which counts",
	    first->where);
	bad(arg, key->where, why);
}

static void
good(const struct lint *l, const struct keylist_key *k)
{
	char fp[KEYLINE_FP_TEXT];
	struct emit j;

	keyline_fp_text(k->fp, fp);
	if (!l->json) {
		printf("%s: %s%s%s %s\n", k->where, k->id,
		    k->id[0] != '\0' ? " " : "", k->type, fp);
		return;
	}
	emit_begin(&j);
	emit_str(&j, "event", "key");
	emit_str(&j, "file", k->where);
	emit_str(&j, "id", k->id[0] != '\0' ? k->id : NULL);
	emit_str(&j, "type", k->type);
	emit_str(&j, "fingerprint", fp);
	(void)emit_end(&j, stdout);
}

/* One file of a keydir. */
static int
one_pub(struct lint *l, const struct strv *denied, struct err *e)
{
	struct err why = ERR_INIT;
	char id[GITID_MAX + 1];
	struct buf text;
	struct keyline k;
	int rc = 0;

	buf_init(&text, KEYLINE_MAX + 2);
	if (file_read(l->path, &text, &why) == -1 ||
	    gitid_from_path(l->path, id, &why) == -1 ||
	    keyline_parse(text.data, text.len, &k, &why) == -1)
		bad(l, l->shown, why.msg);
	else if (gitid_denied(NULL, id) || (denied != NULL &&
	    gitid_denied(denied, id)))
		left_out(l, l->shown, "no gateway may speak for this id",
		    true);
	else
		rc = keylist_add(&l->keys, id, &k, l->shown, e);
	buf_clear(&text);
	return rc;
}

/* A line of an authorized_keys file. */
static int
one_line(struct lint *l, unsigned n, const char *p, size_t len,
    struct err *e)
{
	size_t blank = strspn(p, " \t\r\n");
	struct err why = ERR_INIT;
	struct authkeys_line line;
	struct keyline k;
	struct buf where;
	int rc = 0;

	if (blank >= len || p[blank] == '#')
		return 0;
	buf_init(&where, 8192);
	if (buf_addf(&where, "%s:%u", l->shown, n) == -1)
		rc = err_set(e, ERR_MEM, "out of memory");
	else if (authkeys_parse(p, len, &line, &why) == -1 ||
	    keyline_of(&line, &k, &why) == -1)
		bad(l, where.data, why.msg);
	else
		rc = keylist_add(&l->keys, "", &k, where.data, e);
	buf_clear(&where);
	return rc;
}

static int
each_line(struct lint *l, struct err *e)
{
	const char *p, *end, *nl;
	struct buf text;
	unsigned n = 1;
	int rc;

	buf_init(&text, FILE_MAX_BYTES);
	rc = file_read(l->path, &text, e);
	end = text.data + text.len;
	for (p = text.data; rc == 0 && p < end; p = nl + 1, n++) {
		nl = memchr(p, '\n', (size_t)(end - p));
		if (nl == NULL)
			nl = end;
		rc = one_line(l, n, p, (size_t)(nl - p), e);
	}
	buf_clear(&text);
	return rc;
}

static int
look(struct lint *l, const struct strv *denied, struct err *e)
{
	size_t n = strlen(l->path);
	struct stat st;

	if (stat(l->path, &st) == -1)
		return err_sys(e, "%s", l->path);
	if (S_ISDIR(st.st_mode))
		return keydir_read(l->path, denied, &l->keys, on_bad, l, e);
	if (n > 4 && strcmp(l->path + n - 4, ".pub") == 0)
		return one_pub(l, denied, e);
	return each_line(l, e);
}

int
lintkeys_main(const char *path, const struct strv *denied, bool json)
{
	struct lint l = { .path = path, .json = json };
	struct err e = ERR_INIT;
	struct buf shown;
	size_t i;
	int rc;

	buf_init(&shown, 65536);
	rc = esc_text(&shown, path, strlen(path)) == -1 ?
	    err_set(&e, ERR_MEM, "out of memory") : 0;
	l.shown = shown.data;
	if (rc == 0)
		rc = look(&l, denied, &e);
	if (rc == 0)
		rc = keyrules_unique(&l.keys, NULL, on_dup, &l, &e);
	for (i = 0; rc == 0 && i < l.keys.n; i++)
		good(&l, &l.keys.v[i]);
	if (rc == 0 && (fflush(stdout) != 0 || ferror(stdout)))
		rc = err_sys(&e, "standard output");
	keylist_clear(&l.keys);
	buf_clear(&shown);
	if (rc == -1)
		return log_err(&e);
	return l.bad > 0 ? 1 : 0;
}
