/* SPDX-License-Identifier: ISC */
#include "rdluks.h"

#include <string.h>
#include <strings.h>

#define BLANKS		" \t\n"
#define PREFIX		"luks-"
#define NAME		"rd.luks.name="
#define DISCARDS	"rd.luks.allow-discards"

static int
copy(const char *s, size_t len, char ret[LUKSHDR_UUID])
{
	char uuid[LUKSHDR_UUID];

	if (len >= sizeof(uuid))
		return -1;
	memcpy(uuid, s, len);
	uuid[len] = '\0';
	if (!lukshdr_uuid(uuid))
		return -1;
	memcpy(ret, uuid, len + 1);
	return 0;
}

static bool
begins(const char *s, size_t len, const char *with)
{
	return len >= strlen(with) && memcmp(s, with, strlen(with)) == 0;
}

/* The word at *p or behind it, and its length; *p is moved behind that. NULL:
 * there is none. */
static const char *
next(const char **p, size_t *len)
{
	const char *word = *p + strspn(*p, BLANKS);

	*len = strcspn(word, BLANKS);
	*p = word + *len;
	return *len > 0 ? word : NULL;
}

int
rdluks_uuid(const char *cmdline, const char *name, char ret[LUKSHDR_UUID])
{
	const char *w, *eq;
	size_t n;

	while ((w = next(&cmdline, &n)) != NULL) {
		if (!begins(w, n, NAME))
			continue;
		w += strlen(NAME);
		n -= strlen(NAME);
		if (begins(w, n, PREFIX)) {
			w += strlen(PREFIX);
			n -= strlen(PREFIX);
		}
		eq = memchr(w, '=', n);
		if (eq != NULL && strlen(name) == n - (size_t)(eq + 1 - w) &&
		    memcmp(eq + 1, name, strlen(name)) == 0)
			return copy(w, (size_t)(eq - w), ret);
	}
	if (strncmp(name, PREFIX, strlen(PREFIX)) != 0)
		return -1;
	return copy(name + strlen(PREFIX), strlen(name + strlen(PREFIX)), ret);
}

int
rdluks_crypttab(const char *crypttab, const char *name,
    char ret[LUKSHDR_UUID])
{
	static const char *const begin[] = { "UUID=", "/dev/disk/by-uuid/" };
	size_t len, i, n = strlen(name);
	const char *line, *w;

	for (line = crypttab; *line != '\0'; line += *line == '\n') {
		w = line + strspn(line, " \t");
		line += strcspn(line, "\n");
		len = strcspn(w, BLANKS);
		if (*w == '#' || len != n || memcmp(w, name, n) != 0)
			continue;
		w += len;
		w += strspn(w, " \t");
		len = strcspn(w, BLANKS);
		for (i = 0; i < sizeof(begin) / sizeof(begin[0]); i++)
			if (begins(w, len, begin[i]))
				return copy(w + strlen(begin[i]), len -
				    strlen(begin[i]), ret);
		return -1;
	}
	return -1;
}

/* As dracut's getargbool: a word alone, or one of those, is yes. */
static bool
yes(const char *v, size_t n)
{
	static const char *const words[] = { "1", "yes", "on", "true" };
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strlen(words[i]) == n && memcmp(words[i], v, n) == 0)
			return true;
	return n == 0;
}

bool
rdluks_discards(const char *cmdline, const char *uuid)
{
	const char *w;
	size_t n;

	while ((w = next(&cmdline, &n)) != NULL) {
		if (!begins(w, n, DISCARDS))
			continue;
		w += strlen(DISCARDS);
		n -= strlen(DISCARDS);
		if (n > 0 && *w != '=')
			continue;
		w += n > 0;
		n -= n > 0;
		if (yes(w, n))
			return true;
		if (begins(w, n, PREFIX)) {
			w += strlen(PREFIX);
			n -= strlen(PREFIX);
		}
		if (n == strlen(uuid) && strncasecmp(w, uuid, n) == 0)
			return true;
	}
	return false;
}
