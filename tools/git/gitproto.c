/* SPDX-License-Identifier: ISC */
#include "gitproto.h"

#include <string.h>

static const char known[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "abcdefghijklmnopqrstuvwxyz0123456789._/=:-";

/* The keys that are let through, each with its highest value last. */
static const char *const keys[] = { "version=0", "version=1", "version=2" };
#define NKEYS	(sizeof(keys) / sizeof(keys[0]))

int
gitproto_filter(const char *value, char ret[GITPROTO_MAX], struct err *e)
{
	const char *s = value != NULL ? value : "", *best = NULL;
	size_t len = strnlen(s, GITPROTO_IN_MAX + 1), n, i;

	if (len > GITPROTO_IN_MAX)
		return err_set(e, ERR_REFUSED, "GIT_PROTOCOL is longer than "
		    "%d bytes", GITPROTO_IN_MAX);
	n = strspn(s, known);
	if (n < len)
		return err_set(e, ERR_REFUSED, "GIT_PROTOCOL has a byte in "
		    "it that no version of git sends (0x%02x)",
		    (unsigned char)s[n]);
	for (;; s += n + 1) {
		n = strcspn(s, ":");
		for (i = 0; i < NKEYS; i++)
			if (strlen(keys[i]) == n &&
			    memcmp(keys[i], s, n) == 0 &&
			    (best == NULL || strcmp(keys[i], best) > 0))
				best = keys[i];
		if (s[n] == '\0')
			break;
	}
	if (best == NULL)
		best = "";
	memcpy(ret, best, strlen(best) + 1);
	return 0;
}
