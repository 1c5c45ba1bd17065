/* SPDX-License-Identifier: ISC */
#include "muxstat.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/esc.h"

#define LINE	512

static bool
parse(const char *line, struct muxstat *ret)
{
	struct muxstat m = { 0 };
	struct buf shown;
	int n = 0, more = 0;

	if (sscanf(line, "%9u %15s %" SCNd64 " %9u%n", &m.number, m.state,
	    &m.since, &m.starts, &n) != 4 || n == 0)
		return false;
	line += n;
	if (sscanf(line, " %" SCNd64 "%n", &m.failed, &more) == 1)
		line += more;
	line += *line == ' ';
	/* The git user's file, on root's terminal. */
	buf_init(&shown, LINE);
	if (esc_again(&shown, line, strlen(line)) == 0)
		snprintf(m.why, sizeof(m.why), "%s", shown.data);
	buf_clear(&shown);
	*ret = m;
	return true;
}

bool
muxstat_next(const char **at, struct muxstat *ret)
{
	char line[LINE];
	const char *p, *nl;

	for (p = *at; *p != '\0'; p = *at) {
		nl = strchrnul(p, '\n');
		*at = nl + (*nl != '\0');
		snprintf(line, sizeof(line), "%.*s", (int)(nl - p), p);
		if (parse(line, ret))
			return true;
	}
	return false;
}

unsigned
muxstat_up(const char *text)
{
	struct muxstat m;
	unsigned up = 0;

	while (muxstat_next(&text, &m))
		up += strcmp(m.state, "up") == 0;
	return up;
}

void
muxstat_for(int64_t s, char ret[MUXSTAT_FOR])
{
	static const struct { int64_t from, unit; const char *name; } t[] = {
		{ INT64_C(48) * 3600, INT64_C(24) * 3600, "days" },
		{ 2 * 3600, 3600, "h" }, { 120, 60, "min" }, { 0, 1, "s" } };
	size_t i = 0;

	if (s < 0)
		s = 0;
	while (s < t[i].from)
		i++;
	snprintf(ret, MUXSTAT_FOR, "%" PRId64 " %s", s / t[i].unit,
	    t[i].name);
}

int
muxstat_sessions(const char *run_dir, unsigned k)
{
	char path[4200], line[LINE], want[80];
	struct stat st;
	FILE *f;
	int n = 0, len;

	len = snprintf(path, sizeof(path), "%s/mux/%u.used", run_dir, k);
	if (len < 0 || (size_t)len >= sizeof(path) || lstat(path, &st) == -1)
		return -1;
	f = fopen("/proc/locks", "re");
	if (f == NULL)
		return -1;
	snprintf(want, sizeof(want), " %02x:%02x:%ju ", major(st.st_dev),
	    minor(st.st_dev), (uintmax_t)st.st_ino);
	while (fgets(line, sizeof(line), f) != NULL)
		n += strstr(line, " READ ") != NULL &&
		    strstr(line, "->") == NULL && strstr(line, want) != NULL;
	fclose(f);
	return n;
}
