/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "authindex.h"
#include "keyupdate_priv.h"

/* The end of a forced command that a check's key has. */
#define CHECK		" " GITID_CHECK "\" "
#define INDEX_HEAD	64	/* bytes that name the sequence: authindex.h */

/* What follows the first line, which names the sequence. */
static bool
same_lines(const struct keystore_map *m, const struct buf *text)
{
	const char *a = memchr(m->p, '\n', m->len);
	const char *b = memchr(text->data, '\n', text->len);
	size_t n;

	if (a == NULL || b == NULL)
		return false;
	n = m->len - (size_t)(a - (const char *)m->p);
	return n == text->len - (size_t)(b - text->data) &&
	    memcmp(a, b, n) == 0;
}

/* Whether authgen's lines have a check's key among them. */
static bool
has_check(const char *text, size_t len)
{
	return memmem(text, len, CHECK, sizeof(CHECK) - 1) != NULL;
}

/* Whether generation gen has these keys; how many it has into *ret_count, a
 * check's one into *ret_checked. One that can't be read has none: the next
 * push is what mends it. */
static bool
has(const struct update *u, uint64_t gen, size_t *ret_count,
    bool *ret_checked)
{
	struct keystore_map text = { 0 }, ix = { 0 }, who = { 0 };
	struct authindex x;
	struct err why = ERR_INIT;
	bool same = false;

	*ret_count = 0;
	*ret_checked = false;
	if (gen == 0)
		return false;
	if (keystore_map(&u->store, gen, "authorized_keys", &text, &why) ==
	    0 && keystore_map(&u->store, gen, "index", &ix, &why) == 0 &&
	    authindex_parse(ix.p, ix.len, &x, &why) == 0) {
		*ret_checked = has_check(text.p, text.len);
		*ret_count = x.count - *ret_checked;
		same = same_lines(&text, &u->text) &&
		    ix.len == u->index.len &&
		    memcmp((const char *)ix.p + INDEX_HEAD, u->index.data +
		    INDEX_HEAD, ix.len - INDEX_HEAD) == 0 &&
		    keystore_map(&u->store, gen, "principals", &who, &why) ==
		    0 && who.len == u->principals.len &&
		    memcmp(who.p, u->principals.data, who.len) == 0;
	}
	if (why.code != ERR_NONE)
		syslog(LOG_ERR, "%s", why.msg);
	keystore_unmap(&text);
	keystore_unmap(&ix);
	keystore_unmap(&who);
	return same;
}

bool
keyupdate_has(struct update *u, size_t *ret_count)
{
	u->check = has_check(u->text.data, u->text.len);
	return has(u, u->before, ret_count, &u->checked);
}

bool
keyupdate_rolled_back(const struct update *u)
{
	uint64_t *v = NULL;
	bool newer;
	size_t n = 0;

	if (keystore_list(&u->store, &v, &n, NULL) == -1)
		return false;
	newer = n > 0 && v[n - 1] > u->before;
	free(v);
	return newer;
}

/* The generation before that in force, if it has these keys: the one that a
 * check's key stands behind. 0: it hasn't. */
static int
way_back(const struct update *u, uint64_t *ret, struct err *e)
{
	uint64_t *v = NULL, older = 0;
	size_t i, n = 0, count;
	bool checked;

	*ret = 0;
	if (!u->checked || u->check)
		return 0;
	if (keystore_list(&u->store, &v, &n, e) == -1)
		return -1;
	for (i = 0; i < n && v[i] < u->before; i++)
		older = v[i];
	free(v);
	if (has(u, older, &count, &checked))
		*ret = older;
	return 0;
}

int
keyupdate_put(const struct update *u, struct err *e)
{
	const struct keystore_files files = { &u->text, &u->index,
		&u->principals };
	uint64_t back;

	if (way_back(u, &back, e) == -1)
		return -1;
	if (back != 0)
		return keystore_switch(&u->store, back, e);
	if (keystore_put(&u->store, u->head.sequence, &files, &u->keys,
	    e) == -1)
		return -1;
	return keystore_switch(&u->store, u->head.sequence, e);
}

/* Generations to be rolled back to are those that people were in. Once the
 * sequence is noted: a generation's number is the other place where it is. */
int
keyupdate_tidy(const struct update *u, struct err *e)
{
	uint64_t now;

	if (keystore_current(&u->store, &now, e) == -1)
		return -1;
	if (u->checked && u->before != now &&
	    keystore_drop(&u->store, u->before, e) == -1)
		return -1;
	/* A check's is one too many, for as long as it is there. */
	return u->check ? 0 : keystore_prune(&u->store, u->conf->generations,
	    e);
}
