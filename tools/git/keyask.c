/* SPDX-License-Identifier: ISC */
#include "keyask.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "keybase.h"
#include "keystore.h"
#include "ui/emit.h"
#include "ui/log.h"

#define COMMAND "restrict,command=\""	/* authgen_line() */

/* What is in force, as it is read for one question. */
struct in_force {
	struct keystore store;
	struct keystore_map map;
	struct authindex x;
	struct keylist base;
	uint64_t gen;
};

/* gen 0: no keys have come from the git server. */
static int
load(struct in_force *f, const char *keys, const char *base, struct err *e)
{
	struct err why = ERR_INIT;
	int rc;

	f->x = (struct authindex){ .text = "" };
	if (keybase_read(base, &f->base, NULL, NULL, e) == -1)
		return -1;
	rc = keystore_open(keys, &f->store, &why);
	if (rc == -1 && why.code == ERR_SYS && why.sys_errno == ENOENT)
		return 0;
	if (rc == -1) {
		if (e != NULL)
			*e = why;
		return -1;
	}
	if (keystore_current(&f->store, &f->gen, e) == -1)
		return -1;
	if (f->gen == 0)
		return 0;
	if (keystore_map(&f->store, f->gen, "index", &f->map, e) == -1 ||
	    authindex_parse(f->map.p, f->map.len, &f->x, e) == -1)
		return -1;
	return 0;
}

static void
unload(struct in_force *f)
{
	keylist_clear(&f->base);
	keystore_unmap(&f->map);
	keystore_close(&f->store);
}

bool
keyask_id(const char *line, size_t len, char ret[GITID_MAX + 1])
{
	size_t head = sizeof(COMMAND) - 1, n;
	const char *end, *blank;

	if (len < head || memcmp(line, COMMAND, head) != 0)
		return false;
	end = memchr(line + head, '"', len - head);
	blank = end != NULL ? memrchr(line + head, ' ',
	    (size_t)(end - line) - head) : NULL;
	if (blank == NULL)
		return false;
	n = (size_t)(end - blank) - 1;
	if (!gitid_valid(blank + 1, n))
		return false;
	memcpy(ret, blank + 1, n);
	ret[n] = '\0';
	return true;
}

static bool
line_is(const char *line, size_t len, const char *id)
{
	char got[GITID_MAX + 1];

	return keyask_id(line, len, got) && strcmp(got, id) == 0;
}

/* The next line of x's text that is id's, from *at on; NULL: none. */
static const char *
next_of(const struct authindex *x, const char **at, const char *id,
    size_t *ret_len)
{
	const char *end = x->text + x->text_len, *p, *nl;

	for (p = *at; p < end; p = nl + 1) {
		nl = memchr(p, '\n', (size_t)(end - p));
		if (nl == NULL)
			return NULL;
		if (line_is(p, (size_t)(nl - p), id)) {
			*at = nl + 1;
			*ret_len = (size_t)(nl - p);
			return p;
		}
	}
	return NULL;
}

static bool
has_id(const struct keylist *base, const char *id)
{
	size_t i;

	/* A line without an id is no id's. */
	for (i = 0; base != NULL && *id != '\0' && i < base->n; i++)
		if (strcmp(base->v[i].id, id) == 0)
			return true;
	return false;
}

static const struct keylist_key *
among(const struct keylist *base, const unsigned char fp[KEYLINE_FP])
{
	size_t i;

	for (i = 0; base != NULL && i < base->n; i++)
		if (memcmp(base->v[i].fp, fp, KEYLINE_FP) == 0)
			return &base->v[i];
	return NULL;
}

