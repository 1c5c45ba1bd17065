/* SPDX-License-Identifier: ISC */
#include "request_why.h"

#include <string.h>

#include "base/num.h"
#include "request.h"
#include "snapname.h"

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
