/* SPDX-License-Identifier: ISC */
#include "gitprobe.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/esc.h"
#include "base/num.h"

static const struct {
	enum gitprobe probe;
	const char *command, *verb;
} table[] = {
	{ GITPROBE_INFO, GITPROBE_C_INFO, "info" },
	{ GITPROBE_GIT, GITPROBE_C_GIT, "git-upload-pack" },
	{ GITPROBE_STATUS, GITPROBE_C_STATUS, GITPROBE_C_STATUS },
	{ GITPROBE_PUSH, GITPROBE_C_PUSH, GITPROBE_C_PUSH },
};
#define ROWS (sizeof(table) / sizeof(*table))

int
gitprobe_parse(const struct gitwire *w, enum gitprobe *ret, struct err *e)
{
	size_t i;

	for (i = 0; i < ROWS; i++)
		if (w->command_len == strlen(table[i].command) &&
		    memcmp(w->command, table[i].command, w->command_len) == 0)
			break;
	if (i == ROWS)
		return err_set(e, ERR_REFUSED, GITID_CHECK " is no user, and "
		    "may ask whether all works, nothing else");
	if (table[i].probe == GITPROBE_GIT &&
	    strcmp(w->gitproto, "version=2") != 0)
		return err_set(e, ERR_REFUSED, "a check asks in version 2 of "
		    "git's protocol, and that did not come here");
	*ret = table[i].probe;
	return 0;
}

const char *
gitprobe_verb(enum gitprobe p)
{
	size_t i;

	for (i = 0; i < ROWS; i++)
		if (table[i].probe == p)
			return table[i].verb;
	return "-";
}

/* What follows head in the line of text that begins with it, up to the line's
 * end; NULL: there is none. A login shell may have greeted before. */
static const char *
after(const char *text, const char *head, size_t *ret_len)
{
	size_t n = strlen(head);
	const char *p = text, *nl;

	for (; *p != '\0'; p = nl + (*nl != '\0')) {
		nl = strchrnul(p, '\n');
		if (strncmp(p, head, n) != 0)
			continue;
		*ret_len = (size_t)(nl - p) - n;
		return p + n;
	}
	return NULL;
}

static bool
has(const char *p, size_t len, const char *word)
{
	return memmem(p, len, word, strlen(word)) != NULL;
}

bool
gitprobe_way(const char *text, struct gitprobe_way *ret)
{
	struct buf shown;
	size_t len;
	const char *p = after(text, GITPROBE_WORD "ip=", &len);

	if (p == NULL)
		return false;
	ret->ip = len > 0 && *p != '-';
	ret->version2 = has(p, len, " gitproto=version=2 ");
	ret->gitolite = !has(p, len, " serves=another");
	buf_init(&shown, 4 * sizeof(ret->shown));
	if (esc_text(&shown, p, len < 100 ? len : 100) == -1)
		buf_clear(&shown);
	snprintf(ret->shown, sizeof(ret->shown), "ip=%s", shown.data);
	buf_clear(&shown);
	return true;
}

/* "name=N " at *at. */
static bool
number(const char **at, const char *end, const char *name, uint64_t *ret)
{
	size_t n = strlen(name), len;
	const char *blank;
	char word[24];

	if ((size_t)(end - *at) < n || memcmp(*at, name, n) != 0)
		return false;
	*at += n;
	blank = memchr(*at, ' ', (size_t)(end - *at));
	len = (size_t)((blank != NULL ? blank : end) - *at);
	if (len == 0 || len >= sizeof(word))
		return false;
	memcpy(word, *at, len);
	word[len] = '\0';
	*at += len + (blank != NULL);
	return num_u64(word, "", 0, INT64_MAX, ret, NULL) == 0;
}

static int
none(const char *what, struct err *e)
{
	return err_set(e, ERR_PEER, "the git server does not say %s: is its "
	    "postern older than this one?", what);
}

int
gitprobe_keys(const char *text, struct gitprobe_keys *ret, struct err *e)
{
	struct gitprobe_keys k = { 0 };
	size_t len;
	const char *p = after(text, GITPROBE_WORD "sequence=", &len), *end;

	if (p == NULL)
		return none("how its last push ended", e);
	end = p + len;
	if (!number(&p, end, "", &k.sequence) ||
	    !number(&p, end, "keys=", &k.keys) ||
	    !number(&p, end, "pushed=", &k.pushed) ||
	    !number(&p, end, "taken=", &k.taken) || p == end)
		return none("how its last push ended", e);
	k.ok = (size_t)(end - p) == 6 && memcmp(p, "ok=yes", 6) == 0;
	*ret = k;
	return 0;
}

int
gitprobe_pushed(const char *text, struct gitprobe_keys *ret, struct err *e)
{
	struct gitprobe_keys k = { 0 };
	size_t len;
	const char *p = after(text, GITPROBE_WORD "pushed=", &len), *end;

	if (p == NULL)
		return none("that it has pushed the keys", e);
	end = p + len;
	if (!number(&p, end, "", &k.sequence) ||
	    !number(&p, end, "keys=", &k.keys))
		return none("that it has pushed the keys", e);
	k.ok = true;
	*ret = k;
	return 0;
}
