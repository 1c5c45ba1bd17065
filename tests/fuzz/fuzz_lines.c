/* SPDX-License-Identifier: ISC */
/* What a host or ssh itself says, cut into lines: the same lines however the
 * bytes came, none longer than the cap. Each is judged as ssh's words are. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proc/lines.h"
#include "ssh/sshargv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CAP 64

struct seen {
	size_t n;
	uint32_t hash;
};

static void
mix(struct seen *s, const char *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		s->hash = (s->hash ^ (unsigned char)p[i]) * 16777619U;
}

static bool
on_line(void *arg, const char *line, size_t len, bool cut)
{
	struct seen *s = arg;

	if (len > CAP || line[len] != '\0' ||
	    memchr(line, '\n', len) != NULL ||
	    sshargv_failname(sshargv_fail(line))[0] == '\0')
		abort();
	s->n++;
	mix(s, line, len);
	mix(s, cut ? "c" : "w", 1);
	return true;
}

/* The lines of data, given at once or piece by piece. */
static struct seen
feed(const uint8_t *data, size_t size, bool pieces)
{
	struct seen s = { 0, 2166136261U };
	struct lines l;
	size_t i, step;
	char *copy;

	lines_init(&l, CAP);
	for (i = 0; i < size; i += step) {
		step = pieces ? 1 + i % 7 : size;
		if (step > size - i)
			step = size - i;
		/* A copy of its own: it is written to, and not past. */
		copy = malloc(step);
		if (copy == NULL)
			abort();
		memcpy(copy, data + i, step);
		if (lines_feed(&l, copy, step, on_line, &s) != step)
			abort();
		free(copy);
	}
	lines_end(&l, on_line, &s);
	lines_clear(&l);
	return s;
}

/* What they should be. */
static struct seen
split(const uint8_t *data, size_t size)
{
	struct seen s = { 0, 2166136261U };
	const uint8_t *nl;
	size_t len, kept;

	for (; size > 0; data += len, size -= len) {
		nl = memchr(data, '\n', size);
		len = nl != NULL ? (size_t)(nl - data) : size;
		kept = len < CAP ? len : CAP;
		s.n++;
		mix(&s, (const char *)data, kept);
		mix(&s, len > CAP ? "c" : "w", 1);
		len += nl != NULL;
	}
	return s;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seen a = feed(data, size, false), b = feed(data, size, true);
	struct seen c = split(data, size);

	if (a.n != c.n || a.hash != c.hash || b.n != c.n || b.hash != c.hash)
		abort();
	return 0;
}
