/* SPDX-License-Identifier: ISC */
#include "keysig.h"

#include <stdbool.h>
#include <string.h>

#define BEGIN	"-----BEGIN SSH SIGNATURE-----\n"
#define END	"-----END SSH SIGNATURE-----\n"
#define LINE	76		/* digits */

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "abcdefghijklmnopqrstuvwxyz0123456789+/=";

static int
refuse(struct err *e, const char *why)
{
	return err_set(e, ERR_PEER, "no signature in front of the keys: %s",
	    why);
}

/* Whether what is there of a line (n bytes of it) can become mark. */
static bool
begins(const char *p, size_t n, const char *mark)
{
	size_t len = strlen(mark);

	return memcmp(p, mark, n < len ? n : len) == 0;
}

static bool
base64(const char *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (p[i] == '\0' || strchr(digits, p[i]) == NULL)
			return false;
	return n <= LINE;
}

int
keysig_find(const char *data, size_t len, size_t *ret_len, struct err *e)
{
	const char *end = data + (len < KEYSIG_MAX ? len : KEYSIG_MAX);
	const char *p = data + sizeof(BEGIN) - 1, *nl;
	size_t n;

	if (!begins(data, (size_t)(end - data), BEGIN))
		return refuse(e, "it does not begin with one");
	for (; p < end; p = nl + 1) {
		nl = memchr(p, '\n', (size_t)(end - p));
		n = (size_t)((nl != NULL ? nl : end) - p);
		if (*p == '-' && p > data + sizeof(BEGIN) - 1) {
			if (!begins(p, (size_t)(end - p), END))
				return refuse(e, "another mark in it");
			if (nl == NULL)
				break;
			*ret_len = (size_t)(nl - data) + 1;
			return 0;
		}
		if (!base64(p, n) || n == 0)
			return refuse(e, "a line that is no base64, or too "
			    "long");
		if (nl == NULL)
			break;
	}
	if (len >= KEYSIG_MAX)
		return refuse(e, "it does not end");
	*ret_len = 0;
	return 0;
}
