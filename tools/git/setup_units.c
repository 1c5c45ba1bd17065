/* SPDX-License-Identifier: ISC */
#include "setup_units.h"

#include <string.h>

#define PLAIN	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" \
	"0123456789_@./+-"

static int
plain(const char *what, const char *s, struct err *e)
{
	if (*s != '\0' && s[strspn(s, PLAIN)] == '\0')
		return 0;
	return err_set(e, ERR_UNSAFE, "%s '%s' can't stand in a unit of "
	    "systemd", what, s);
}

/* A line of len bytes with its line feed, or what stands for it here. */
static int
line(const char *p, size_t len, const char *user, const char *program,
    struct buf *out)
{
	static const char is_user[] = "User=git\n";
	static const char is_program[] = "ExecStart=/usr/local/bin/postern "
	    "git ";
	size_t n = sizeof(is_program) - 1;

	if (len == sizeof(is_user) - 1 && memcmp(p, is_user, len) == 0)
		return buf_addf(out, "User=%s\n", user);
	if (len > n && memcmp(p, is_program, n) == 0)
		return buf_addf(out, "ExecStart=%s %.*s", program,
		    (int)(len - n), p + n);
	return buf_add(out, p, len);
}

int
setup_units_text(const char *name, const char *user, const char *program,
    struct buf *out, struct err *e)
{
	const struct setup_units_row *r = setup_units_rows;
	const char *p, *next;
	int rc = 0;

	if (plain("user", user, e) == -1 || plain("program", program,
	    e) == -1)
		return -1;
	while (strcmp(r->name, name) != 0)
		r++;
	for (p = r->text; rc == 0 && *p != '\0'; p = next) {
		next = strchr(p, '\n') + 1;
		rc = line(p, (size_t)(next - p), user, program, out);
	}
	return rc == 0 ? 0 : err_set(e, ERR_MEM, "out of memory");
}
