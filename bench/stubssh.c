/* SPDX-License-Identifier: ISC */
/*
 * stubssh: stands for ssh where only the cost of running many is measured.
 * It never connects to anything; its arguments don't matter.
 *
 * Whoever writes to its stdin: it reads to the end of file, says one line,
 * is done. What begins with "fifo=" is the script of a window's holder: then
 * it answers as remote/holder.sh does: checked, ready once it has the key,
 * closed at "end" or the end of file.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

enum state { PLAIN, SCRIPT, KEY, OPEN, OVER };

static void
say(const char *line)
{
	size_t len = strlen(line);

	if (write(1, line, len) != (ssize_t)len)
		_exit(1);
}

static enum state
line(enum state s, const char *p, size_t len)
{
	if (s == SCRIPT && len == 4 && memcmp(p, "#END", 4) == 0) {
		say("postern checked\n");
		return KEY;
	}
	if (s == KEY && !(len == 4 && memcmp(p, "beat", 4) == 0)) {
		say("postern ready\n");
		return OPEN;
	}
	if (s == OPEN && len == 3 && memcmp(p, "end", 3) == 0)
		return OVER;
	return s;
}

int
main(void)
{
	static char buf[65536];
	enum state s = PLAIN;
	size_t have = 0;
	int first = 1;
	char *p, *nl;
	ssize_t n;

	while (s != OVER) {
		n = read(0, buf + have, sizeof(buf) - have);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		if (first && n >= 5 && memcmp(buf, "fifo=", 5) == 0)
			s = SCRIPT;
		first = 0;
		if (s == PLAIN)
			continue;
		have += (size_t)n;
		for (p = buf; (nl = memchr(p, '\n',
		    have - (size_t)(p - buf))) != NULL; p = nl + 1)
			s = line(s, p, (size_t)(nl - p));
		have -= (size_t)(p - buf);
		memmove(buf, p, have);
	}
	say(s == PLAIN ? "postern done\n" : "postern closed 0\n");
	return 0;
}
