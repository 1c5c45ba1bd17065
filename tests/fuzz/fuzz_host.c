/* SPDX-License-Identifier: ISC */
/* host: no destination that passes can be an option, a shell's metacharacter
 * or something unprintable; a refusal's message is printable as well. */
#include <stdint.h>

#include "ssh/host.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
promise(int kept)
{
	if (!kept)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct err e = ERR_INIT;
	const char *p;
	char *s;

	s = malloc(len + 1);
	if (s == NULL)
		return 0;
	if (len > 0)
		memcpy(s, data, len);
	s[len] = '\0';
	if (host_check(s, &e) == 0) {
		promise(s[0] != '\0' && s[0] != '-' && strlen(s) <= 255);
		p = strrchr(s, '@');
		promise(p == NULL || (p != s && p[1] != '-' && p[1] != '\0'));
		for (p = s; *p != '\0'; p++)
			promise(*p > 0x20 && *p < 0x7f &&
			    strchr("\"'`\\$;&|<>()*?{}!#~", *p) == NULL);
		if (strncmp(s, "ssh://", 6) == 0)
			promise(s[6] != '-' && s[6] != '\0' &&
			    strchr(s + 6, '/') == NULL);
		else
			promise(strchr(s, '/') == NULL);
	} else {
		promise(e.code == ERR_CONFIG && e.msg[0] != '\0');
		for (p = e.msg; *p != '\0'; p++)
			promise(*p >= 0x20 && *p < 0x7f);
	}
	free(s);
	return 0;
}
