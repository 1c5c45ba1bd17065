/* SPDX-License-Identifier: ISC */
#include "setup_text.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define BEGIN	"# postern git: begin"
#define END	"# postern git: end"
#define URL	"ssh://"

struct line {
	const char *p;
	size_t len;		/* with its line feed, if it has one */
};

static bool
next(const char **at, const char *end, struct line *l)
{
	const char *nl;

	if (*at == end)
		return false;
	nl = memchr(*at, '\n', (size_t)(end - *at));
	l->p = *at;
	l->len = (size_t)((nl != NULL ? nl + 1 : end) - *at);
	*at += l->len;
	return true;
}

/* Whether the line begins with word, blanks before it aside. */
static bool
begins(const struct line *l, const char *word)
{
	size_t i = 0, n = strlen(word);

	while (i < l->len && (l->p[i] == ' ' || l->p[i] == '\t'))
		i++;
	return l->len - i >= n && memcmp(l->p + i, word, n) == 0;
}

static bool
has(const struct line *l, const char *word)
{
	return memmem(l->p, l->len, word, strlen(word)) != NULL;
}

/* Text without our block. */
static int
without(const char *text, size_t len, struct buf *out, struct err *e)
{
	const char *at = text, *end = text + len;
	bool inside = false;
	struct line l;

	while (next(&at, end, &l)) {
		if (begins(&l, BEGIN) && !inside) {
			inside = true;
		} else if (begins(&l, BEGIN) || begins(&l, END)) {
			if (begins(&l, BEGIN) || !inside)
				return err_set(e, ERR_CONFIG, "'%s' and '%s' "
				    "do not stand in pairs", BEGIN, END);
			inside = false;
		} else if (!inside && buf_add(out, l.p, l.len) == -1) {
			return err_set(e, ERR_MEM, "too long");
		}
	}
	return !inside ? 0 : err_set(e, ERR_CONFIG, "'%s' without '%s'",
	    BEGIN, END);
}

static int
own_code(const struct buf *text, struct err *e)
{
	const char *at = text->data, *end = text->data + text->len;
	struct line l;
	unsigned n = 0;

	while (next(&at, end, &l)) {
		n++;
		if (begins(&l, "#") || (!has(&l, "LOCAL_CODE") &&
		    !has(&l, "push-authkeys")))
			continue;
		return err_set(e, ERR_REFUSED, "line %u sets %s already: take "
		    "it away (what its folder has may go into "
		    "/etc/postern/git/gitolite, which is root's), then run "
		    "this again", n, has(&l, "LOCAL_CODE") ? "LOCAL_CODE" :
		    "push-authkeys");
	}
	return 0;
}

/* Where the last "1;" of text begins, which makes the file true for Perl; or
 * its end. */
static size_t
last_true(const struct buf *text)
{
	const char *at = text->data, *end = text->data + text->len;
	size_t found = text->len;
	struct line l;

	while (next(&at, end, &l))
		if (begins(&l, "1;"))
			found = (size_t)(l.p - text->data);
	return found;
}

int
setup_text_rc(const char *text, size_t len, const char *local_code,
    struct buf *out, struct err *e)
{
	struct buf rest;
	size_t at;
	int rc = -1;

	buf_init(&rest, out->max);
	if (without(text, len, &rest, e) == -1 || own_code(&rest, e) == -1)
		goto out;
	at = last_true(&rest);
	rc = buf_add(out, rest.data, at);
	if (at > 0 && rest.data[at - 1] != '\n')
		rc |= buf_addc(out, '\n');
	rc |= buf_addf(out, BEGIN ", of postern git setup-server\n"
	    "$RC{LOCAL_CODE} = \"%s\";\n"
	    "push @{ $RC{POST_COMPILE} }, 'push-authkeys';\n" END "\n",
	    local_code);
	rc |= at < rest.len ? buf_add(out, rest.data + at, rest.len - at) :
	    buf_adds(out, "1;\n");
	if (rc != 0)
		rc = err_set(e, ERR_MEM, "too long");
out:
	buf_clear(&rest);
	return rc;
}

