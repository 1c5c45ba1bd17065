/* SPDX-License-Identifier: ISC */
#include "gitcmd_table.h"

#include <string.h>

#include "gitid.h"

#define G	GITCMD_GITOLITE
#define W	true		/* it writes to REPO */

/* Source: the usage texts of gitolite 3.6.12's commands. Those that run
 * other programs with the peer's words (rsync, svnserve, git-annex-shell),
 * speak for others (mirror) or are not meant for a remote user (access, push,
 * sudo, ...) are not here, so that no setting can open them. */
const struct gitcmd_row gitcmd_rows[] = {
	{ "git-upload-pack", "'REPO'", GITCMD_GIT },
	{ "git-upload-archive", "'REPO'", GITCMD_GIT },
	{ "git-receive-pack", "'REPO'", GITCMD_GIT, W },
	/* Early clients of LFS add the object's id. */
	{ "git-lfs-authenticate", "REPO download [HEX]", GITCMD_LFS },
	{ "git-lfs-authenticate", "REPO upload [HEX]", GITCMD_LFS, W },
	{ "git-lfs-transfer", "REPO download", GITCMD_LFS },
	{ "git-lfs-transfer", "REPO upload", GITCMD_LFS, W },
	{ "help", "[-h]", G },
	{ "info", "[-h|-lc|-ld|-json|-p]... [WORD]", G },
	{ "desc", "-h", G },
	{ "desc", "REPO", G },
	{ "desc", "REPO TEXT", G, W },
	{ "perms", "-h", G },
	{ "perms", "REPO -l|-lr", G },
	{ "perms", "REPO +|- WORD USER", G, W },
	{ "perms", "-c NEWREPO", G },
	{ "perms", "-c NEWREPO + WORD USER", G },
	{ "writable", "-h", G },
	{ "writable", "REPO|@all status", G },
	/* @all is the administrators': not through a gateway. */
	{ "writable", "REPO on", G, W },
	{ "writable", "REPO off [TEXT]", G, W },
	{ "create", "-h", G },
	{ "create", "NEWREPO", G },
	{ "fork", "-h", G },
	{ "fork", "REPO NEWREPO", G },
	{ "D", "-h|list-trash", G },
	{ "D", "lock|unlock|rm|trash REPO", G, W },
	{ "D", "restore WORD", G, W },
	{ "readme", "-h", G },
	{ "readme", "REPO", G },
	{ "readme", "REPO set|rm", G, W },
	{ "motd", "-h", G },
	{ "motd", "REPO|@all set|rm", G, W },
	{ "option", "-h", G },
	{ "option", "REPO list", G },
	{ "option", "REPO del WORD", G, W },
	{ "option", "REPO add WORD WORD", G, W },
	{ "config", "-h", G },
	{ "config", "REPO --list", G },
	{ "config", "REPO --get-all WORD", G },
	{ "config", "REPO --unset-all WORD", G, W },
	{ "config", "REPO --add WORD WORD", G, W },
	{ "who-pushed", "-h", G },
	{ "who-pushed", "REPO HEX", G },
	{ "who-pushed", "--tip REPO HEX", G },
	{ "lock", "-h", G },
	{ "lock", "-ls REPO", G },
	{ "lock", "-l|-u|--break REPO WORD", G, W },
	{ "newbranch", "-h", G },
	{ "newbranch", "REPO WORD WORD", G, W },
	{ "symbolic-ref", "-h", G },
	{ "symbolic-ref", "REPO WORD", G },
	{ "symbolic-ref", "REPO WORD WORD", G, W },
	{ "sskm", "[-h|list]", G },
	/* To gitolite-admin, if to no repository that it names. */
	{ "sskm", "add|del|undo-add|confirm-add|confirm-del WORD", G, W },
	{ NULL }
};

