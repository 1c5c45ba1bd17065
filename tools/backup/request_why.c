/* SPDX-License-Identifier: ISC */
#include "request_why.h"

#include <string.h>

#include "base/num.h"
#include "request.h"
#include "snapname.h"
#include "ssh/authkeys.h"

#define TEXT_MAX	4095
#define AGE_MAX		(UINT64_C(366) * 86400)	/* as num_duration_ms() */

const char *
request_name_why(const char *value)
{
	return snapname_client(value, "job", NULL) == 0 ? NULL :
	    "is no name (a-z 0-9 . _ -, at most 63 bytes)";
}

const char *
request_snapshot_why(const char *value)
{
	struct snapname s;

	return strcmp(value, REQUEST_LATEST) == 0 ||
	    snapname_parse(value, &s, NULL) == 0 ? NULL :
	    "is no snapshot's name";
}

const char *
request_since_why(const char *value)
{
	struct snapname s;

	return snapname_parse(value, &s, NULL) == 0 ? NULL :
	    "is no snapshot's name";
}

const char *
request_text_why(const char *value)
{
	if (value[0] == '\0')
		return "is empty";
	return strlen(value) > TEXT_MAX ? "is longer than 4095 bytes" : NULL;
}

const char *
request_rsync_why(const char *value)
{
	static const char digits[] = "0123456789";
	static const char all[] = "0123456789abcdefghijklmnopqrstuvwxyz.";

	if (strlen(value) > 32 || strspn(value, digits) == 0 ||
	    value[strspn(value, all)] != '\0')
		return "is no version of rsync";
	return NULL;
}

const char *
request_port_why(const char *value)
{
	uint64_t n;

	return value[0] != '0' && num_u64(value, "port", 1024, 65535, &n,
	    NULL) == 0 ? NULL : "is no port from 1024 to 65535";
}

const char *
request_key_why(const char *value)
{
	static const char type[] = "ssh-ed25519";
	struct authkeys_line k;

	if (authkeys_public(value, strlen(value), &k, NULL) == -1 ||
	    k.type.len != sizeof(type) - 1 ||
	    memcmp(k.type.p, type, sizeof(type) - 1) != 0 ||
	    k.comment.len != 0 || k.type.p != value ||
	    k.key.p != value + sizeof(type) ||
	    k.key.p[k.key.len] != '\0')
		return "is no 'ssh-ed25519 BASE64'";
	return NULL;
}

/* As names of users go; it becomes ssh's -l. */
const char *
request_user_why(const char *value)
{
	static const char all[] = "abcdefghijklmnopqrstuvwxyz"
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
	size_t len = strlen(value);

	return len >= 1 && len <= 32 && strspn(value, all) == len &&
	    value[0] != '-' && value[0] != '.' ? NULL : "is no user's name";
}

const char *
request_match_why(const char *value)
{
	return strcmp(value, "glob") == 0 || strcmp(value, "exact") == 0 ||
	    strcmp(value, "prefix") == 0 ? NULL :
	    "is none of glob, exact and prefix";
}

const char *
request_age_why(const char *value)
{
	uint64_t n;

	return num_u64(value, "max-age", 1, AGE_MAX, &n, NULL) == 0 ? NULL :
	    "is no number of seconds, up to 366 days";
}

const char *
request_sample_why(const char *value)
{
	uint64_t n;

	return num_u64(value, "sample", 1, 100, &n, NULL) == 0 ? NULL :
	    "is no number from 1 to 100";
}

const char *
request_beat_why(const char *value)
{
	uint64_t n;

	return num_u64(value, "beat", 100, 3600000, &n, NULL) == 0 ? NULL :
	    "is no time from 100 ms to one hour";
}
