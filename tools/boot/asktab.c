/* SPDX-License-Identifier: ISC */
#include "asktab.h"

#include <string.h>

/* The word at *p, before end; *p is moved behind it. A backslash would begin an
 * escape. 0, or -1: none, or too long. */
static int
word(const char **p, const char *end, char ret[ASKTAB_TEXT])
{
	const char *s = *p;
	size_t n = 0;

	while (s < end && (*s == ' ' || *s == '\t'))
		s++;
	for (; s < end && *s != ' ' && *s != '\t'; s++) {
		if (*s == '\\' || (unsigned char)*s < ' ' ||
		    n + 1 >= ASKTAB_TEXT)
			return -1;
		ret[n++] = *s;
	}
	ret[n] = '\0';
	*p = s;
	return n > 0 ? 0 : -1;
}

/* TAG=VALUE, or a path. 0, or -1: neither, or too long. */
static int
device(const char *source, char ret[ASKTAB_TEXT])
{
	static const struct {
		const char *tag, *folder;
	} tags[] = {
		{ "UUID=", "/dev/disk/by-uuid/" },
		{ "PARTUUID=", "/dev/disk/by-partuuid/" },
		{ "LABEL=", "/dev/disk/by-label/" },
		{ "PARTLABEL=", "/dev/disk/by-partlabel/" },
		{ "", "" },
	};
	size_t i = 0, n, m;

	while (strncmp(source, tags[i].tag, strlen(tags[i].tag)) != 0)
		i++;
	source += strlen(tags[i].tag);
	n = strlen(tags[i].folder);
	m = strlen(source);
	if (m == 0 || n + m >= ASKTAB_TEXT || (n == 0 && source[0] != '/'))
		return -1;
	memcpy(ret, tags[i].folder, n);
	memcpy(ret + n, source, m + 1);
	return 0;
}

int
asktab_parse(const char *line, size_t len, struct asktab *ret, struct err *e)
{
	const char *p = line, *end = line + len;
	char source[ASKTAB_TEXT];
	struct asktab t;

	if (word(&p, end, t.name) == -1 || t.name[0] == '#' ||
	    word(&p, end, source) == -1 || device(source, t.device) == -1)
		return err_set(e, ERR_PEER, "crypttab: no disk in this line");
	*ret = t;
	return 0;
}
