/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "settings.h"

/* One uid for two clients would be none for each, and two names may have one
 * (useradd -o). */

struct user {
	const struct settings_client *client;
	bool known;
	uid_t uid;
};

/* getpwnam(3) has five ways to say that there is none. */
static bool
none(int errnum)
{
	return errnum == 0 || errnum == ENOENT || errnum == ESRCH ||
	    errnum == EBADF || errnum == EPERM;
}

static int
look_up(const struct settings_client *c, struct user *ret, struct err *e)
{
	const struct passwd *pw;

	*ret = (struct user){ .client = c };
	errno = 0;
	pw = getpwnam(c->user);
	if (pw == NULL)
		return none(errno) ? 0 : err_sys(e, "backup.conf: [client %s] "
		    "user = %s", c->name, c->user);
	ret->known = true;
	ret->uid = pw->pw_uid;
	return 0;
}

static int
compare(const struct user *a, const struct user *b, struct err *e)
{
	const char *one = a->client->user, *two = b->client->user;

	if (strcmp(one, two) == 0)
		return err_set(e, ERR_CONFIG, "backup.conf: [client %s] and "
		    "[client %s] have the same user '%s': each needs one of "
		    "its own", a->client->name, b->client->name, one);
	if (a->known && b->known && a->uid == b->uid)
		return err_set(e, ERR_CONFIG, "backup.conf: [client %s] and "
		    "[client %s] have users of the same uid, '%s' and '%s' "
		    "(%u): each needs one of its own", a->client->name,
		    b->client->name, one, two, (unsigned)a->uid);
	return 0;
}

int
settings_users(const struct settings *s, struct err *e)
{
	struct user *v;
	size_t i, k, n = 0;
	int rc = 0;

	v = calloc(s->nclients + 1, sizeof(*v));
	if (v == NULL)
		return err_set(e, ERR_MEM, "out of memory");
	for (i = 0; rc == 0 && i < s->nclients; i++) {
		if (s->clients[i].user == NULL)
			continue;
		rc = look_up(&s->clients[i], &v[n], e);
		for (k = 0; rc == 0 && k < n; k++)
			rc = compare(&v[k], &v[n], e);
		n++;
	}
	free(v);
	return rc;
}
