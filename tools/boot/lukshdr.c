/* SPDX-License-Identifier: ISC */
#include "lukshdr.h"

#include <stdint.h>
#include <string.h>

#define SIZE_AT		8
#define UUID_AT		168
#define JSON_AT		4096u
#define NO_TOKENS	"\"tokens\":{}"	/* as libcryptsetup writes it */
#define DIGITS		"0123456789abcdefABCDEF"

static const unsigned char magic[6] = { 'L', 'U', 'K', 'S', 0xba, 0xbe };

bool
lukshdr_uuid(const char *s)
{
	size_t n = 0;
	const char *p;

	for (p = s; *p != '\0'; p++)
		n += *p != '-';
	return n >= 8 && (size_t)(p - s) < LUKSHDR_UUID && s[0] != '-' &&
	    s[strspn(s, DIGITS "-")] == '\0';
}

int
lukshdr_parse(const unsigned char *p, size_t len, char ret[LUKSHDR_UUID],
    struct err *e)
{
	char uuid[LUKSHDR_UUID + 1] = "";

	if (len < LUKSHDR_BYTES || memcmp(p, magic, sizeof(magic)) != 0 ||
	    p[6] != 0 || (p[7] != 1 && p[7] != 2))
		return err_set(e, ERR_PEER, "no LUKS header");
	memcpy(uuid, p + UUID_AT, LUKSHDR_UUID);
	if (!lukshdr_uuid(uuid))
		return err_set(e, ERR_PEER, "a LUKS header without a UUID");
	memcpy(ret, uuid, LUKSHDR_UUID);
	return 0;
}

bool
lukshdr_tokens(const unsigned char *p, size_t len)
{
	uint64_t size = 0;
	size_t i;

	if (p[7] == 1)
		return false;
	for (i = 0; i < 8; i++)
		size = size << 8 | p[SIZE_AT + i];
	return size <= JSON_AT || size > len || memmem(p + JSON_AT,
	    (size_t)size - JSON_AT, NO_TOKENS, strlen(NO_TOKENS)) == NULL;
}

bool
lukshdr_is_open(const char *dm, const char *uuid)
{
	static const char before[] = "CRYPT-LUKS";
	const size_t n = sizeof(before) - 1;

	if (strncmp(dm, before, n) != 0 || (dm[n] != '1' && dm[n] != '2') ||
	    dm[n + 1] != '-')
		return false;
	for (dm += n + 2; *uuid != '\0'; uuid++) {
		if (*uuid == '-')
			continue;
		if (*dm++ != *uuid)
			return false;
	}
	return *dm == '-';
}
