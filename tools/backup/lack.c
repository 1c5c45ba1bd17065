/* SPDX-License-Identifier: ISC */
#include "lack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oddname.h"

#define SKIPPED "skipping non-regular file \""

static const struct {
	const char *word, *what;
} kinds[LACK_KINDS] = {
	[LACK_DEVICE] = { "device", "devices were not made" },
	[LACK_SETID] = { "setuid", "without their setuid or setgid bit" },
	[LACK_CAPABILITY] = { "capability", "without their file capability" },
	[LACK_OWNER] = { "owner", "belong to you, not to their owners" },
	[LACK_MISSING] = { "missing", "are not as they were stored" },
};

const char *
lack_word(enum lack_kind kind)
{
	return kinds[kind].word;
}

const char *
lack_what(enum lack_kind kind)
{
	return kinds[kind].what;
}

void
lack_clear(struct lack *l)
{
	int i;

	for (i = 0; i < LACK_KINDS; i++)
		strv_clear(&l->names[i]);
	*l = (struct lack){ .n = { 0 } };
}

static void
name(char *out, size_t cap, const char *in, size_t len)
{
	size_t n = oddname_read(out, cap, in, len);

	while (n > 1 && out[n - 1] == '/')
		n--;
	out[n] = '\0';
}

static bool
number(const char **s, uint32_t *ret)
{
	unsigned long v;
	char *end;

	if (strncmp(*s, "DEFAULT|", 8) == 0) {
		*ret = LACK_NOT_OURS;
		*s += 8;
		return true;
	}
	if (**s < '0' || **s > '9')
		return false;
	v = strtoul(*s, &end, 10);
	if (*end != '|' || v > UINT32_MAX)
		return false;
	*ret = (uint32_t)v;
	*s = end + 1;
	return true;
}

bool
lack_parse(const char *line, struct lack_item *ret)
{
	const char *s = line;

	if (*s++ != '=' || strnlen(s, 22) < 22 || s[11] != '|' ||
	    s[21] != '|')
		return false;
	memcpy(ret->flags, s, 11);
	ret->flags[11] = '\0';
	memcpy(ret->mode, s + 12, 9);
	ret->mode[9] = '\0';
	s += 22;
	if (!number(&s, &ret->uid) || !number(&s, &ret->gid) || *s == '\0')
		return false;
	name(ret->name, sizeof(ret->name), s, strlen(s));
	return true;
}

bool
lack_new(const struct lack_item *it)
{
	/* A hard link that is there has an 'h', too, and blanks. */
	return it->flags[0] == '<' || it->flags[0] == '>' ||
	    ((it->flags[0] == 'c' || it->flags[0] == 'h') &&
	    (it->flags[2] == '+' || it->flags[2] == 'c'));
}

static int
add(struct lack *l, enum lack_kind kind, const char *base, const char *path,
    struct err *e)
{
	struct strv *v = &l->names[kind];

	l->n[kind]++;
	v->max = LACK_NAMES_MAX;
	if (v->n == LACK_NAMES_MAX ||
	    strv_addf(v, "%s/%s", base, path) == 0)
		return 0;
	return err_set(e, ERR_MEM, "out of memory");
}

static bool
set_id(const char *mode)
{
	return strchr("sS", mode[2]) != NULL || strchr("sS", mode[5]) != NULL;
}

int
lack_line(struct lack *l, const char *line, const char *base,
    lack_owner_fn *owner, void *arg, struct err *e)
{
	struct lack_item it;
	size_t len;

	if (strncmp(line, SKIPPED, sizeof(SKIPPED) - 1) == 0) {
		line += sizeof(SKIPPED) - 1;
		len = strlen(line);
		name(it.name, sizeof(it.name), line, len > 0 &&
		    line[len - 1] == '"' ? len - 1 : len);
		return add(l, LACK_DEVICE, base, it.name, e);
	}
	if (!lack_parse(line, &it))
		return 0;
	if (lack_new(&it))
		return add(l, it.flags[1] == 'D' ? LACK_DEVICE : LACK_MISSING,
		    base, it.name, e);
	/* A link has no mode of its own. */
	if (it.flags[1] != 'L' && set_id(it.mode) &&
	    add(l, LACK_SETID, base, it.name, e) == -1)
		return -1;
	if (it.flags[10] == 'x' &&
	    add(l, LACK_CAPABILITY, base, it.name, e) == -1)
		return -1;
	if (owner(arg, it.name, it.uid, it.gid))
		return 0;
	return add(l, LACK_OWNER, base, it.name, e);
}
