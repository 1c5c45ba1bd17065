/* SPDX-License-Identifier: ISC */
#include "proc/nettcp.h"

#include <stdbool.h>

/* A number in base 10 or 16 of 1 to max_digits digits; moves *p past it. */
static bool
number(const char **p, unsigned base, unsigned max_digits, uint64_t *ret)
{
	unsigned n, d;
	uint64_t v = 0;
	char c;

	for (n = 0; ; n++, (*p)++) {
		c = **p;
		if (c >= '0' && c <= '9')
			d = (unsigned)(c - '0');
		else if (base == 16 && c >= 'A' && c <= 'F')
			d = (unsigned)(c - 'A') + 10;
		else
			break;
		if (n == max_digits)
			return false;
		v = v * base + d;
	}
	*ret = v;
	return n > 0;
}

static bool
expect(const char **p, char c)
{
	if (**p != c)
		return false;
	(*p)++;
	return true;
}

static bool
blanks(const char **p)
{
	const char *start = *p;

	while (**p == ' ')
		(*p)++;
	return *p > start;
}

static bool
address(const char **p, struct in_addr *addr, uint16_t *port)
{
	uint64_t a, n;

	if (!number(p, 16, 8, &a) || !expect(p, ':') || !number(p, 16, 4, &n))
		return false;
	/* The kernel prints the address as a native number of its bytes in
	 * network order, the port as a number. */
	addr->s_addr = (uint32_t)a;
	*port = (uint16_t)n;
	return true;
}

/* sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode */
int
nettcp_parse(const char *line, struct nettcp *ret)
{
	const char *p = line;
	struct nettcp t;
	uint64_t v, uid;

	blanks(&p);
	if (!number(&p, 10, 10, &v) || !expect(&p, ':') || !blanks(&p) ||
	    !address(&p, &t.local_addr, &t.local_port) || !blanks(&p) ||
	    !address(&p, &t.remote_addr, &t.remote_port) || !blanks(&p) ||
	    !number(&p, 16, 2, &v) || !blanks(&p))
		return -1;
	t.state = (unsigned)v;
	if (!number(&p, 16, 8, &v) || !expect(&p, ':') ||
	    !number(&p, 16, 8, &v) || !blanks(&p) ||
	    !number(&p, 16, 2, &v) || !expect(&p, ':') ||
	    !number(&p, 16, 16, &v) || !blanks(&p) ||
	    !number(&p, 16, 16, &v) || !blanks(&p) ||
	    !number(&p, 10, 10, &uid) || !blanks(&p) ||
	    !number(&p, 10, 20, &v) || !blanks(&p) ||
	    !number(&p, 10, 19, &t.inode) || uid > UINT32_MAX ||
	    (*p != ' ' && *p != '\n' && *p != '\0'))
		return -1;
	t.uid = (uid_t)uid;
	*ret = t;
	return 0;
}
