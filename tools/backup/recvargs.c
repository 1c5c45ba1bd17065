/* SPDX-License-Identifier: ISC */
#include "recvargs.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Options in one letter, which take no value and open no file. */
#define LETTERS "acghilmnopqrtuvxzADHIJNORSUWX8"

enum value {
	NOTHING,
	NUMBER,			/* digits, a sign, a point, a unit */
	WORD,			/* letters, digits, and ,.:+=-_ */
	TEXT,			/* anything */
	PATH,			/* not absolute; Landlock ends it at DIR */
	RULE,			/* a filter rule that opens no file */
};

static const struct row {
	const char *name;
	enum value value;
} rows[] = {
	/* What is copied. */
	{ "recursive", NOTHING }, { "no-recursive", NOTHING },
	{ "no-inc-recursive", NOTHING },
	{ "dirs", NOTHING }, { "relative", NOTHING },
	{ "trust-sender", NOTHING },
	{ "no-relative", NOTHING }, { "no-implied-dirs", NOTHING },
	{ "one-file-system", NOTHING }, { "numeric-ids", NOTHING },
	{ "fake-super", NOTHING }, { "super", NOTHING },
	{ "no-super", NOTHING }, { "omit-dir-times", NOTHING },
	{ "no-owner", NOTHING }, { "no-group", NOTHING },
	{ "no-perms", NOTHING }, { "no-times", NOTHING },
	{ "no-devices", NOTHING }, { "no-specials", NOTHING },
	{ "no-acls", NOTHING }, { "no-xattrs", NOTHING },
	{ "no-links", NOTHING }, { "no-hard-links", NOTHING },
	{ "sparse", NOTHING }, { "no-sparse", NOTHING },
	{ "chmod", WORD }, { "max-size", NUMBER },
	{ "exclude", TEXT }, { "include", TEXT }, { "filter", RULE },
	/* What is written how. */
	{ "link-dest", PATH }, { "partial", NOTHING },
	{ "partial-dir", PATH }, { "temp-dir", PATH },
	{ "inplace", NOTHING }, { "no-inplace", NOTHING },
	{ "whole-file", NOTHING }, { "no-whole-file", NOTHING },
	{ "preallocate", NOTHING }, { "fsync", NOTHING },
	{ "mkpath", NOTHING }, { "existing", NOTHING },
	{ "ignore-existing", NOTHING }, { "force", NOTHING },
	{ "delete", NOTHING }, { "delete-before", NOTHING },
	{ "delete-during", NOTHING }, { "delete-delay", NOTHING },
	{ "delete-after", NOTHING }, { "delete-excluded", NOTHING },
	{ "ignore-errors", NOTHING }, { "max-delete", NUMBER },
	{ "delay-updates", NOTHING },
	/* What counts as the same. */
	{ "checksum", NOTHING }, { "ignore-times", NOTHING },
	{ "size-only", NOTHING }, { "modify-window", NUMBER },
	/* The way. */
	{ "compress", NOTHING }, { "no-compress", NOTHING },
	{ "compress-choice", WORD }, { "compress-level", NUMBER },
	{ "checksum-choice", WORD }, { "checksum-seed", NUMBER },
	{ "bwlimit", NUMBER }, { "timeout", NUMBER },
	{ "max-alloc", NUMBER },
	/* What is said. */
	{ "verbose", NOTHING }, { "quiet", NOTHING }, { "no-motd", NOTHING },
	{ "stats", NOTHING }, { "info", WORD }, { "out-format", TEXT },
	{ "outbuf", WORD }, { "8-bit-output", NOTHING },
	{ "no-human-readable", NOTHING }, { "itemize-changes", NOTHING },
	{ "dry-run", NOTHING },
};

static bool
only(const char *s, const char *extra)
{
	for (; *s != '\0'; s++)
		if (!(*s >= '0' && *s <= '9') && !(*s >= 'a' && *s <= 'z') &&
		    !(*s >= 'A' && *s <= 'Z') && strchr(extra, *s) == NULL)
			return false;
	return true;
}

/* A sign, digits with a point, a unit. */
static bool
number_ok(const char *s)
{
	size_t n;

	s += *s == '-';
	n = strspn(s, "0123456789.");
	return n > 0 && *s != '.' && s[n + strspn(s + n, "KMGTkmgtBb")] == '\0';
}

/* "- X", "+ X", "P X", "R X" and the like with modifiers; merge and
 * dir-merge rules, whose letters are . and :, and rules spelled out in full,
 * read files. */
static bool
rule_ok(const char *s)
{
	const char *sp = strchr(s, ' ');

	return strchr("+-PR", s[0]) != NULL && s[0] != '\0' && sp != NULL &&
	    strspn(s + 1, "!Csrpx/") == (size_t)(sp - s - 1);
}

static bool
value_ok(enum value kind, const char *s)
{
	switch (kind) {
	case NOTHING:
		return false;
	case NUMBER:
		return number_ok(s);
	case WORD:
		return *s != '\0' && only(s, ",.:+=-_");
	case TEXT:
		return true;
	case PATH:
		return *s != '\0' && *s != '/' && *s != '~';
	case RULE:
		return rule_ok(s);
	}
	return false;
}

static bool
option_ok(const char *arg)
{
	size_t len, i;

	if (arg[1] != '-')
		return arg[1] != '\0' &&
		    arg[1 + strspn(arg + 1, LETTERS)] == '\0';
	len = strcspn(arg + 2, "=");
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strlen(rows[i].name) != len ||
		    memcmp(rows[i].name, arg + 2, len) != 0)
			continue;
		if (arg[2 + len] == '\0')
			return rows[i].value == NOTHING;
		return value_ok(rows[i].value, arg + 3 + len);
	}
	return false;
}

static bool
source_ok(const char *s)
{
	static const char root[] = "x::root";

	/* Of a sender that is no daemon: what it reads is its own affair. */
	if (strncmp(s, "x:/", 3) == 0)
		return true;
	return strncmp(s, root, sizeof(root) - 1) == 0 &&
	    (s[sizeof(root) - 1] == '\0' || s[sizeof(root) - 1] == '/');
}

/* A colon would make it a host. */
static bool
target_ok(const char *s)
{
	const char *part, *end;

	if (*s == '\0' || *s == '/' || *s == '-' || strchr(s, ':') != NULL)
		return false;
	for (part = s; *part != '\0'; part = *end == '/' ? end + 1 : end) {
		end = strchrnul(part, '/');
		if (end - part == 2 && part[0] == '.' && part[1] == '.')
			return false;
	}
	return true;
}

int
recvargs_check(char *const *argv, struct err *e)
{
	size_t i, n = 0;

	for (i = 0; argv[i] != NULL; i++)
		n++;
	for (i = 0; i < n && argv[i][0] == '-'; i++)
		if (!option_ok(argv[i]))
			return err_set(e, ERR_USAGE,
			    "rsync may not get the argument '%s'", argv[i]);
	if (n < i + 2)
		return err_set(e, ERR_USAGE,
		    "rsync needs a source and a folder");
	for (; i < n - 1; i++)
		if (!source_ok(argv[i]))
			return err_set(e, ERR_USAGE, "'%s' is neither x::root "
			    "or below it nor x:/PATH", argv[i]);
	if (!target_ok(argv[i]))
		return err_set(e, ERR_USAGE,
		    "'%s' is no folder below the current one", argv[i]);
	return 0;
}