bool
keyask_holds(const struct authindex *x, const struct keylist *base,
    const char *id, const char *fp)
{
	unsigned char sum[KEYLINE_FP];
	const char *line, *at = x->text;
	size_t len;

	if (strcmp(fp, "-") == 0)
		return has_id(base, id) || next_of(x, &at, id, &len) != NULL;
	if (keyline_fp_parse(fp, sum, NULL) == -1)
		return false;
	return among(base, sum) != NULL ||
	    (authindex_find(x, sum, &line, &len, NULL) == 0 && line != NULL &&
	    line_is(line, len, id));
}

int
keyask_still(const char *keys, const char *base, const char *id,
    const char *fp, struct err *e)
{
	struct in_force f = { .store = KEYSTORE_INIT };
	int rc;

	rc = load(&f, keys, base, e);
	if (rc == 0 && !keyask_holds(&f.x, &f.base, id, fp))
		rc = err_set(e, ERR_REFUSED, "the key was revoked, or it came "
		    "by no push");
	unload(&f);
	return rc;
}

static void
say(const struct in_force *f, const char *line, size_t len, bool json)
{
	char id[GITID_MAX + 1] = "", fp[KEYLINE_FP_TEXT];
	struct authkeys_line parts;
	struct keyline k;
	struct emit j;

	if (!keyask_id(line, len, id) ||
	    authkeys_parse(line, len, &parts, NULL) == -1 ||
	    keyline_of(&parts, &k, NULL) == -1)
		return;
	keyline_fp_text(k.fp, fp);
	if (!json) {
		printf("%s %.*s %s, in force since sequence %" PRIu64 "\n",
		    id, (int)k.line.type.len, k.line.type.p, fp, f->gen);
		return;
	}
	emit_begin(&j);
	emit_str(&j, "event", "key");
	emit_str(&j, "id", id);
	emit_strn(&j, "type", k.line.type.p, k.line.type.len);
	emit_str(&j, "fingerprint", fp);
	emit_num(&j, "sequence", (int64_t)f->gen);
	(void)emit_end(&j, stdout);
}

static int
by_fp(const struct in_force *f, const char *fp, bool json, struct err *e)
{
	unsigned char sum[KEYLINE_FP];
	const struct keylist_key *k;
	const char *line;
	size_t len;

	if (keyline_fp_parse(fp, sum, e) == -1)
		return -1;
	k = among(&f->base, sum);
	if (k != NULL)
		return err_set(e, ERR_REFUSED, "%s is a key of root's own, in "
		    "%s: no id has it", fp, k->where);
	if (authindex_find(&f->x, sum, &line, &len, e) == -1)
		return -1;
	if (line == NULL)
		return err_set(e, ERR_REFUSED, "%s is nobody's key here, as of "
		    "sequence %" PRIu64, fp, f->gen);
	say(f, line, len, json);
	return 0;
}

static int
by_id(const struct in_force *f, const char *id, bool json, struct err *e)
{
	const char *at = f->x.text, *line;
	size_t len, n = 0;

	if (gitid_check(id, strlen(id), e) == -1)
		return -1;
	for (; (line = next_of(&f->x, &at, id, &len)) != NULL; n++)
		say(f, line, len, json);
	return n > 0 ? 0 : err_set(e, ERR_REFUSED, "%s has no key here, as of "
	    "sequence %" PRIu64, id, f->gen);
}

int
keyask_main(const char *keys, const char *base, const char *id,
    const char *fp, bool json)
{
	struct in_force f = { .store = KEYSTORE_INIT };
	struct err e = ERR_INIT;
	int rc = -1;

	if (keystore_become(keys, &e) == -1 || load(&f, keys, base, &e) == -1)
		;
	else if (f.gen == 0)
		err_set(&e, ERR_REFUSED, "%s: no keys have come from the git "
		    "server yet", keys);
	else
		rc = fp != NULL ? by_fp(&f, fp, json, &e) :
		    by_id(&f, id, json, &e);
	if (rc == 0 && (fflush(stdout) != 0 || ferror(stdout)))
		rc = err_sys(&e, "standard output");
	unload(&f);
	return rc == 0 ? 0 : log_err(&e);
}
