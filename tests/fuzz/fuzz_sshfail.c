/* SPDX-License-Identifier: ISC */
/*
 * ssh's words, line by line as a session hears them: a forwarded channel's
 * trouble is never the connection's, a changed host key is never taken for
 * less, each verdict has a name, and what stands around ssh's words changes
 * nothing.
 */
#include <stdint.h>

#include "ssh/sshargv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
promise(int kept)
{
	if (!kept)
		abort();
}

static bool
says(const char *line, const char *word)
{
	return strstr(line, word) != NULL;
}

/* line has a byte to spare in front, and one behind. */
static enum sshfail
verdict(char *around, size_t len)
{
	char *line = around + 1;
	enum sshfail f, g;
	const char *p;

	line[len] = '\0';
	f = sshargv_fail(line);
	promise(f >= SSHFAIL_OTHER && f <= SSHFAIL_HOSTKEY_CHANGED);
	for (p = sshargv_failname(f); *p != '\0'; p++)
		promise((*p >= 'a' && *p <= 'z') || *p == ' ');
	promise(p != sshargv_failname(f));
	promise((f == SSHFAIL_OTHER) ==
	    (strcmp(sshargv_failname(f), "failed") == 0));
	if (says(line, ": open failed: ") || says(line, "connect_to "))
		promise(f == SSHFAIL_OTHER);
	else if (says(line, "REMOTE HOST IDENTIFICATION HAS CHANGED"))
		promise(f == SSHFAIL_HOSTKEY_CHANGED);
	/* A byte that is in none of ssh's words, on both sides. */
	around[0] = '\x01';
	line[strlen(line) + 1] = '\0';
	line[strlen(line)] = '\x01';
	g = sshargv_fail(around);
	promise(f == g);
	return f;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	enum sshfail worst = SSHFAIL_OTHER, f;
	bool changed = false;
	size_t n;
	char *s;

	for (; len > 0; data += n, len -= n) {
		const uint8_t *nl = memchr(data, '\n', len);
		size_t line = nl != NULL ? (size_t)(nl - data) : len;

		n = nl != NULL ? line + 1 : len;
		s = malloc(line + 3);
		if (s == NULL)
			return 0;
		memcpy(s + 1, data, line);
		f = verdict(s, line);
		free(s);
		changed |= f == SSHFAIL_HOSTKEY_CHANGED;
		worst = f > worst ? f : worst;
	}
	/* The callers' rule: of all lines the worst is the cause. */
	promise(!changed || worst == SSHFAIL_HOSTKEY_CHANGED);
	return 0;
}
