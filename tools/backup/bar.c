/* SPDX-License-Identifier: ISC */
#include "bar.h"

#include <stdio.h>
#include <string.h>

#include "size.h"

#define COLUMNS 20

void
bar_text(uint64_t bytes, uint64_t total, char out[BAR_TEXT])
{
	char a[SIZE_TEXT], b[SIZE_TEXT], bar[COLUMNS + 1];
	unsigned n;

	size_text(bytes, a);
	size_text(total, b);
	if (total == 0) {
		snprintf(out, BAR_TEXT, "%s", a);
		return;
	}
	n = bytes >= total ? 100 : (unsigned)((double)bytes * 100 /
	    (double)total);
	memset(bar, '-', COLUMNS);
	memset(bar, '#', n * COLUMNS / 100);
	bar[COLUMNS] = '\0';
	snprintf(out, BAR_TEXT, "[%s] %3u%%  %s of %s", bar, n, a, b);
}
