/* SPDX-License-Identifier: ISC */
#include "procfile.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"

#define STAT_START 22		/* which field starttime is, from 1 */

const char *
procfile_env(const char *env, size_t len, const char *name)
{
	const char *end = env + len, *nul;
	size_t n = strlen(name);

	for (; env < end; env = nul + 1) {
		nul = memchr(env, '\0', (size_t)(end - env));
		if (nul == NULL)
			return NULL;
		if ((size_t)(nul - env) > n && env[n] == '=' &&
		    memcmp(env, name, n) == 0)
			return env + n + 1;
	}
	return NULL;
}

int
procfile_argv(const char *text, size_t len, struct strv *out, struct err *e)
{
	const char *end = text + len;
	size_t n = 0;

	if (len == 0 || end[-1] != '\0')
		return err_set(e, ERR_PEER, "command line: empty, or cut");
	for (; text < end; text += strlen(text) + 1) {
		if (++n > PROCFILE_WORDS)
			return err_set(e, ERR_PEER, "command line: more than "
			    "%d words", PROCFILE_WORDS);
		if (strv_add(out, text) == -1)
			return err_set(e, ERR_MEM, "out of memory");
	}
	return 0;
}

/* The decimal number at *p, and *p behind it and the blank that follows. */
static int
number(const char **p, uint64_t *ret)
{
	size_t n = strspn(*p, "0123456789");
	char digits[24];

	if (n == 0 || n >= sizeof(digits) ||
	    ((*p)[n] != ' ' && (*p)[n] != '\n' && (*p)[n] != '\0'))
		return -1;
	memcpy(digits, *p, n);
	digits[n] = '\0';
	*p += n + ((*p)[n] == ' ');
	return num_u64(digits, "field", 0, UINT64_MAX, ret, NULL);
}

bool
procfile_is_root(const char *text, size_t len)
{
	static const char zeros[] = "\nUid:\t0\t0\t0\t0\n";

	return memmem(text, len, zeros, sizeof(zeros) - 1) != NULL;
}

int
procfile_stat(const char *text, size_t len, struct procstat *ret,
    struct err *e)
{
	const char *open = memchr(text, '(', len);
	/* A name may have ") " in it; the fields behind it have none. */
	const char *close = memrchr(text, ')', len), *p = text;
	struct procstat s = { .pid = 0 };
	uint64_t pid, ppid;
	unsigned field;

	if (memchr(text, '\0', len) != NULL || open == NULL ||
	    close == NULL || close < open ||
	    (size_t)(close - open) > sizeof(s.comm) || open == text ||
	    number(&p, &pid) == -1 || p != open || pid == 0 || pid > INT_MAX)
		goto bad;
	memcpy(s.comm, open + 1, (size_t)(close - open - 1));
	p = close + 1;
	if (p[0] != ' ' || p[1] < '!' || p[1] > '~' || p[2] != ' ')
		goto bad;
	s.state = p[1];
	p += 3;
	if (number(&p, &ppid) == -1 || ppid > INT_MAX)
		goto bad;
	/* tpgid, in between, may be negative: counted, not read. */
	for (field = 5; field < STAT_START; field++) {
		p = strchr(p, ' ');
		if (p == NULL)
			goto bad;
		p++;
	}
	if (number(&p, &s.start) == -1)
		goto bad;
	s.pid = (pid_t)pid;
	s.ppid = (pid_t)ppid;
	*ret = s;
	return 0;
bad:
	return err_set(e, ERR_PEER, "stat: not a line of /proc/PID/stat");
}
