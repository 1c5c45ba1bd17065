/* SPDX-License-Identifier: ISC */
#include "ssh/host.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>

#include "base/num.h"

#define DEST_MAX	255
#define SCHEME		"ssh://"
#define SCHEME_LEN	(sizeof(SCHEME) - 1)

/* Never in a destination, wherever it stands. */
static const char banned[] = "\"'`\\$;&|<>()*?{}!#~";

/* One message; dest holds only what may be shown. */
static int
refuse(struct err *e, const char *dest, const char *why)
{
	return err_set(e, ERR_CONFIG, "ssh destination '%s': %s", dest, why);
}

/* The bytes alone, before anything is shown of them. */
static int
check_bytes(const char *dest, struct err *e)
{
	size_t i;

	for (i = 0; dest[i] != '\0'; i++) {
		if (i == DEST_MAX)
			return err_set(e, ERR_CONFIG,
			    "ssh destination: longer than %d bytes",
			    DEST_MAX);
		if (dest[i] <= 0x20 || dest[i] > 0x7e)
			return err_set(e, ERR_CONFIG, "ssh destination: "
			    "byte 0x%02x is not allowed in it",
			    (unsigned)(unsigned char)dest[i]);
	}
	if (i == 0)
		return err_set(e, ERR_CONFIG, "ssh destination: is empty");
	i = strcspn(dest, banned);
	if (dest[i] != '\0')
		return err_set(e, ERR_CONFIG,
		    "ssh destination '%s': '%c' is not allowed in it", dest,
		    dest[i]);
	return 0;
}

/* A user or host of len bytes. */
static int
check_part(const char *dest, const char *part, size_t len, const char *none,
    const char *dash, struct err *e)
{
	if (len == 0)
		return refuse(e, dest, none);
	if (part[0] == '-')
		return refuse(e, dest, dash);
	if (memchr(part, '/', len) != NULL)
		return refuse(e, dest, "has a '/' in it");
	if (memchr(part, '[', len) != NULL || memchr(part, ']', len) != NULL)
		return refuse(e, dest, "'[' and ']' belong around an IPv6 "
		    "address in " SCHEME "[ADDRESS]:PORT only");
	return 0;
}

static int
check_user(const char *dest, const char *user, size_t len, struct err *e)
{
	return check_part(dest, user, len, "has no user before the '@'",
	    "a user never begins with '-'", e);
}

static int
check_host(const char *dest, const char *host, size_t len, struct err *e)
{
	return check_part(dest, host, len, "has no host",
	    "a host never begins with '-'", e);
}

/* "[ADDRESS]" or "[ADDRESS%ZONE]"; *ret_end behind the "]". */
static int
check_v6(const char *dest, const char *s, const char **ret_end, struct err *e)
{
	static const char zone[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	char text[INET6_ADDRSTRLEN];
	const char *end = strchr(s, ']');
	struct in6_addr addr;
	size_t len;

	if (end == NULL)
		return refuse(e, dest, "'[' without ']'");
	len = strcspn(s + 1, "%]");
	if (len >= sizeof(text))
		return refuse(e, dest, "no IPv6 address between [ and ]");
	memcpy(text, s + 1, len);
	text[len] = '\0';
	if (inet_pton(AF_INET6, text, &addr) != 1)
		return refuse(e, dest, "no IPv6 address between [ and ]");
	s += 1 + len;
	if (*s == '%' && (s + 1 == end ||
	    strspn(s + 1, zone) != (size_t)(end - s - 1)))
		return refuse(e, dest, "no zone behind the '%'");
	*ret_end = end + 1;
	return 0;
}

/* s: behind "ssh://". */
static int
check_url(const char *dest, const char *s, struct err *e)
{
	const char *at = strchr(s, '@'), *end = s;
	struct err why = ERR_INIT;
	uint64_t port;

	if (at != NULL) {
		if (check_user(dest, s, (size_t)(at - s), e) == -1)
			return -1;
		/* ssh decodes %2D to '-' there, ':' has begun a password. */
		if (memchr(s, '%', (size_t)(at - s)) != NULL ||
		    memchr(s, ':', (size_t)(at - s)) != NULL)
			return refuse(e, dest, "'%' and ':' are not allowed "
			    "in the user of an " SCHEME " destination");
		s = at + 1;
		if (strchr(s, '@') != NULL)
			return refuse(e, dest, "has two '@'");
	}
	if (*s == '[') {
		if (check_v6(dest, s, &end, e) == -1)
			return -1;
	} else {
		end = s + strcspn(s, ":");
		if (check_host(dest, s, (size_t)(end - s), e) == -1)
			return -1;
		if (memchr(s, '%', (size_t)(end - s)) != NULL)
			return refuse(e, dest, "'%' is not allowed in the "
			    "host of an " SCHEME " destination");
	}
	if (*end == '\0')
		return 0;
	if (*end != ':')
		return refuse(e, dest, "nothing but :PORT may follow the ']'");
	if (num_u64(end + 1, "port", 1, 65535, &port, &why) == -1)
		return refuse(e, dest, "the port is a number from 1 to 65535");
	return 0;
}

int
host_check(const char *dest, struct err *e)
{
	const char *at;

	if (check_bytes(dest, e) == -1)
		return -1;
	if (strncmp(dest, SCHEME, SCHEME_LEN) == 0)
		return check_url(dest, dest + SCHEME_LEN, e);
	/* The last one, as ssh takes it: users may have an '@'. */
	at = strrchr(dest, '@');
	if (at == NULL)
		return check_host(dest, dest, strlen(dest), e);
	if (check_user(dest, dest, (size_t)(at - dest), e) == -1)
		return -1;
	return check_host(dest, at + 1, strlen(at + 1), e);
}

int
host_words(const char *dest, struct strv *out)
{
	const char *at = strchr(dest, '@'), *user = dest, *v6, *end;
	int rc = 0;

	if (strncmp(dest, SCHEME, SCHEME_LEN) == 0)
		user += SCHEME_LEN;
	v6 = at != NULL ? at + 1 : user;
	end = strchr(v6, ']');
	if (user == dest || *v6 != '[' || end == NULL) {
		rc |= strv_add(out, "--");
		rc |= strv_add(out, dest);
		return rc;
	}
	if (end[1] == ':')
		rc |= strv_addf(out, "-p%s", end + 2);
	if (at != NULL)
		rc |= strv_addf(out, "-l%.*s", (int)(at - user), user);
	rc |= strv_add(out, "--");
	rc |= strv_addf(out, "%.*s", (int)(end - v6 - 1), v6 + 1);
	return rc;
}