/* user, host and port of dest; each may be empty. */
static void
parts(const char *dest, struct line *user, struct line *host,
    struct line *port)
{
	const char *p = dest, *at, *colon;
	bool url = strncmp(dest, URL, sizeof(URL) - 1) == 0;

	*user = *host = *port = (struct line){ "", 0 };
	if (url)
		p += sizeof(URL) - 1;
	at = strrchr(p, '@');
	if (at != NULL) {
		*user = (struct line){ p, (size_t)(at - p) };
		p = at + 1;
	}
	*host = (struct line){ p, strlen(p) };
	if (!url)
		return;
	colon = strrchr(p, ':');
	if (*p == '[') {
		at = strchrnul(p, ']');
		*host = (struct line){ p + 1, (size_t)(at - p - 1) };
		colon = *at == ']' && at[1] == ':' ? at + 1 : NULL;
	} else if (colon != NULL) {
		host->len = (size_t)(colon - p);
	}
	if (colon != NULL)
		*port = (struct line){ colon + 1, strlen(colon + 1) };
}

int
setup_text_host(const char *dest, struct buf *out, struct err *e)
{
	struct line user, host, port;
	int rc;

	parts(dest, &user, &host, &port);
	if (port.len == 0 || (port.len == 2 && memcmp(port.p, "22", 2) == 0))
		rc = buf_add(out, host.p, host.len);
	else
		rc = buf_addf(out, "[%.*s]:%.*s", (int)host.len, host.p,
		    (int)port.len, port.p);
	return rc == 0 ? 0 : err_set(e, ERR_MEM, "out of memory");
}

int
setup_text_user(const char *dest, struct buf *out, struct err *e)
{
	struct line user, host, port;

	parts(dest, &user, &host, &port);
	if (user.len == 0)
		user = (struct line){ "git", 3 };
	return buf_add(out, user.p, user.len) == 0 ? 0 : err_set(e, ERR_MEM,
	    "out of memory");
}

int
setup_text_hosts(const char *text, size_t len, const char *dest,
    const char *key, struct buf *out, struct err *e)
{
	const char *at = text, *end = text + len;
	bool there = false, other = false;
	struct buf want;
	struct line l;
	size_t host;
	int rc = -1;

	buf_init(&want, 8192);
	if (setup_text_host(dest, &want, e) == -1)
		goto out;
	host = want.len + 1;
	if (buf_addf(&want, " %s\n", key) == -1) {
		err_set(e, ERR_MEM, "the host key is too long");
		goto out;
	}
	while (next(&at, end, &l)) {
		/* The last line may lack its line feed. */
		if (l.len >= want.len - 1 &&
		    memcmp(l.p, want.data, want.len - 1) == 0 &&
		    (l.len == want.len - 1 || l.p[want.len - 1] == '\n'))
			there = true;
		else if (l.len > host && memcmp(l.p, want.data, host) == 0)
			other = true;
	}
	if (other) {
		err_set(e, ERR_UNSAFE, "another host key of %.*s is pinned; if "
		    "it was changed on purpose, remove its line first",
		    (int)host - 1, want.data);
		goto out;
	}
	rc = buf_add(out, text, len);
	if (!there && len > 0 && text[len - 1] != '\n')
		rc |= buf_addc(out, '\n');
	if (!there)
		rc |= buf_add(out, want.data, want.len);
	rc = rc == 0 ? there : err_set(e, ERR_MEM, "too long");
out:
	buf_clear(&want);
	return rc;
}

bool
setup_text_forced(const char *options, size_t len)
{
	static const char want[] = "command=\"";
	const char *p = options, *end = options + len;
	bool quoted = false, begins_here = true;

	for (; p < end; p++) {
		if (begins_here && (size_t)(end - p) >= sizeof(want) - 1 &&
		    strncasecmp(p, want, sizeof(want) - 1) == 0)
			return true;
		if (quoted && *p == '\\' && p + 1 < end && p[1] == '"')
			p++;
		else if (*p == '"')
			quoted = !quoted;
		begins_here = !quoted && *p == ',';
	}
	return false;
}
