/* SPDX-License-Identifier: ISC */
#include "gitid.h"

#include <string.h>

#include "base/buf.h"
#include "base/esc.h"

#define PENDING	"zzz-marked-for-"

static const char *const denied[] = { "server-*", PENDING "*", GITID_CHECK,
	NULL };

static bool
alnum(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	    (c >= '0' && c <= '9');
}

static bool
ours(char c)
{
	return alnum(c) || (c != '\0' && strchr("._@+-", c) != NULL);
}

/* The first byte that is not as it should be; len: none. */
static size_t
odd(const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (i == 0 ? !alnum(s[i]) : !ours(s[i]))
			break;
	return i;
}

bool
gitid_valid(const char *s, size_t len)
{
	return len >= 1 && len <= GITID_MAX && odd(s, len) == len;
}

/* s, escaped and in quotes, in front of why. */
static int
refuse(struct err *e, const char *s, size_t len, const char *why)
{
	struct buf shown;

	buf_init(&shown, 1024);
	if (esc_text(&shown, s, len < 100 ? len : 100) == -1)
		buf_clear(&shown);
	err_set(e, ERR_CONFIG, "'%s' %s", shown.data, why);
	buf_clear(&shown);
	return -1;
}

int
gitid_check(const char *s, size_t len, struct err *e)
{
	size_t i = odd(s, len);

	if (len == 0)
		return err_set(e, ERR_CONFIG, "a key id is empty");
	if (i < len)
		return refuse(e, s, len, i == 0 ? "is no key id: it has to "
		    "begin with a letter or a digit" : "is no key id: it may "
		    "have letters, digits and ._@+- only");
	if (len > GITID_MAX)
		return refuse(e, s, len, "is no key id: it is longer than 64 "
		    "bytes");
	return 0;
}

/* Bytes of base (n of them, without ".pub") that are the user's name. */
static size_t
user_len(const char *base, size_t n)
{
	const char *dot = memrchr(base, '.', n), *at;
	size_t from = dot != NULL ? (size_t)(dot - base) + 1 : 0;

	/* [^.]+ takes further '@' too, so the first one after the last dot
	 * begins it; it has to have a character behind it. */
	at = memchr(base + from, '@', n - from);
	return at != NULL && (size_t)(at - base) + 1 < n ?
	    (size_t)(at - base) : n;
}

int
gitid_from_path(const char *path, char ret[GITID_MAX + 1], struct err *e)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash != NULL ? slash + 1 : path;
	size_t n = strlen(base);

	if (n < 4 || memcmp(base + n - 4, ".pub", 4) != 0)
		return refuse(e, base, n, "is no key file: its name does not "
		    "end in .pub");
	n = user_len(base, n - 4);
	if (n >= sizeof(PENDING) - 1 &&
	    memcmp(base, PENDING, sizeof(PENDING) - 1) == 0)
		return err_set(e, ERR_REFUSED, "a key that sskm holds back, "
		    "no user's");
	if (gitid_check(base, n, e) == -1)
		return -1;
	memcpy(ret, base, n);
	ret[n] = '\0';
	return 0;
}

int
gitid_pattern(const char *pattern, struct err *e)
{
	size_t i;

	for (i = 0; pattern[i] != '\0'; i++) {
		if (pattern[i] == '*' || (i == 0 ? alnum(pattern[i]) :
		    ours(pattern[i])))
			continue;
		return refuse(e, pattern, strlen(pattern), "fits no key id: "
		    "they begin with a letter or a digit and have "
		    "letters, digits and ._@+- only");
	}
	return 0;
}

bool
gitid_like(const char *pattern, const char *s)
{
	const char *star = NULL, *again = NULL;

	/* Of several stars only the last one ever has to be tried anew. */
	while (*s != '\0') {
		if (*pattern == '*') {
			star = ++pattern;
			again = s;
		} else if (*pattern == *s) {
			pattern++;
			s++;
		} else if (star != NULL) {
			pattern = star;
			s = ++again;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

bool
gitid_denied(const struct strv *patterns, const char *id)
{
	size_t i;

	if (patterns == NULL) {
		for (i = 0; denied[i] != NULL; i++)
			if (gitid_like(denied[i], id))
				return true;
		return false;
	}
	for (i = 0; i < patterns->n; i++)
		if (gitid_like(patterns->v[i], id))
			return true;
	return false;
}
