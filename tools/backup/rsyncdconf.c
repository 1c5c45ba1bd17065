/* SPDX-License-Identifier: ISC */
#include "rsyncdconf.h"

#include "base/esc.h"
#include "plain.h"

/* What a receiver's argv may hold, as gate.h has it for the other mode. With
 * --inplace rsync asks for partial, too. */
static const char allowed[] = "!v !l !H !o !g !D !devices !t !p !A !X !U !W "
    "!r !c !I !x !S !z !numeric-ids !inplace !partial !list-only !specials "
    "!no-specials !open-noatime !new-compress !old-compress !compress-level "
    "!compress-choice !checksum-seed !checksum-choice !timeout !bwlimit";

/* Why the file can't hold path as a value; NULL: it can. */
static const char *
value_why(const char *path)
{
	const char *why = plain_why(path), *p, *percent;
	size_t n = strlen(path);

	if (why != NULL)
		return why;
	for (p = path; *p != '\0'; p++)
		if ((*p > 0 && *p < 0x20) || *p == 0x7f)
			return "has a control character in it";
	if (path[n - 1] == ' ' || path[n - 1] == '\\')
		return "ends in a space or a '\\'";
	/* %NAME% is a variable of the environment. */
	percent = strchr(path, '%');
	if (percent != NULL && strchr(percent + 1, '%') != NULL)
		return "has two '%' in it";
	return NULL;
}

static int
check(const char *path, struct err *e)
{
	const char *why = value_why(path);
	struct buf shown;

	if (why == NULL)
		return 0;
	buf_init(&shown, 1024);
	if (esc_text(&shown, path, strnlen(path, 200)) == -1)
		buf_clear(&shown);
	err_set(e, ERR_CONFIG, "'%s' can't be named to rsync: it %s",
	    shown.data, why);
	buf_clear(&shown);
	return -1;
}

int
rsyncdconf_emit(const struct rsyncdconf *c, struct buf *out, struct err *e)
{
	if (check(c->path, e) == -1 ||
	    (c->rules != NULL && check(c->rules, e) == -1))
		return -1;
	if (buf_addf(out, "use chroot = no\n"
	    "munge symlinks = no\n"
	    "read only = yes\n"
	    "list = no\n"
	    "numeric ids = yes\n"
	    "reverse lookup = no\n"
	    "transfer logging = no\n"
	    "refuse options = * %s%s\n", allowed,
	    c->listed ? " !R !d !dirs !files-from !from0" :
	    c->relative ? " !R" : "") == -1)
		goto no_mem;
	if (c->ids && buf_adds(out, "uid = 0\ngid = 0\n") == -1)
		goto no_mem;
	if (c->fake_super && buf_adds(out, "fake super = yes\n") == -1)
		goto no_mem;
	if (buf_addf(out, "[root]\npath = %s\n", c->path) == -1 ||
	    (c->rules != NULL &&
	    buf_addf(out, "exclude from = %s\n", c->rules) == -1))
		goto no_mem;
	return 0;
no_mem:
	return err_set(e, ERR_MEM, "out of memory");
}
