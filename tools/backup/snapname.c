/* SPDX-License-Identifier: ISC */
#include "snapname.h"

#include <inttypes.h>
#include <stdbool.h>
#include <time.h>

#define DATE_LEN	10
/* What stands behind the client's name, at most: ".DATE.TIME". */
#define TAIL_MAX	(SNAPNAME_MAX - SNAPNAME_CLIENT_MAX)

/* ".YYYY-mm-dd.UNIXTIME". */
static void
tail_emit(int64_t time_s, char ret[TAIL_MAX + 1])
{
	time_t t = (time_t)time_s;
	struct tm tm;
	size_t n = 0;

	if (gmtime_r(&t, &tm) != NULL)
		n = strftime(ret, TAIL_MAX + 1, ".%Y-%m-%d.", &tm);
	snprintf(ret + n, TAIL_MAX + 1 - n, "%" PRId64, time_s);
}

/* The decimal number that is all of s. */
static bool
tail_time(const char *s, int64_t *ret)
{
	int64_t n = 0;

	if (*s == '\0' || (*s == '0' && s[1] != '\0'))
		return false;
	for (; *s != '\0'; s++) {
		if (*s < '0' || *s > '9')
			return false;
		n = n * 10 + (*s - '0');
		if (n > SNAPNAME_TIME_MAX)
			return false;
	}
	*ret = n;
	return true;
}

/*
 * Where the tail of a snapshot's name begins in text, or NULL: it has none.
 * By its own emission, so that no second form of a date or number passes.
 */
static const char *
tail_find(const char *text, int64_t *ret_time_s)
{
	const char *dot = strrchr(text, '.');
	char want[TAIL_MAX + 1];
	int64_t time_s;

	if (dot == NULL || dot - text < DATE_LEN + 1 ||
	    !tail_time(dot + 1, &time_s))
		return NULL;
	tail_emit(time_s, want);
	dot -= DATE_LEN + 1;
	if (strcmp(dot, want) != 0)
		return NULL;
	*ret_time_s = time_s;
	return dot;
}

/* What keeps name from being a client's; NULL: nothing does. */
static const char *
client_why(const char *name)
{
	static const char first[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	static const char rest[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";
	const char *tail;
	int64_t t;

	if (name[0] == '\0')
		return "is empty";
	if (strlen(name) > SNAPNAME_CLIENT_MAX)
		return "is longer than 63 bytes";
	if (strchr(first, name[0]) == NULL)
		return "begins with neither a-z nor 0-9";
	if (name[strspn(name, rest)] != '\0')
		return "has bytes other than a-z 0-9 . _ -";
	if (strstr(name, "..") != NULL)
		return "has '..' in it";
	/* Names of files beside the clients' folders in .postern. */
	if (strcmp(name, "lock") == 0 || strcmp(name, "accept.lock") == 0)
		return "is taken";
	tail = tail_find(name, &t);
	if (tail != NULL && tail > name)
		return "reads as the name of a snapshot";
	return NULL;
}

/* The part of a refused name that may be shown. */
static int
refuse(struct err *e, const char *what, const char *name, const char *why)
{
	const char *p;

	for (p = name; *p != '\0'; p++)
		if (*p < 0x20 || *p > 0x7e)
			return err_set(e, ERR_CONFIG, "the name of a %s: %s",
			    what, why);
	return err_set(e, ERR_CONFIG, "the name of a %s, '%.80s': %s", what,
	    name, why);
}

int
snapname_client(const char *name, const char *what, struct err *e)
{
	const char *why = client_why(name);

	return why != NULL ? refuse(e, what, name, why) : 0;
}

int
snapname_parse(const char *text, struct snapname *ret, struct err *e)
{
	struct snapname s = { .time_s = 0 };
	const char *tail, *why;
	size_t len;

	if (strlen(text) > SNAPNAME_MAX)
		return err_set(e, ERR_CONFIG, "the name of a snapshot: is "
		    "longer than %d bytes", SNAPNAME_MAX);
	tail = tail_find(text, &s.time_s);
	if (tail == NULL)
		return refuse(e, "snapshot", text, "is not "
		    "CLIENT.YYYY-mm-dd.UNIXTIME with a date and time that "
		    "agree");
	len = (size_t)(tail - text);
	if (len > SNAPNAME_CLIENT_MAX)
		return refuse(e, "snapshot", text, "its client's name is "
		    "longer than 63 bytes");
	memcpy(s.client, text, len);
	s.client[len] = '\0';
	why = client_why(s.client);
	if (why != NULL) {
		refuse(e, "client", s.client, why);
		return err_wrap(e, "a snapshot");
	}
	*ret = s;
	return 0;
}

int
snapname_emit(const struct snapname *s, char ret[SNAPNAME_MAX + 1],
    struct err *e)
{
	char tail[TAIL_MAX + 1];

	if (snapname_client(s->client, "client", e) == -1)
		return -1;
	if (s->time_s < 0 || s->time_s > SNAPNAME_TIME_MAX)
		return err_set(e, ERR_CONFIG, "no snapshot can have the time "
		    "%" PRId64, s->time_s);
	tail_emit(s->time_s, tail);
	snprintf(ret, SNAPNAME_MAX + 1, "%s%s", s->client, tail);
	return 0;
}

int
snapname_cmp(const struct snapname *a, const struct snapname *b)
{
	if (a->time_s != b->time_s)
		return a->time_s < b->time_s ? -1 : 1;
	return strcmp(a->client, b->client);
}
