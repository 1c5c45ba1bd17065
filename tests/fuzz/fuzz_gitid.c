/* SPDX-License-Identifier: ISC */
/* gitid: a name out of a path is in the grammar, and the one that gitolite's
 * own expression leaves of it. A refusal is printable. */
#include <regex.h>
#include <stdint.h>

#include "gitid.h"
#include "retell.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
as_gitolite(const char *path, const char *id)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash != NULL ? slash + 1 : path;
	regmatch_t m;
	regex_t re;

	demand(regcomp(&re, "(@[^.]+)?\\.pub$", REG_EXTENDED) == 0);
	demand(regexec(&re, base, 1, &m, 0) == 0);
	demand(strlen(id) == (size_t)m.rm_so);
	demand(memcmp(base, id, strlen(id)) == 0);
	regfree(&re);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);
	struct err e = ERR_INIT;
	char id[GITID_MAX + 1];
	const char *p;

	demand(text != NULL);
	if (gitid_from_path(text, id, &e) == 0) {
		demand(gitid_valid(id, strlen(id)));
		demand(gitid_check(id, strlen(id), &e) == 0);
		demand(gitid_like("*", id) && gitid_like(id, id));
		demand(strncmp(id, "zzz-marked-for-", 15) != 0);
		as_gitolite(text, id);
	} else {
		demand(e.code == ERR_CONFIG || e.code == ERR_REFUSED);
		for (p = e.msg; *p != '\0'; p++)
			demand((unsigned char)*p >= 0x20);
	}
	demand(gitid_valid((const char *)data, size) ==
	    (gitid_check((const char *)data, size, &e) == 0));
	free(text);
	return 0;
}
