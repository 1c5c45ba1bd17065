/* SPDX-License-Identifier: ISC */
/*
 * authkeys: what is parsed lies within the line, in order, and the key can be
 * found again; a line that is put in changes nothing else and can be taken
 * out again.
 */
#include <stdint.h>

#include "ssh/authkeys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
demand(int ok)
{
	if (!ok)
		abort();
}

static void
within(const struct authkeys_part *p, const char **at, const char *end)
{
	if (p->len == 0)
		return;
	demand(p->p >= *at && p->p + p->len <= end);
	*at = p->p + p->len;
}

static void
one_line(const char *s, size_t n)
{
	struct authkeys_line k, again;
	struct err e = ERR_INIT;
	const char *at = s;

	if (authkeys_parse(s, n, &k, &e) == -1) {
		demand(e.code == ERR_CONFIG && e.msg[0] != '\0');
		return;
	}
	demand(k.type.len > 0 && k.key.len >= 8);
	within(&k.options, &at, s + n);
	within(&k.type, &at, s + n);
	within(&k.key, &at, s + n);
	within(&k.comment, &at, s + n);
	demand(memchr(k.key.p, ' ', k.key.len) == NULL);
	if (memchr(s, '\n', n) == NULL)
		demand(authkeys_find(s, n, &k, &again) &&
		    authkeys_same(&k, &again));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char line[] = "restrict,command=\"x\" ssh-ed25519 "
	    "AAAAC3NzaC1lZDI1NTE5AAAAIGzI0o4uvbweCNJh1oSFUqO+qTB4Iy2pGK0M"
	    "YZP5Jzoh"
	    " fuzz-me";
	const char *s = (const char *)data;
	struct buf with, without, again;
	struct err e = ERR_INIT;
	size_t found, n;

	one_line(s, size);
	if (size > 65536 || memchr(s, 0, size) != NULL)
		return 0;
	buf_init(&with, AUTHKEYS_FILE_MAX);
	buf_init(&without, AUTHKEYS_FILE_MAX);
	buf_init(&again, AUTHKEYS_FILE_MAX);
	demand(authkeys_put(s, size, "fuzz-me", NULL, &without, &n, &e) == 0);
	demand(n > 0 || (without.len == size &&
	    memcmp(without.data, s, size) == 0));
	demand(authkeys_put(without.data, without.len, "fuzz-me", line, &with,
	    &found, &e) == 0 && found == 0);
	demand(authkeys_put(with.data, with.len, "fuzz-me", NULL, &again,
	    &found, &e) == 0 && found == 1);
	/* But for a line feed that the last line was without. */
	demand(again.len - without.len <= 1 &&
	    memcmp(again.data, without.data, without.len) == 0);
	buf_clear(&with);
	buf_clear(&without);
	buf_clear(&again);
	return 0;
}
