/* SPDX-License-Identifier: ISC */
#include "answer.h"

#include <string.h>

static void
end_line(struct answer *a)
{
	if (!a->skip && a->len > 3 && a->line[0] >= 'A' &&
	    a->line[0] <= 'Z' && strncmp(a->line, "OK", 2) != 0) {
		memcpy(a->last, a->line, a->len);
		a->last[a->len] = '\0';
	}
	a->len = 0;
	a->skip = false;
}

void
answer_feed(struct answer *a, const char *data, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (data[i] == '\n')
			end_line(a);
		else if (a->skip)
			continue;
		else if (data[i] < ' ' || data[i] > '~' ||
		    a->len == ANSWER_MAX - 1)
			a->skip = true;
		else
			a->line[a->len++] = data[i];
	}
}