const struct gitcmd_stranger gitcmd_strangers[] = {
	{ "git", "git's clients send git-upload-pack and its like with a "
	    "dash" },
	{ "USER=*", "this is for gitolite's mirrors, which do not come "
	    "through here" },
	{ "CREATOR=*", "this is for gitolite's mirrors, which do not come "
	    "through here" },
	{ "mirror", "this is for gitolite's mirrors, which do not come "
	    "through here" },
	{ "*sftp-server", "no files are copied here (sftp), only git's "
	    "repositories" },
	{ "internal-sftp", "no files are copied here (sftp), only git's "
	    "repositories" },
	{ "scp", "no files are copied here (scp), only git's repositories" },
	{ "rsync", "no files are copied here (rsync), only git's "
	    "repositories" },
	{ "git-annex-shell", "git-annex is not served here" },
	{ "sh", "there is no shell here" },
	{ "bash", "there is no shell here" },
	{ "*/sh", "there is no shell here" },
	{ "*/bash", "there is no shell here" },
	{ NULL }
};

static bool
is(const char *t, size_t n, const char *want)
{
	return strlen(want) == n && memcmp(t, want, n) == 0;
}

/* One of the words of a|b|c. */
static bool
among(const char *t, size_t n, const char *word)
{
	size_t len = strlen(word), part;
	const char *bar;

	for (;; t += part + 1, n -= part + 1) {
		bar = memchr(t, '|', n);
		part = bar != NULL ? (size_t)(bar - t) : n;
		if (part == len && memcmp(t, word, len) == 0)
			return true;
		if (bar == NULL)
			return false;
	}
}

static bool
user(const char *s)
{
	s += *s == '@';
	return gitid_valid(s, strlen(s));
}

static bool
hex(const char *s)
{
	size_t n = strspn(s, "0123456789abcdefABCDEF");

	return n >= 1 && n <= 64 && s[n] == '\0';
}

/* Whether the token t of n bytes takes word i. Whether REPO is a name is
 * looked at later, with a reason. */
static bool
takes(const char *t, size_t n, const struct gitword *line, size_t i)
{
	const char *word = line->words.v[i];
	bool option = word[0] == '-';

	if (is(t, n, "'REPO'"))
		return (line->quoted >> i & 1) != 0 && !option;
	if (is(t, n, "REPO") || is(t, n, "NEWREPO"))
		return !option && word[0] != '@';
	if (is(t, n, "REPO|@all"))
		return !option && (word[0] != '@' ||
		    strcmp(word, "@all") == 0);
	if (is(t, n, "USER"))
		return user(word);
	if (is(t, n, "HEX"))
		return hex(word);
	if (is(t, n, "WORD"))
		return !option;
	return among(t, n, word);
}

/* The token at shape: its end, and what is in its brackets, if it has any. */
static const char *
token(const char *shape, const char **ret, size_t *ret_len, bool *ret_maybe,
    bool *ret_again)
{
	size_t n = strcspn(shape, " ");
	const char *close;

	*ret = shape;
	*ret_len = n;
	*ret_maybe = shape[0] == '[';
	*ret_again = false;
	if (*ret_maybe) {
		close = memchr(shape, ']', n);
		*ret = shape + 1;
		*ret_len = (size_t)(close - shape) - 1;
		*ret_again = close + 1 < shape + n;	/* "..." */
	}
	return shape + n + strspn(shape + n, " ");
}

bool
gitcmd_fits(const char *shape, const struct gitword *line)
{
	bool maybe, again;
	const char *t;
	size_t n, i = 1;

	while (*shape != '\0') {
		shape = token(shape, &t, &n, &maybe, &again);
		if (is(t, n, "TEXT"))
			return maybe || i < line->words.n;
		if (i == line->words.n || !takes(t, n, line, i)) {
			if (!maybe)
				return false;
			continue;
		}
		do
			i++;
		while (again && i < line->words.n && takes(t, n, line, i));
	}
	return i == line->words.n;
}

const char *
gitcmd_token(const char *shape, size_t i, size_t *ret_len)
{
	bool maybe, again;
	const char *t;

	while (*shape != '\0') {
		shape = token(shape, &t, ret_len, &maybe, &again);
		if (maybe || is(t, *ret_len, "TEXT"))
			break;
		if (--i == 0)
			return t;
	}
	return NULL;
}
